"""The endpoints: thin. Each reads its form, authenticates the client, asks one question of the rest, writes the answer.

token        RFC 6749 3.2     a grant -> an access token
revoke       RFC 7009         an access token -> nothing
introspect   RFC 7662         an access token -> what it is, for resource servers
ws_ticket    ours         an access token -> a one-time ticket for a WebSocket
assets       ours             stylesheet and pictures of the pages
keys         RFC 7517         the public keys of claims tokens
metadata     RFC 8414         what this server can do, and no more

Every endpoint has `async answer(request) -> Answer`; errors are raised and become answers in `oauth.app`.
"""
