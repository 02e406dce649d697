"""The OAuth server: programs and people get tokens here, give them back, and ask what one is.

app             raw ASGI: a table of paths, bodies within limits, errors and outages made answers
endpoints/      token, revoke, introspect, userinfo, keys, metadata; thin
grants/         what may be exchanged for a token: password, client_credentials
account/        `/account`: what a person gave to whom, where they are logged in, their password
issue           from a grant to a token: the only place that issues
id_tokens       who logged in, for a client that asked (OpenID Connect)
back_channel    telling clients that a session ended
messages        form bodies read strictly; sans-IO
scopes          what is asked for, held against what the client may have
authentication  which client a request is from (`login.client_secret` judges)
clients         configured and registered clients, one shape
standings       a program's standing from this process's memory
csrf            forms that only our own pages can send
presented       a token that somebody holds out to us
bearer          a token that somebody calls our own endpoints with
exchange        Request and Answer as values
errors          the words of the RFCs, and the one table to HTTP statuses
server          puts the parts together

Flow of a token request: app -> messages -> authentication -> grant (-> login) -> issue (-> tokens.mint, store) -> app.
"""
