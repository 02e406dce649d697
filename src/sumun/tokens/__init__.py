"""A token's life, from mint to the last look at it.

record, store, feed   the contracts: what is kept of an opaque token, where, and how changes travel
format                how an opaque token is spelled; its digest, the only form that is stored
signing_keys          the keys of claims tokens; which one signs, which ones verify
jws, jwt              claims tokens: sign them, and read them through a strict gate
signatures            the algorithms that are made and taken
public_jwk, private_jwk, foreign_jws   keys and signatures of others, and our own keys, read strictly
dpop, proof_nonces, binding   whom a token is bound to, and whether a call proves it; own_uri: under what URI
tickets, ephemeral    the contracts of what is needed for minutes: tickets, codes, replayed proofs
base64url, strict_json   what all of these are spelled in
denials               claims tokens that are not believed although their signature is good
mint                  make a token (pure)
judge                 what a token proves right now (pure): -> access.Evidence
batching              the look-ups of one loop turn become one question to the store
stores/               the contracts kept by memory and by Valkey or Redis

Direction of flow: `mint` makes (token, digest, record), `store` keeps the record; a request's token comes back as a
digest through `batching` or as claims through `jwt`, and `judge` says what it proves. Whoever changes a token tells the
`feed` in the same step.

Nothing is imported here: the contracts must not cost a command line the import of `cryptography`.
"""

from __future__ import annotations
