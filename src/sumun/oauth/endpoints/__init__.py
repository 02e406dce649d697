"""The endpoints: thin. Each reads its form, authenticates the client, asks one question of the rest, writes the answer.

For programs
token                 RFC 6749 3.2      a grant -> an access token
revoke                RFC 7009          an access token -> nothing
introspect            RFC 7662          an access token -> what it is, for resource servers
userinfo              OpenID Connect    an access token -> who its person is
ws_ticket             ours              an access token -> a one-time ticket for a WebSocket
par                   RFC 9126          an authorization request -> a reference to it
device_authorization  RFC 8628 3.1      a device -> a code to show
register              RFC 7591, 7592    a client -> its registration, if the configuration lets it
keys                  RFC 7517          the public keys of claims tokens
metadata              RFC 8414, 9728    what this server can do, and no more

For people
authorize             RFC 6749 3.1      a client's request -> what is next: login, consent, code
login                 ours              who they are
consent               ours              what the client may do
device                RFC 8628 3.3      the code that a device shows -> login, consent
logout                OpenID Connect    the end of a session
single_sign_on        ours              one login for every host
assets                ours              stylesheet and pictures of the pages

Every endpoint has `async answer(request) -> Answer`; errors are raised and become answers in `oauth.app`.
"""
