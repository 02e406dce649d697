"""src/sumun/tokens/judge.py and denials.py"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sumun.access import Evidence, Invalid, InvalidBecause, Proven, TokenKind
from sumun.identity import ANYTHING, Permission, Standing, Subject
from sumun.tokens.denials import Denial, DenialKind, Denials
from sumun.tokens.judge import ClientState, judge_claims, judge_record
from sumun.tokens.jwt import AccessClaims
from sumun.tokens.record import TokenRecord

ALICE = Subject.user("alice")
READ, ORDERS = Permission("product", "read"), Permission("order", "*")
EVERYTHING = frozenset({ANYTHING})
RECORD = TokenRecord("tid_1", ALICE, "shop", EVERYTHING, 0, 900_000, 3)
STANDING = Standing(
    ALICE, "앨리스", frozenset({"admin"}), frozenset({READ}), disabled=False, epoch=9, login_epoch=3
)
CLIENT = ClientState("shop", EVERYTHING)
CLAIMS = AccessClaims(
    ALICE, "shop", "jti_1", EVERYTHING, frozenset({"admin"}), frozenset({READ}), 5, 2, 0, 900
)


def principal_of(evidence: Evidence):
    assert isinstance(evidence, Proven)
    return evidence.principal


def test_follows_the_subject() -> None:
    """Without rights of its own a token carries what its subject has now."""
    evidence = judge_record(RECORD, STANDING, CLIENT, 1.0)
    principal = principal_of(evidence)
    assert (principal.subject, principal.name, principal.roles, principal.permissions) == (
        *(ALICE, "앨리스"),
        *(STANDING.roles, STANDING.permissions),
    )
    assert (principal.client_id, principal.token_id, principal.scopes) == ("shop", "tid_1", EVERYTHING)
    assert evidence == Proven(principal, TokenKind.OPAQUE, 900.0)


def test_rights_of_its_own_replace_the_subjects() -> None:
    """A token with rights of its own has those, be they more or none."""
    own = structs.replace(
        RECORD, own_rights=True, roles=frozenset({"auditor"}), permissions=frozenset({ORDERS})
    )
    principal = principal_of(judge_record(own, STANDING, CLIENT, 1.0))
    assert (principal.roles, principal.permissions) == (frozenset({"auditor"}), frozenset({ORDERS}))
    none = structs.replace(RECORD, own_rights=True)
    assert principal_of(judge_record(none, STANDING, CLIENT, 1.0)).roles == frozenset()


@pytest.mark.parametrize(
    ("record", "standing", "client", "now", "because"),
    [
        (RECORD, STANDING, CLIENT, 900.0, InvalidBecause.EXPIRED),
        (RECORD, STANDING, CLIENT, 901.0, InvalidBecause.EXPIRED),
        (RECORD, None, CLIENT, 1.0, InvalidBecause.SUBJECT_DISABLED),
        (RECORD, replace(STANDING, disabled=True), CLIENT, 1.0, InvalidBecause.SUBJECT_DISABLED),
        (RECORD, replace(STANDING, login_epoch=4), CLIENT, 1.0, InvalidBecause.REVOKED),
        (RECORD, STANDING, None, 1.0, InvalidBecause.CLIENT_DISABLED),
        (RECORD, STANDING, replace(CLIENT, disabled=True), 1.0, InvalidBecause.CLIENT_DISABLED),
        (
            structs.replace(RECORD, own_rights=True),
            replace(STANDING, disabled=True),
            CLIENT,
            1.0,
            InvalidBecause.SUBJECT_DISABLED,
        ),
    ],
)
def test_what_ends_an_opaque_token(record, standing, client, now, because) -> None:
    """Expiry (on the millisecond), a newer login epoch, a disabled or vanished subject or client."""
    assert judge_record(record, standing, client, now) == Invalid(because)


def test_the_last_moment() -> None:
    """A millisecond before its end a token is good, and a standing that is behind does not end it."""
    assert isinstance(judge_record(RECORD, STANDING, CLIENT, 899.999), Proven)
    assert isinstance(judge_record(RECORD, replace(STANDING, login_epoch=2), CLIENT, 1.0), Proven)


def test_the_clients_scopes_bound_the_token() -> None:
    """What the client may not have any more is cut off a token that was issued before."""
    bound = ClientState("shop", frozenset({Permission("product", "*"), Permission("role", "user")}))
    principal = principal_of(judge_record(RECORD, STANDING, bound, 1.0))
    assert principal.scopes == bound.scopes
    narrow = structs.replace(RECORD, scopes=frozenset({READ, ORDERS}))
    assert principal_of(judge_record(narrow, STANDING, bound, 1.0)).scopes == {READ}
    nothing = ClientState("shop", frozenset())
    assert principal_of(judge_record(RECORD, STANDING, nothing, 1.0)).scopes == frozenset()


def test_claims_carry_their_rights() -> None:
    """A claims token is judged without the subject's standing, and has no name."""
    evidence = judge_claims(CLAIMS, Denials(), CLIENT, 1.0)
    principal = principal_of(evidence)
    assert (principal.name, principal.roles, principal.permissions) == ("", CLAIMS.roles, CLAIMS.permissions)
    assert evidence == Proven(principal, TokenKind.JWT, 900.0)


LATER = 10_000_000


@pytest.mark.parametrize(
    ("denial", "denied"),
    [
        (Denial(DenialKind.TOKEN, "jti_1", None, LATER), True),
        (Denial(DenialKind.TOKEN, "jti_2", None, LATER), False),
        (Denial(DenialKind.SUBJECT, "user:alice", 6, LATER), True),
        (Denial(DenialKind.SUBJECT, "user:alice", 5, LATER), False),
        (Denial(DenialKind.SUBJECT, "user:alice", None, LATER), True),
        (Denial(DenialKind.SUBJECT, "user:bob", 6, LATER), False),
        (Denial(DenialKind.SUBJECT, "client:shop", 9, LATER), False),
        (Denial(DenialKind.CLIENT, "shop", 3, LATER), True),
        (Denial(DenialKind.CLIENT, "shop", 2, LATER), False),
        (Denial(DenialKind.CLIENT, "shop", None, LATER), True),
        (Denial(DenialKind.CLIENT, "other", 3, LATER), False),
    ],
)
def test_denials(denial: Denial, denied: bool) -> None:
    """A denied token, subject epoch or client epoch is refused as revoked; the others are not."""
    evidence = judge_claims(CLAIMS, Denials([denial]), CLIENT, 1.0)
    assert (evidence == Invalid(InvalidBecause.REVOKED)) is denied
    assert isinstance(evidence, Proven) is not denied


@pytest.mark.parametrize(
    ("client", "now", "because"),
    [
        (CLIENT, 900.0, InvalidBecause.EXPIRED),
        (None, 1.0, InvalidBecause.CLIENT_DISABLED),
        (replace(CLIENT, disabled=True), 1.0, InvalidBecause.CLIENT_DISABLED),
    ],
)
def test_what_ends_a_claims_token(client: ClientState | None, now: float, because: InvalidBecause) -> None:
    """Expiry on the second, a disabled or vanished client."""
    assert judge_claims(CLAIMS, Denials(), client, now) == Invalid(because)


some_denials = st.builds(
    Denial,
    st.just(DenialKind.SUBJECT),
    st.just("user:alice"),
    st.none() | st.integers(0, 8),
    st.integers(0, 20_000),
)


@given(st.lists(some_denials, max_size=12), st.lists(st.integers(0, 20), max_size=3), st.randoms())
def test_denials_only_grow(every: list[Denial], times: list[int], random) -> None:
    """Whatever the order, a denial denies until its own end at least; what has ended everywhere is forgotten."""
    denials = Denials()
    shuffled = list(every)
    random.shuffle(shuffled)
    for one in shuffled:
        denials.add([one])
    for time in sorted(times):
        denials.drop_expired(time)
        for one in every:
            if one.expires_at_ms > time * 1000 and Denials([one]).denies(CLAIMS):
                assert denials.denies(CLAIMS)
    denials.drop_expired(20)
    assert len(denials) == 0
