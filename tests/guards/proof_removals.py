"""The guards of proofs: DPoP (RFC 9449), client assertions (RFC 7523), and registration (RFC 7591, 7592)."""

from __future__ import annotations

from tests.guards.removal import Removal

DPOP = "tests/unit/tokens/test_dpop.py"
POSSESSION = "tests/unit/recognition/test_possession.py"
ASSERTION = "tests/unit/login/test_client_assertion.py"
REGISTER = "tests/conversations/oauth/test_register.py"

PROOF_REMOVALS = (
    Removal(
        "a stolen bound token is used as Bearer",
        "tokens/binding.py",
        "return Bound(replace(proven, bound_to=bound_to)) if bound_to else proven",
        "return replace(proven, bound_to=bound_to) if bound_to else proven",
        "tests/unit/tokens/test_binding.py::test_a_bound_token_is_nobody_elses",
    ),
    Removal(
        "a stolen bound token is used with the thief's key",
        "tokens/binding.py",
        "if evidence.proven.bound_to in proved:",
        "if proved:",
        f"{POSSESSION}::test_what_does_not_do",
    ),
    Removal(
        "HAProxy keeps what a proof let through, and lets it through without one",
        "answers/answer.py",
        "and not evidence.bound_to",
        "",
        "tests/unit/answers/test_answer.py::test_a_proven_binding_is_not_kept",
    ),
    Removal(
        "a proof is replayed",
        "recognition/possession.py",
        'if not await self._seen.add(Kind.DPOP, proof.digest, b"", _REMEMBERED_MS):',
        "if not proof.digest:",
        f"{POSSESSION}::test_of_many_at_once_one_is_taken",
    ),
    Removal(
        "a proof is made in advance",
        "recognition/possession.py",
        "if not self._nonces.is_good(proof.nonce, now):",
        "if not proof.nonce:",
        f"{POSSESSION}::test_what_does_not_do",
    ),
    Removal(
        "a proof for another server is taken, whose name the request claims",
        "tokens/own_uri.py",
        "return None if origin is None else",
        'return f"https://{host}{path}" if origin is None else',
        f"{POSSESSION}::test_another_host_is_not_ours",
    ),
    Removal(
        "a proof for another call is taken",
        "tokens/dpop.py",
        'if claims.get("htm") != shown.method:',
        'if "htm" not in claims:',
        f"{DPOP}::test_claims_that_do_not_hold",
    ),
    Removal(
        "a proof for another token is taken",
        "tokens/dpop.py",
        'if token is not None and claims.get("ath") != access_token_hash(token):',
        'if token is not None and "ath" not in claims:',
        f"{DPOP}::test_claims_that_do_not_hold",
    ),
    Removal(
        "an access token of ours, or an ID token, is taken for a proof",
        "tokens/dpop.py",
        'if found.header.get("typ") != TYPE:',
        'if "typ" not in found.header:',
        f"{DPOP}::test_headers_that_are_refused",
    ),
    Removal(
        "a proof brings its private key, or a weak one",
        "tokens/public_jwk.py",
        "if _PRIVATE & members.keys():",
        "if not members:",
        f"{DPOP}::test_headers_that_are_refused",
    ),
    Removal(
        "a proof or an assertion is signed by nobody",
        "tokens/foreign_jws.py",
        "return verifies is not None and verifies(self.signature, self.signing_input)",
        "return verifies is not None",
        f"{ASSERTION}::test_what_proves_nobody",
    ),
    Removal(
        "a code is redeemed with another key than it was asked for with",
        "oauth/grants/authorization_code.py",
        "if code.dpop_jkt and call.bound_to != to_key(code.dpop_jkt):",
        "if code.dpop_jkt and not call:",
        "tests/conversations/oauth/test_dpop.py::test_a_code_is_for_a_key",
    ),
    Removal(
        "a stolen refresh token is used with the thief's key",
        "oauth/endpoints/token.py",
        "if is_to_key(before) and before != proved:",
        "if is_to_key(before) and not before:",
        "tests/conversations/oauth/test_dpop.py::test_a_refresh_token_of_a_public_client_is_for_its_key",
    ),
    Removal(
        "an assertion for another server is taken",
        "login/client_assertion.py",
        'if not self._for_us(claims.get("aud")):',
        'if "aud" not in claims:',
        f"{ASSERTION}::test_what_proves_nobody",
    ),
    Removal(
        "an assertion is replayed",
        "login/client_assertion.py",
        'return None if await self._seen.add(Kind.ASSERTION, digest, b"", lifetime_ms) else "used_before"',
        "return None if lifetime_ms else str(digest)",
        f"{ASSERTION}::test_an_assertion_is_good_once",
    ),
    Removal(
        "a client proves itself as another",
        "login/client_assertion.py",
        'if claims.get("iss") != client_id or claims.get("sub") != client_id:',
        "if not claims:",
        f"{ASSERTION}::test_what_proves_nobody",
    ),
    Removal(
        "forgery of requests: a client's keys are fetched from wherever its name leads",
        "login/key_set_http.py",
        "return found.is_global and not found.is_multicast",
        "return True",
        "tests/unit/login/test_key_set_http.py::test_not_everybodys",
    ),
    Removal(
        "anybody registers a client",
        "oauth/endpoints/register.py",
        "not _is(shown, self._parts.token_sha256)",
        "not shown",
        f"{REGISTER}::test_who_may_register",
    ),
    Removal(
        "a client changes another's registration",
        "oauth/endpoints/register.py",
        "if client is None or kept is None or not right or client.disabled:",
        "if client is None or client.disabled:",
        f"{REGISTER}::test_nobody_elses_registration",
    ),
    Removal(
        "a stranger's client gets more than strangers get",
        "oauth/registration.py",
        "if not grants or not grants <= allowed.grants:",
        "if not grants:",
        f"{REGISTER}::test_what_no_client_may_be",
    ),
)
