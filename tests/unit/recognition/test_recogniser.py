"""src/sumun/recognition/recogniser.py"""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sumun.access import Invalid, InvalidBecause, Missing, Proven, TokenKind
from sumun.config.plan import Client, ClientKind
from sumun.identity import ANYTHING, Credential, CredentialKind, Permission, Standing, Subject
from sumun.recognition import Memory, OutOfTouchError, Recogniser, recogniser
from sumun.recognition.errors import ChangingTooFastError, TooManyNewTokensError
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens import base64url, jws, jwt, mint
from sumun.tokens import format as token_format
from sumun.tokens.batching import BatchingReader
from sumun.tokens.denials import Denial, DenialKind
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, News
from sumun.tokens.judge import ClientState
from sumun.tokens.record import TokenRecord
from sumun.tokens.signing_keys import KeyRing
from sumun.tokens.stores.memory_feed import MemoryFeed
from tests.unit.tokens.asking import by_asking
from tests.unit.tokens.keys import KEYS, ring_of

NOW = 1_000_000.0
ALICE = Subject.user("alice")
EVERYTHING = frozenset({ANYTHING})
KEY = KEYS["ES256"]
BATCH = Client(
    id="batch",
    kind=ClientKind.CONFIDENTIAL,
    grants=frozenset({"client_credentials"}),
    secret=None,
    first_party=False,
    login=(),
    scopes=(Permission("order", "*"),),
    roles=("reporter",),
    permissions=(Permission("order", "read"),),
    token_kind=TokenKind.OPAQUE,
    token_lifetime_seconds=900,
)


@dataclass
class Known:
    """A directory and a store that count what they are asked."""

    asked: list[str] = field(default_factory=list)
    records: dict[bytes, TokenRecord] = field(default_factory=dict)
    trouble: Exception | None = None
    go: asyncio.Event | None = None

    async def _answer(self, what: str) -> None:
        self.asked.append(what)
        await (self.go.wait() if self.go is not None else asyncio.sleep(0))
        if self.trouble is not None:
            raise self.trouble

    async def standing(self, subject: Subject) -> Standing | None:
        await self._answer(f"standing {subject}")
        return Standing(
            subject, "Alice", frozenset({"user"}), frozenset(), disabled=False, epoch=0, login_epoch=0
        )

    async def epochs(self, subject: Subject) -> tuple[int, int]:
        await self._answer(f"epochs {subject}")
        return 4, 2

    async def client(self, client_id: str) -> ClientState | None:
        await self._answer(f"client {client_id}")
        return ClientState(client_id, EVERYTHING) if client_id == "app" else None

    async def keys(self) -> KeyRing:
        return ring_of(KEY)

    async def live_denials(self, about: Sequence[Change] | None) -> Sequence[Denial]:
        return []

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        await self._answer("store")
        return [self.records.get(digest) for digest in digests]


class Setting:
    """A recogniser with everything around it."""

    def __init__(self) -> None:
        self.known = Known()
        self.memory = Memory()
        self.memory.begin(0, ring_of(KEY), [])
        self.memory.trust_until(NOW)
        self.sessions = MemorySessions(MemoryFeed(lambda: NOW), lambda: NOW)
        self.recogniser = Recogniser(
            self.memory,
            BatchingReader(by_asking(self.known.get_many)),
            ConfiguredFirst(self.known, {"batch": BATCH}),
            self.sessions,
            issuer="https://gate",
            audience="shop",
            steady=lambda: 0.0,
        )

    def grant(self, subject: Subject = ALICE, client_id: str = "app") -> mint.Grant:
        return mint.Grant(subject, client_id, EVERYTHING, frozenset({"admin"}), frozenset(), 3, 2, 0)

    def opaque(self, grant: mint.Grant | None = None, lifetime_seconds: int = 900) -> Credential:
        token, digest, record = mint.mint_opaque(
            grant or self.grant(), now=NOW, lifetime_seconds=lifetime_seconds, random=bytes(48)
        )
        self.known.records[digest] = record
        return bearer(token)

    def jwt(self, grant: mint.Grant | None = None) -> Credential:
        return bearer(
            mint.mint_jwt(
                grant or self.grant(),
                KEY,
                issuer="https://gate",
                audience="shop",
                now=NOW,
                lifetime_seconds=900,
                random=bytes(16),
            )
        )


def bearer(text: str) -> Credential:
    """A bearer credential."""
    return Credential(CredentialKind.BEARER, text)


def test_no_credential() -> None:
    """Nothing sent is Missing, also when this process is out of touch: it needs to know nothing for that."""
    setting = Setting()
    setting.memory.forget()
    assert setting.recogniser.recognise_now(Credential(CredentialKind.NONE), NOW) == Missing()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "smn_at_",
        "smn_at_" + "a" * 49,
        token_format.new("smn_rt_"),
        token_format.new() + "x",
        token_format.new().lower(),
        "a.b.c",
        "eyJ" + "x" * 9000 + "..",
        "eyJ.only-two",
        "수문",
        "\ud800",
    ],
    ids=map(str, itertools.count()),
)
def test_junk_is_turned_away_without_asking(text: str) -> None:
    """A prefix, a checksum or a shape that is wrong costs nobody a question, even out of touch."""
    setting = Setting()
    setting.memory.forget()
    assert setting.recogniser.recognise_now(bearer(text), NOW) == Invalid(InvalidBecause.MALFORMED)
    assert setting.known.asked == []


def test_opaque_token() -> None:
    """Record, standing and client are looked up once; then only the record, which is never remembered."""

    async def conversation() -> None:
        setting = Setting()
        token = setting.opaque(mint.Grant(ALICE, "app", EVERYTHING, frozenset(), frozenset(), 0, 0, 0))
        assert setting.recogniser.recognise_now(token, NOW) is None
        evidence = await setting.recogniser.recognise(token, NOW)
        assert isinstance(evidence, Proven)
        assert (evidence.kind, evidence.expires_at) == (TokenKind.OPAQUE, NOW + 900)
        assert (evidence.principal.name, evidence.principal.roles) == ("Alice", frozenset({"user"}))
        assert setting.known.asked == ["store", "standing user:alice", "client app"]
        assert await setting.recogniser.recognise(token, NOW + 900) == Invalid(InvalidBecause.EXPIRED)
        assert setting.known.asked[3:] == ["store"]
        assert await setting.recogniser.recognise(bearer(token_format.new()), NOW) == Invalid(
            InvalidBecause.UNKNOWN
        )

    asyncio.run(conversation())


def test_jwt_needs_no_look_up() -> None:
    """With its client known, a JWT is judged at once, from its own claims."""

    async def conversation() -> None:
        setting = Setting()
        token = setting.jwt()
        assert setting.recogniser.recognise_now(token, NOW) is None
        evidence = await setting.recogniser.recognise(token, NOW)
        assert isinstance(evidence, Proven)
        assert (evidence.kind, evidence.expires_at) == (TokenKind.JWT, NOW + 900)
        assert evidence.principal.roles == frozenset({"admin"})
        assert setting.known.asked == ["client app"]
        assert setting.recogniser.recognise_now(token, NOW) == evidence
        assert setting.recogniser.recognise_now(token, NOW + 900) == Invalid(InvalidBecause.EXPIRED)
        configured = setting.jwt(setting.grant(client_id="batch"))
        assert isinstance(await setting.recogniser.recognise(configured, NOW), Proven)
        assert setting.known.asked == ["client app"]

    asyncio.run(conversation())


def test_jwt_is_verified_once() -> None:
    """The same JWT costs one signature; when keys change it is verified again, and denied ones are refused."""
    setting = Setting()
    token = setting.jwt(setting.grant(client_id="batch"))
    assert setting.recogniser.recognise_now(token, NOW) is None
    assert isinstance(asyncio.run(setting.recogniser.recognise(token, NOW)), Proven)
    began = time.process_time()
    for _ in range(200):
        assert isinstance(setting.recogniser.recognise_now(token, NOW), Proven)
    assert time.process_time() - began < 200 * 50e-6  # a verification alone takes longer
    denial = Denial(DenialKind.SUBJECT, "user:alice", 4, 10**13)
    setting.memory.apply([News(1, Change(ChangeKind.SUBJECT, "user:alice"))], None, [denial])
    assert setting.recogniser.recognise_now(token, NOW) == Invalid(InvalidBecause.REVOKED)
    setting.memory.apply([News(2, Change(ChangeKind.KEYS))], ring_of(KEYS["EdDSA"]), [])
    assert asyncio.run(setting.recogniser.recognise(token, NOW)) == Invalid(InvalidBecause.BAD_SIGNATURE)


def test_junk_waits_in_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """New JWTs are verified one at a time, others are answered between two of them, and a full line is our outage."""

    async def conversation() -> None:
        setting = Setting()
        good = setting.jwt(setting.grant(client_id="batch"))
        assert isinstance(await setting.recogniser.recognise(good, NOW), Proven)
        signed = good.secret.rpartition(".")[0]
        junk = [bearer(f"{signed}.{base64url.encode(bytes([n]) * 64)}") for n in range(20)]
        order: list[str] = []
        read = jwt.read

        def counted(*arguments: Any) -> Any:
            order.append("junk")
            return read(*arguments)

        monkeypatch.setattr(jwt, "read", counted)
        under_way = [asyncio.create_task(setting.recogniser.recognise(one, NOW)) for one in junk]
        while not under_way[-1].done():
            assert isinstance(setting.recogniser.recognise_now(good, NOW), Proven)
            order.append("good")
            await asyncio.sleep(0)
        assert {task.result() for task in under_way} == {Invalid(InvalidBecause.BAD_SIGNATURE)}
        assert order.count("junk") == 20
        assert "junk junk" not in " ".join(order)
        monkeypatch.setattr(recogniser, "_MOST_UNVERIFIED", 5)
        answers = await asyncio.gather(
            *(setting.recogniser.recognise(one, NOW) for one in junk), return_exceptions=True
        )
        assert sum(isinstance(answer, TooManyNewTokensError) for answer in answers) == 15

    asyncio.run(conversation())


def test_an_unknown_client_proves_nothing() -> None:
    """A client that neither configuration nor directory knows is as good as disabled."""

    async def conversation() -> None:
        setting = Setting()
        for token in (
            setting.opaque(setting.grant(client_id="gone")),
            setting.jwt(setting.grant(client_id="gone")),
        ):
            assert await setting.recogniser.recognise(token, NOW) == Invalid(InvalidBecause.CLIENT_DISABLED)

    asyncio.run(conversation())


def test_a_configured_client_is_what_the_configuration_says() -> None:
    """Its rights and bounds come from there, its epochs from the directory: so its logins can be ended too."""

    async def conversation() -> None:
        setting = Setting()
        subject = Subject.client("batch")
        evidence = await setting.recogniser.recognise(setting.opaque(setting.grant(subject, "batch")), NOW)
        assert isinstance(evidence, Proven)
        assert evidence.principal.roles == frozenset({"reporter"})
        assert evidence.principal.permissions == frozenset({Permission("order", "read")})
        assert evidence.principal.scopes == frozenset({Permission("order", "*")})
        assert setting.known.asked == ["store", "epochs client:batch"]
        early = mint.Grant(subject, "batch", EVERYTHING, frozenset(), frozenset(), 0, 1, 0)
        assert await setting.recogniser.recognise(setting.opaque(early), NOW) == Invalid(
            InvalidBecause.REVOKED
        )

    asyncio.run(conversation())


def test_questions_that_meet_are_one_look() -> None:
    """A hundred questions for one token ask the store once; for many tokens of one person the directory once."""

    async def conversation() -> None:
        setting = Setting()
        token = setting.opaque()
        evidences = await asyncio.gather(*(setting.recogniser.recognise(token, NOW) for _ in range(100)))
        assert len(set(map(id, evidences))) <= 100
        assert all(isinstance(evidence, Proven) for evidence in evidences)
        assert setting.known.asked == ["store", "standing user:alice", "client app"]

    asyncio.run(conversation())


def test_each_question_has_its_own_now() -> None:
    """Two questions that share a look are judged each at its own time."""

    async def conversation() -> None:
        setting = Setting()
        token = setting.opaque(mint.Grant(ALICE, "app", EVERYTHING, frozenset(), frozenset(), 0, 0, 0), 1)
        early, late = await asyncio.gather(
            setting.recogniser.recognise(token, NOW), setting.recogniser.recognise(token, NOW + 1)
        )
        assert isinstance(early, Proven)
        assert late == Invalid(InvalidBecause.EXPIRED)

    asyncio.run(conversation())


def test_who_leaves_takes_nothing_away() -> None:
    """The look goes on for the others; when all have left, its failure troubles nobody."""

    async def conversation() -> None:
        setting = Setting()
        setting.known.go = asyncio.Event()
        token = setting.opaque()
        leaving, staying = (asyncio.create_task(setting.recogniser.recognise(token, NOW)) for _ in range(2))
        await asyncio.sleep(0.01)
        leaving.cancel()
        setting.known.go.set()
        assert isinstance(await staying, Proven)
        setting.known.go.clear()
        setting.known.trouble = StoreUnavailableError("down")
        unknown_client = setting.jwt(setting.grant(client_id="other"))
        alone = asyncio.create_task(setting.recogniser.recognise(unknown_client, NOW))
        await asyncio.sleep(0.01)
        alone.cancel()
        setting.known.go.set()
        await asyncio.sleep(0.01)
        gc.collect()

    complaints: list[object] = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        loop.run_until_complete(conversation())
    finally:
        loop.close()
    assert complaints == []


def test_outages_are_raised() -> None:
    """A store or directory that is down is never an answer, and nothing of it is remembered."""

    async def conversation() -> None:
        setting = Setting()
        token = setting.opaque()
        setting.known.trouble = StoreUnavailableError("down")
        for credential in (token, setting.jwt()):
            with pytest.raises(StoreUnavailableError):
                await setting.recogniser.recognise(credential, NOW)
        setting.known.trouble = None
        for credential in (token, setting.jwt()):
            assert isinstance(await setting.recogniser.recognise(credential, NOW), Proven)

    asyncio.run(conversation())


def test_out_of_touch_is_an_outage_for_every_token() -> None:
    """Nobody is let in or turned away by a process that may have missed news: not now, and not after a look."""

    async def conversation() -> None:
        setting = Setting()
        opaque, jwt = setting.opaque(), setting.jwt(setting.grant(client_id="batch"))
        setting.known.go = asyncio.Event()
        under_way = asyncio.create_task(setting.recogniser.recognise(opaque, NOW))
        await asyncio.sleep(0.01)
        setting.memory.trust_until(-1)
        setting.known.go.set()
        with pytest.raises(OutOfTouchError):
            await under_way
        for credential in (opaque, jwt, bearer(token_format.new()), bearer(jws.sign({}, KEY, "x"))):
            with pytest.raises(OutOfTouchError):
                setting.recogniser.recognise_now(credential, NOW)

    asyncio.run(conversation())


def test_a_storm_of_changes_is_an_outage() -> None:
    """When every look is overtaken the answer is "ask again", after a bounded number of looks."""

    async def conversation() -> None:
        setting = Setting()
        token = setting.opaque()
        standing = setting.known.standing
        numbers = iter(range(1, 100))

        async def overtaken(subject: Subject) -> Standing | None:
            found = await standing(subject)
            setting.memory.apply([News(next(numbers), Change(ChangeKind.SUBJECT, "user:alice"))], None, [])
            return found

        setting.known.standing = overtaken
        with pytest.raises(ChangingTooFastError):
            await setting.recogniser.recognise(token, NOW)
        assert setting.known.asked.count("store") == 5

    asyncio.run(conversation())
