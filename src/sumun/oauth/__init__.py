"""The OAuth server: programs and people get tokens here, give them back, and ask what one is.

server          which endpoint stands at which path: for_programs and for_people, on what is kept between two requests
                (kept); parts: what all of it is given, configured: by the plan
app             raw ASGI: a table of paths, bodies within limits, errors and outages made answers
endpoints/      one file for each address; thin
grants/         what may be exchanged for a token; one file for each
issue           from a grant to a token: the only place that issues
authorize/      a client sends a person here, who comes back with a code
device/         the same for devices without a browser
account/        `/account`: what a person gave to whom, where they are logged in, their password
registration    what a client says of itself when it registers

Who asks
authentication  which client a request is from (`login.client_secret` judges); certificates: the one it came with
caller          who calls an endpoint of ours with an access token; proofs: the key that the call proves
presented       a token that somebody holds out to us; token_types: what such tokens are called
clients         configured and registered clients, one shape
standings       a program's standing from this process's memory
strangers       how much those who are not known may let wait
scopes          what is asked for, held against what the client may have; resources: for which services

A person in a browser
login_first     to the login page and back; waiting: what a request goes on with there
page_answers    pages as answers; replies: what goes to the client through the browser
csrf            forms that only our own pages can send
our_hosts       the hosts where browsers are logged in; handoff: how a session comes to the others
logout_request  what a logout request asks
id_tokens       who logged in, for a client that asked (OpenID Connect)
back_channel    telling clients that a session ended; back_channel_http: the POST that does

Words of HTTP and OAuth
exchange        Request and Answer as values; cross_origin: which pages may read it
messages        form bodies read strictly; sans-IO
errors          the words of the RFCs, and the one table to HTTP statuses
paths           addresses that more than one file names

Flow of a token request: app -> messages -> authentication -> grant (-> login) -> issue (-> tokens.mint, store) -> app.
"""
