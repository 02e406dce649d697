"""The authorization endpoint: a client sends a person here, and the person comes back with a code.

parameters    a query or a form read strictly: what stands once, what is repeated
redirects     which addresses a code may be sent to (RFC 8252, RFC 9700 4.1)
request       parameters and a client -> AuthorizationRequest, or a refusal that says whether the client may hear of it
reply         how the answer goes back: query, fragment, form_post (RFC 9207: always with `iss`)
steps         what is still to be done before a code: log in, ask, nothing; or why not
consent       which permissions a person is asked about, in words; what is granted
transactions  a request that waits for a person, bound to their browser
pushed        requests that wait to be taken up once (RFC 9126)
remembered    what people allow clients, and what they refused them
flow          the way of a request: at every step, what is true now decides what is next
codes         a code's meaning, given out once
errors        refusals: those the client hears of, and those it may not

Flow: parameters -> request -> steps -> (login, consent: steps again) -> codes -> reply. `flow`, `transactions`,
`pushed`, `remembered` and `codes` ask the stores; the rest is pure.
"""
