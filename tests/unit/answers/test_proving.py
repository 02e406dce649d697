"""Questions about calls that prove a key: real proofs, in a question as HAProxy asks it."""

from __future__ import annotations

import pytest

from sumun.access import Evidence, Proven, TokenKind
from sumun.answers.translate import Variables
from sumun.tokens.binding import if_bound, to_key
from tests.unit.answers.test_answer import BOB, Knows, ask
from tests.unit.recognition.possessed import NONCES, ORIGIN
from tests.unit.tokens.proofs import jkt, key_for, proof

PROVEN = Proven(BOB, TokenKind.OPAQUE, 200.0)
KNOWN: dict[str, Evidence] = {
    "bob": if_bound(PROVEN, to_key(jkt(key_for("ES256")))),
    "bearer": PROVEN,
}
NONCE = NONCES.fresh(100.0)


def prove(text: str | None, cred: str = "bob", **changes: object) -> Variables:
    """Ask about `GET https://gw.example/products` by the scheme DPoP."""
    call = {"kind": "dpop", "method": "GET", "host": "gw.example", "path": "/products", "proof": text}
    return ask(Knows(KNOWN), **{"route": "read", **call, "cred": cred, **changes})


def hers(**changes: object) -> str:
    made: dict[str, object] = {"token": "bob", "nonce": NONCE}
    return proof("GET", f"{ORIGIN}/products", **made | changes)  # type: ignore[arg-type]


def test_the_holder_is_let_through() -> None:
    """Allowed and named as anybody else, and told the nonce to use next."""
    answer = prove(hers())
    assert (answer["allow"], answer["dpop_nonce"]) == (True, NONCE)
    assert "|user:bob|tid_1|" in str(answer["fact"])


@pytest.mark.parametrize(
    ("text", "cred", "code", "why"),
    [
        (None, "bob", "invalid_dpop_proof", "bad_proof"),
        (hers(htm="POST"), "bob", "invalid_dpop_proof", "bad_proof"),
        (hers(nonce=None), "bob", "use_dpop_nonce", "nonce_wanted"),
        (hers(token="bearer"), "bearer", "invalid_token", "binding_failed"),
        (hers(token="nobody"), "nobody", "invalid_token", "unknown"),
    ],
    ids=["no proof", "another method", "no nonce", "bearer token", "unknown token"],
)
def test_a_refusal_is_of_the_scheme(text: str | None, cred: str, code: str, why: str) -> None:
    """401 with a DPoP challenge that names the error and the algorithms, and a nonce to go on with (RFC 9449 7.1, 8)."""
    answer = prove(text, cred)
    assert (answer.get("allow"), answer["status"], answer["code"], answer["why"]) == (None, 401, code, why)
    challenge = str(answer["challenge"])
    assert challenge.startswith(f'DPoP realm="sumun", error="{code}"')
    assert challenge.endswith('algs="ES256 Ed25519 EdDSA PS256 RS256"')
    assert answer["dpop_nonce"] == NONCE


def test_what_is_missing_is_told_in_the_scheme() -> None:
    """403 with a DPoP challenge; the proof was good."""
    answer = prove(hers(), route="write")
    assert (answer["status"], answer["code"]) == (403, "insufficient_scope")
    assert str(answer["challenge"]).startswith('DPoP realm="sumun", error="insufficient_scope"')


@pytest.mark.parametrize("missing", ["method", "host", "path", "cred"])
def test_a_question_without_its_call_is_not_answered(missing: str) -> None:
    """A DPoP call that came in the words of a plain question is nothing that we wrote."""
    assert prove(hers(), **{missing: None}) == {}


def test_an_outage_is_ours() -> None:
    """503, whatever the proof."""
    call = {"kind": "dpop", "method": "GET", "host": "gw.example", "path": "/products", "proof": hers()}
    assert ask(Knows(KNOWN, down=True), **call)["status"] == 503
