"""Proving who someone is. Nothing here issues a token, and nothing here knows OAuth or HTTP status codes.

authenticator     the contract: NotMine | Rejected(because) | Identified; trouble is raised
pipeline          a client's chain of authenticators, in the order of the configuration file; the throttle around it
password          people of the directory, Argon2id, in bounded threads (`password_threads`)
http              any authentication server that answers one small question (`http_answer` reads what it says,
                  `circuit` leaves a dead one alone, `http_settings` checks what the operator writes)
kinds             the built-in kinds of authenticators, and what a builder is given
client_secret     programs: RFC 6749 section 2.3.1; or by `client_certificate`, or by a key (`client_assertion`)
throttle          slows guessing; its store is `throttle_valkey` (several processes) or `throttle_memory` (one)

Flow: proof -> throttle -> chain -> authenticator, authenticator, ... -> Identified | Rejected | RateLimited.
An outage is an exception (`errors`), never "wrong password".
"""
