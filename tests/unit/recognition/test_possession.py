"""Whether a call proves the key of its token: time, nonce, once, and the right key. Proofs are made by joserfc."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from msgspec.structs import replace

from sumun.access import Evidence, Invalid, InvalidBecause, Missing, Proven, TokenKind
from sumun.identity import ANYTHING, Principal, Subject
from sumun.recognition.possession import Possession
from sumun.tokens.binding import if_bound, to_certificate, to_key
from sumun.tokens.dpop import WINDOW_SECONDS
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.proof_nonces import LIVES_SECONDS
from tests.unit.recognition.possessed import NONCES, ORIGIN, possession
from tests.unit.tokens.proofs import jkt, key_for, new_key, proof

NOW = 1_800_000_000.0
TOKEN = "smn_at_one"
BOB = Principal(Subject.user("bob"), "Bob", frozenset(), frozenset(), frozenset({ANYTHING}), "app", "tid_1")
PROVEN = Proven(BOB, TokenKind.OPAQUE, NOW + 900, 7)
HERS = to_key(jkt(key_for("ES256")))
BOUND = if_bound(PROVEN, HERS)


def judged(
    judge: Possession,
    text: str | None,
    evidence: Evidence = BOUND,
    now: float = NOW,
    host: str = "gw.example",
) -> Evidence:
    """What `evidence` proves in `GET https://gw.example/a` with this proof."""
    return asyncio.run(judge.judge(evidence, judge.shown("GET", host, "/a", text), TOKEN, now))


def hers(now: float = NOW, **changes: object) -> str:
    """A proof of the right key for this call, with today's nonce."""
    made: dict[str, object] = {"token": TOKEN, "nonce": NONCES.fresh(now), "iat": int(now)}
    return proof("GET", f"{ORIGIN}/a", **made | changes)  # type: ignore[arg-type]


def test_the_holder_is_proven() -> None:
    """The right key, this call, this token, now: worth what the token is worth, and marked."""
    assert judged(possession(lambda: NOW), hers()) == replace(PROVEN, bound_to=HERS)


def test_a_proof_is_taken_once() -> None:
    """The same proof again is a replay for as long as it could be good, a new one is not."""
    clock = [NOW]
    judge = possession(lambda: clock[0])
    first = hers()
    assert isinstance(judged(judge, first), Proven)
    for later in (0, 100, LIVES_SECONDS - 1):
        clock[0] = NOW + later
        again = judged(judge, first, now=clock[0])
        assert again in (Invalid(InvalidBecause.PROOF_REPLAYED), Invalid(InvalidBecause.NONCE_WANTED))
    assert isinstance(judged(judge, hers(clock[0]), now=clock[0]), Proven)


def test_of_many_at_once_one_is_taken() -> None:
    """A hundred calls with one proof at the same time: one is let through."""
    judge, text = possession(lambda: NOW), hers()

    async def all_at_once() -> list[Evidence]:
        shown = judge.shown("GET", "gw.example", "/a", text)
        return await asyncio.gather(*(judge.judge(BOUND, shown, TOKEN, NOW) for _ in range(100)))

    found = asyncio.run(all_at_once())
    assert sum(isinstance(one, Proven) for one in found) == 1
    assert found.count(Invalid(InvalidBecause.PROOF_REPLAYED)) == 99


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (None, InvalidBecause.BAD_PROOF),
        ("", InvalidBecause.BAD_PROOF),
        (hers(htm="POST"), InvalidBecause.BAD_PROOF),
        (hers(htu=f"{ORIGIN}/b"), InvalidBecause.BAD_PROOF),
        (hers(token="smn_at_other"), InvalidBecause.BAD_PROOF),
        (hers(token=None), InvalidBecause.BAD_PROOF),
        (hers(nonce=None), InvalidBecause.NONCE_WANTED),
        (hers(nonce="made-up"), InvalidBecause.NONCE_WANTED),
        (hers(nonce=NONCES.fresh(NOW - LIVES_SECONDS)), InvalidBecause.NONCE_WANTED),
        (hers(key=new_key()), InvalidBecause.BINDING_FAILED),
    ],
    ids=map(str, itertools.count()),
)
def test_what_does_not_do(text: str | None, because: InvalidBecause) -> None:
    """No proof, one for another call, one without a nonce of now, and one of another key."""
    assert judged(possession(lambda: NOW), text) == Invalid(because)


def test_a_stolen_proof_is_not_used_up() -> None:
    """Who has a proof and another key cannot spoil it: only the right key's proofs are remembered."""
    judge = possession(lambda: NOW)
    thief = new_key()
    assert judged(judge, hers(key=thief, jti="same")) == Invalid(InvalidBecause.BINDING_FAILED)
    assert isinstance(judged(judge, hers(jti="same")), Proven)


def test_a_wrong_clock_and_a_good_nonce_do() -> None:
    """A nonce of ours says when the proof was made; the client's clock need not be right (RFC 9449 4.3 (11))."""
    assert isinstance(judged(possession(lambda: NOW), hers(iat=12)), Proven)


@pytest.mark.parametrize(("away", "good"), [(WINDOW_SECONDS, True), (WINDOW_SECONDS + 1, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_without_a_nonce_the_clock_counts(away: int, sign: int, *, good: bool) -> None:
    """Where no nonce is demanded, a proof is good for a minute around its `iat`."""
    text = hers(nonce=None, iat=int(NOW) + sign * away)
    found = judged(possession(lambda: NOW, nonce_demanded=False), text)
    assert isinstance(found, Proven) is good


@pytest.mark.parametrize(
    "evidence", [Missing(), Invalid(InvalidBecause.EXPIRED), Invalid(InvalidBecause.UNKNOWN)], ids=str
)
def test_no_proof_makes_a_token_good(evidence: Evidence) -> None:
    """What the token is not, its proof is not."""
    assert judged(possession(lambda: NOW), hers(), evidence) == evidence


def test_a_bearer_token_is_not_bound() -> None:
    """The scheme DPoP with a token that is bound to nothing is refused (RFC 9449 7.1), and so is one for a certificate."""
    judge = possession(lambda: NOW)
    certificate = if_bound(PROVEN, to_certificate("c" * 43))
    for evidence in (PROVEN, certificate):
        assert judged(judge, hers(), evidence) == Invalid(InvalidBecause.BINDING_FAILED)


def test_another_host_is_not_ours() -> None:
    """A proof that was made for another server is worth nothing here, also when the request claims its host."""
    text = hers(htu="https://evil.example/a")
    assert judged(possession(lambda: NOW), text, host="evil.example") == Invalid(InvalidBecause.BAD_PROOF)


def test_a_store_that_is_away_is_our_trouble() -> None:
    """Nobody is let through on a proof that cannot be remembered, and nobody is called a thief for it."""
    judge = possession(lambda: NOW)
    asyncio.run(judge._seen.close())  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailableError):
        judged(judge, hers())
