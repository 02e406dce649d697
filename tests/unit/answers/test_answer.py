"""Questions in, answers out: the path of one question with a recogniser of known outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sumun.access import (
    Access,
    Evidence,
    HasPermission,
    Invalid,
    InvalidBecause,
    Policy,
    Proven,
    Reason,
    Refuse,
    Rule,
    TokenKind,
)
from sumun.access.generations import Generations
from sumun.answers.answer import Answerer
from sumun.answers.later import Later
from sumun.answers.translate import Told, Variables, write_refusal
from sumun.errors import OutageError
from sumun.haproxy.kept import Fact, Verdict
from sumun.identity import ANYTHING, Credential, CredentialKind, Permission, Principal, Subject
from sumun.recognition.handle import Handle, OpaqueHandle
from sumun.spop.actions import decode_actions
from sumun.tokens.binding import if_bound, to_certificate, to_key
from tests.unit.recognition.possessed import possession

READ = Permission.parse("product:read")
BOB = Principal(
    Subject.user("bob"),
    "밥 Bob",
    frozenset({"user"}),
    frozenset(),
    frozenset({ANYTHING}),
    "shop-app",
    "tid_1",
)
BATCH = Principal(
    Subject.client("batch"), "batch", frozenset(), frozenset({READ}), frozenset({ANYTHING}), "batch", "tid_2"
)
QUESTION = {"gen": "7", "route": "list", "lst": "public", "kind": "bearer", "cred": "bob"}


def variables(told: object) -> Variables:
    """What HAProxy reads in an answer that is there."""
    if isinstance(told, bytes):
        actions = decode_actions(told, 0, len(told))
        return {action.name: action.value for action in actions}  # type: ignore[union-attr,misc]
    assert isinstance(told, dict)
    return told


class Knows:
    """A recogniser that knows these credentials; the rest is unknown. `down` raises instead.

    `slow`: it must look, and is asked to wait for; `looks`: it says so itself, `in vain`: it says that it must be asked.
    """

    def __init__(
        self, known: Mapping[str, Evidence], *, down: bool = False, slow: bool = False, looks: str = ""
    ) -> None:
        self.known, self.down, self.slow, self.looks = known, down, slow or bool(looks), looks

    def recognise_now(self, credential: Credential, now: float) -> Evidence | None:
        if self.down and not self.slow:
            raise OutageError("the store is down")
        return None if self.slow else self.known.get(credential.secret, Invalid(InvalidBecause.UNKNOWN))

    def look(
        self, credential: Credential, now: float, hear: Callable[[Evidence | BaseException | None], None]
    ) -> bool:
        found: Evidence | BaseException | None = self.known.get(
            credential.secret, Invalid(InvalidBecause.UNKNOWN)
        )
        if self.looks == "in vain":
            found = None
        elif self.down:
            found = OutageError("the store is down")
        if self.looks:
            asyncio.get_running_loop().call_soon(hear, found)
        return bool(self.looks)

    async def recognise(self, credential: Credential, now: float) -> Evidence:
        if self.down:
            raise OutageError("the store is down")
        return self.known.get(credential.secret, Invalid(InvalidBecause.UNKNOWN))

    async def recognise_again(self, handle: Handle, now: float) -> Evidence:
        assert isinstance(handle, OpaqueHandle)
        return await self.recognise(Credential(CredentialKind.BEARER, handle.digest.decode()), now)


async def redeem(ticket: str) -> Handle | None:
    """`ticket-bob` stands for bob's token; `down` is asked for in vain."""
    if ticket == "down":
        raise OutageError("the store is down")
    return OpaqueHandle(ticket.removeprefix("ticket-").encode()) if ticket.startswith("ticket-") else None


def ask(
    recogniser: Knows,
    learned: list[tuple[Fact, Verdict]] | None = None,
    opened: list[tuple[object, ...]] | None = None,
    **changes: object,
) -> Variables:
    """Ask QUESTION with these changes (None leaves the argument out).

    What may be kept is added to `learned`, what may stay open to `opened`. Nothing is kept of a first question, so with
    `learned` it is asked twice; the answer is the second one.
    """
    generations = Generations()
    generations.learn(
        Policy(
            generation=7,
            rules={
                "list": Rule("list", Access.PROTECTED, HasPermission(READ)),
                "read": Rule("read", Access.PROTECTED, HasPermission(READ)),
                "write": Rule("write", Access.PROTECTED, HasPermission(Permission.parse("product:create"))),
                "reports": Rule("reports", kinds=frozenset({TokenKind.JWT})),
                "inside": Rule("inside", Access.INTERNAL),
                "open": Rule("open", Access.PUBLIC),
            },
            bundles={"user": frozenset({READ})},
            signed={"list": "products"},
            kept={
                "read": ("products", "9"),
                "write": ("products", "1"),
                "open": ("products", "2"),
                "reports": ("products", "3"),
            },
        )
    )
    answerer = Answerer(
        generations,
        recogniser,
        redeem,
        possession(lambda: 100.0),
        lambda _policy, _who, service, *_times: f"signed for {service}",
        lambda: 100.0,
        lambda fact, verdict: ([] if learned is None else learned).append((fact, verdict)),
        lambda *words: ([] if opened is None else opened).append(words),
    )
    arguments = {k: v for k, v in {**QUESTION, **changes}.items() if v is not None}

    async def told() -> Told:
        answer = answerer.answer(arguments)
        if isinstance(answer, Later):
            heard: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
            answer.then(heard.set_result)
            return await heard
        return answer if isinstance(answer, dict | bytes) else await answer

    async def answered() -> Variables:
        return variables(await told())

    if learned is not None:
        asyncio.run(answered())
        assert learned == []
        ([] if opened is None else opened).clear()
    return asyncio.run(answered())


KNOWN = {"bob": Proven(BOB, TokenKind.OPAQUE, 200.0), "batch": Proven(BATCH, TokenKind.OPAQUE, 200.0)}

WAYS: list[dict[str, Any]] = [{}, {"slow": True}, {"looks": "found"}, {"looks": "in vain"}]
"""At once, waited for, told by who looked, told that it must be waited for."""


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_caller_who_may_is_allowed_and_named(way: dict[str, Any]) -> None:
    """Allow comes with the whole identity, percent-encoded, and the signature for the service."""
    assert ask(Knows(KNOWN, **way)) == {
        "allow": True,
        "fact": "||opaque;user;;*:*|user:bob|tid_1|shop-app|bob|%EB%B0%A5%20Bob",
        "rights": "|user|product:read",
        "identity_token": "signed for products",
    }


def test_a_program_has_no_user() -> None:
    """A client that acts for itself is named by its client id alone."""
    answer = ask(Knows(KNOWN), cred="batch")
    assert answer["allow"] is True
    assert answer["fact"] == "||opaque;;product:read;*:*|client:batch|tid_2|batch||"


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_caller_who_may_not_hears_what_is_missing(way: dict[str, Any]) -> None:
    """403 insufficient_scope names the scope (RFC 6750 3.1) and never says allow."""
    answer = ask(Knows(KNOWN, **way), route="write")
    assert answer["status"] == 403
    assert answer["challenge"] == 'Bearer realm="sumun", error="insufficient_scope", scope="product:create"'
    assert "allow" not in answer
    assert answer["fact"] == "||opaque;user;;*:*|user:bob|tid_1|shop-app|bob|%EB%B0%A5%20Bob"
    assert "rights" not in answer


def test_no_credential_gets_a_challenge_without_an_error() -> None:
    """RFC 6750 3.1: no error code when no authentication information was sent."""
    answer = ask(Knows(KNOWN), kind="none", cred=None)
    assert (answer["status"], answer["challenge"]) == (401, 'Bearer realm="sumun"')


def test_every_invalid_token_sounds_the_same() -> None:
    """What was wrong with a token goes to the log, not to the caller."""
    heard = {
        tuple((k, v) for k, v in sorted(ask(Knows({"bob": Invalid(because)})).items()) if k != "why")
        for because in InvalidBecause
        if Refuse.invalid(because).code == "invalid_token" and because is not InvalidBecause.BINDING_FAILED
    }
    assert len(heard) == 1
    assert ask(Knows({"bob": Invalid(InvalidBecause.REVOKED)}))["why"] == "revoked"


def test_a_route_takes_its_token_kinds_only() -> None:
    """A JWT-only route answers an opaque token with 401 invalid_token."""
    answer = ask(Knows(KNOWN), route="reports")
    assert (answer["status"], answer["code"], answer["why"]) == (401, "invalid_token", "wrong_token_kind")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_outage_is_ours(way: dict[str, Any]) -> None:
    """A store that is down gives 503, never 401 or 403, and no allow."""
    answer = ask(Knows(KNOWN, down=True, **way))
    assert answer["status"] == 503
    assert "allow" not in answer


@pytest.mark.parametrize(
    "changes",
    [
        {"gen": "8"},
        {"gen": None},
        {"gen": "7 "},
        {"gen": "٧"},
        {"gen": 7},
        {"route": "nowhere"},
        {"route": None},
        {"lst": "x"},
        {"kind": "basic"},
        {"kind": None},
        {"cred": None},
        {"cred": b"bob"},
    ],
)
def test_a_question_that_we_did_not_write_is_not_answered(changes: dict[str, object]) -> None:
    """An unknown generation, route, or shape of question gets no variable at all: HAProxy refuses."""
    assert ask(Knows(KNOWN), **changes) == {}


def test_internal_routes_open_only_inside() -> None:
    """The listener, set by HAProxy, is what opens an internal route."""
    assert ask(Knows({}), route="inside", lst="internal", kind="none", cred=None)["allow"] is True
    assert "allow" not in ask(Knows(KNOWN), route="inside")


def test_every_reason_has_its_answer() -> None:
    """No refusal leaves without a status, a code and a sentence; none says allow."""
    for reason in Reason:
        variables = write_refusal(Refuse(reason))
        assert {"status", "code", "title", "challenge"} <= set(variables)
        assert "allow" not in variables


def test_a_missing_credential_is_missing() -> None:
    """A protected route without a credential never reaches the recogniser."""
    assert (
        ask(Knows({"": Proven(BOB, TokenKind.OPAQUE, 1)}), kind="none", cred=None)["code"] == "no_credential"
    )


def test_an_allowed_call_may_be_kept() -> None:
    """Once its token comes again: fact and verdict hold what the headers say, and the number that they are as of."""
    learned: list[tuple[Fact, Verdict]] = []
    proven = Proven(BOB, TokenKind.OPAQUE, 200.5, 42)
    told = ask(Knows({"bob": proven}), learned, route="read")
    ((fact, verdict),) = learned
    assert fact.key == Credential(CredentialKind.BEARER, "bob").fingerprint()
    assert (fact.expires, fact.as_of, fact.subject, fact.token, fact.client) == (
        200,
        42,
        "user:bob",
        "tid_1",
        "shop-app",
    )
    # The answer says the same but for what holds for longer than the call; its profile is in words.
    assert str(fact.value()).split("|")[3:] == str(told["fact"]).split("|")[3:]
    assert (verdict.key, verdict.value()) == (f"{fact.profile}@7.9", f"known.products{told['rights']}")


@pytest.mark.parametrize(
    "changes",
    [
        {"route": "write"},
        {"route": "list"},
        {"route": "open"},
        {"route": "reports"},
        {"cred": "nobody", "route": "read"},
        {"kind": "none", "cred": None, "route": "read"},
    ],
)
def test_nothing_else_is_kept(changes: dict[str, object]) -> None:
    """Not a refusal, not a public route, not one whose service is handed a signed token."""
    learned: list[tuple[Fact, Verdict]] = []
    ask(Knows(KNOWN), learned, **changes)
    assert learned == []


def test_what_is_kept_is_not_taught_again() -> None:
    """A worker that keeps the decision asks because the request is odd: it is answered, and taught nothing."""
    learned: list[tuple[Fact, Verdict]] = []
    assert ask(Knows(KNOWN), learned, route="read", kept=True)["allow"] is True
    assert learned == []


def test_a_bound_token_alone_is_refused() -> None:
    """A token that is bound to a key lets nobody through as Bearer, whatever it would allow (RFC 9449 7.2)."""
    bound = if_bound(Proven(BOB, TokenKind.OPAQUE, 200), to_key("k" * 43))
    learned: list[tuple[Fact, Verdict]] = []
    answer = ask(Knows({"bob": bound}), learned, route="read")
    assert (answer.get("allow"), answer["status"], answer["why"]) == (None, 401, "binding_failed")
    assert str(answer["challenge"]).startswith('Bearer realm="sumun", error="invalid_token"')
    assert str(answer["challenge"]).endswith(', DPoP algs="ES256 Ed25519 EdDSA PS256 RS256"')
    assert learned == []


def test_a_proven_binding_is_not_kept() -> None:
    """What a call proved with a key or a certificate is no fact for HAProxy: the next call proves it again."""
    learned: list[tuple[Fact, Verdict]] = []
    held = Proven(BOB, TokenKind.OPAQUE, 200, bound_to=to_key("k" * 43))
    assert ask(Knows({"bob": held}), learned, route="read")["allow"] is True
    assert learned == []


@pytest.mark.parametrize("way", ["", "slow", "looks", "in vain"])
def test_a_token_bound_to_a_certificate(way: str) -> None:
    """It opens to a connection with that certificate and to no other, however it was looked up, and is never kept."""
    bound = if_bound(Proven(BOB, TokenKind.OPAQUE, 200), to_certificate("c" * 43))
    learned: list[tuple[Fact, Verdict]] = []
    for certificate, allowed in (("c" * 43, True), ("d" * 43, False), (None, False)):
        knows = Knows({"bob": bound}, slow=way == "slow", looks="" if way == "slow" else way)
        answer = ask(knows, learned, route="read", cert=certificate)
        assert answer.get("allow", False) is allowed, answer
        assert allowed or (answer["status"], answer["why"]) == (401, "binding_failed")
    assert learned == []


def test_a_certificate_that_nobody_asked_for() -> None:
    """A token that is bound to nothing is as good with a certificate as without, and kept."""
    learned: list[tuple[Fact, Verdict]] = []
    free = Proven(BOB, TokenKind.OPAQUE, 200)
    assert ask(Knows({"bob": free}), learned, route="read", cert="c" * 43)["allow"] is True
    assert len(learned) == 1


def test_a_ticket_of_a_bound_token_opens() -> None:
    """Whoever got a ticket proved the key then; a browser cannot prove it with a handshake."""
    bound = if_bound(Proven(BOB, TokenKind.OPAQUE, 200), to_key("k" * 43))
    answer = ask(
        Knows({"bob": bound}), kind="ticket", cred="ticket-bob", stream="1/2/127.0.0.1:3", route="read"
    )
    assert answer["allow"] is True


def test_an_outage_keeps_nothing() -> None:
    """What was not decided is not kept."""
    learned: list[tuple[Fact, Verdict]] = []
    ask(Knows(KNOWN, down=True), learned, route="read")
    assert learned == []


def test_an_old_worker_is_not_answered_by_the_old_policy_alone() -> None:
    """After a reload, what the new policy refuses is refused to connections of before, too; a route that is gone gets nothing."""
    before = Policy(1, {"read": Rule("read"), "gone": Rule("gone")}, {"user": frozenset({READ})}, {}, {})
    after = Policy(
        2, {"read": Rule("read", Access.PROTECTED, HasPermission(READ))}, {"user": frozenset()}, {}, {}
    )
    generations = Generations()
    generations.learn(before)
    generations.learn(after)
    answerer = Answerer(
        generations,
        Knows(KNOWN),
        redeem,
        possession(lambda: 100.0),
        lambda *_: "",
        lambda: 100.0,
        lambda *_: None,
        lambda *_: None,
    )
    asked = {**QUESTION, "gen": "1", "route": "read"}
    assert "allow" in variables(answerer.answer(asked))
    generations.adopt(2)
    refused = answerer.answer(asked)
    assert (refused["status"], "allow" in refused) == (403, False)
    assert answerer.answer({**asked, "route": "gone"}) == {}
    generations.adopt(1)
    assert "allow" in variables(answerer.answer(asked))


TICKET = {"kind": "ticket", "cred": "ticket-bob", "stream": "7/1/127.0.0.1:5", "route": "read"}


def test_a_ticket_is_worth_its_token() -> None:
    """A ticket tells the service what its token would; the stream hangs on the token; HAProxy keeps nothing of it."""
    learned: list[tuple[Fact, Verdict]] = []
    opened: list[tuple[object, ...]] = []
    answer = ask(Knows(KNOWN), learned, opened, **TICKET)
    assert answer == ask(Knows(KNOWN), route="read")
    ((_, stream, proven, handle),) = opened
    assert (stream, proven, handle) == (TICKET["stream"], KNOWN["bob"], OpaqueHandle(b"bob"))
    assert learned == []


@pytest.mark.parametrize(
    ("changes", "status", "why"),
    [
        ({"cred": "spent"}, 401, "ticket_gone"),
        ({"cred": "ticket-nobody"}, 401, "unknown"),
        ({"cred": "down"}, 503, "outage"),
        ({"route": "write"}, 403, "product:create"),
    ],
)
def test_a_ticket_that_opens_nothing(changes: dict[str, object], status: int, why: str) -> None:
    """A spent ticket and a dead token are 401, a lack of rights is 403, a store that is away 503; nothing is opened."""
    opened: list[tuple[object, ...]] = []
    answer = ask(Knows(KNOWN), None, opened, **TICKET | changes)
    assert (answer["status"], answer["why"], "allow" in answer) == (status, why, False)
    assert opened == []


def test_a_ticket_for_what_is_no_stream() -> None:
    """HAProxy never asks that; if it did, it would get nothing."""
    assert ask(Knows(KNOWN), **TICKET | {"stream": None}) == {}
