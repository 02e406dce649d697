"""The index of open streams: who is judged again, who is cut, and who is left alone."""

from __future__ import annotations

import pytest

from sumun.keeper.stream_wire import OpenStream
from sumun.keeper.streams import PATIENCE_SECONDS, Streams
from sumun.recognition.handle import OfOpaque, OpaqueHandle
from sumun.tokens.feed import Change, ChangeKind, News, Position

AT = Position("i", 10)
WORKER = "7-100"


def stream(
    number: int,
    *,
    subject: str = "user:ann",
    token: str = "tid_a",
    client: str = "shop-app",
    expires: float = 1e6,
    as_of: int = 10,
    incarnation: str = "i",
    again_seconds: float = 0.0,
) -> OpenStream:
    """A stream of worker 7."""
    return OpenStream(
        name=f"7/{number}/127.0.0.1:5{number:04d}",
        generation=1,
        route_id="chat",
        internal=False,
        subject=subject,
        token=token,
        client=client,
        expires=expires,
        incarnation=incarnation,
        as_of=as_of,
        credential=OfOpaque(OpaqueHandle(b"x" * 32)),
        again_seconds=again_seconds,
    )


def following(*opened: OpenStream) -> Streams:
    """An index that follows the news from 10 on and knows these."""
    streams = Streams()
    streams.begun(AT, 0.0)
    for one in opened:
        assert streams.opened(WORKER, one, 0.0)
    return streams


def news(n: int, kind: ChangeKind, key: str = "") -> list[News]:
    return [News(n, Change(kind, key))]


def suspects(streams: Streams) -> set[int]:
    """The numbers of those that must be judged; nobody is told the outcome."""
    chosen = streams.to_judge(1000)
    return set() if chosen is None else {number for _, number in chosen[1]}


def cut(streams: Streams, steady: float = 0.0, wall: float = 0.0) -> set[int]:
    return set(streams.to_cut(steady, wall).get(WORKER, {}))


@pytest.mark.parametrize(
    ("kind", "key", "concerned"),
    [
        (ChangeKind.TOKEN, "tid_a", {1}),
        (ChangeKind.SUBJECT, "user:bob", {2}),
        (ChangeKind.CLIENT, "batch", {3}),
        (ChangeKind.SUBJECT, "client:batch", {3}),
        (ChangeKind.KEYS, "", {1, 2, 3}),
        (ChangeKind.EVERYTHING, "", {1, 2, 3}),
        (ChangeKind.TOKEN, "tid_x", set()),
        (ChangeKind.SUBJECT, "user:tid_a", set()),
    ],
)
def test_news_make_those_suspect_whom_they_concern(kind: ChangeKind, key: str, concerned: set[int]) -> None:
    """Exactly the streams of the token, subject or client are judged again; all for news about everything."""
    streams = following(
        stream(1),
        stream(2, subject="user:bob", token="tid_b"),
        stream(3, subject="client:batch", token="tid_c", client="batch"),
    )
    assert suspects(streams) == set()
    streams.read(news(11, kind, key), 0.0)
    assert suspects(streams) == concerned
    assert cut(streams) == set()


def test_who_may_not_is_cut_and_who_may_is_not() -> None:
    """A no condemns, until it is over; a yes by someone who knew the news sets free."""
    streams = following(stream(1), stream(2))
    streams.read(news(11, ChangeKind.TOKEN, "tid_a"), 0.0)
    assert suspects(streams) == {1, 2}
    streams.judged(Position("i", 11), {(WORKER, 1): False, (WORKER, 2): True}, 0.1)
    assert (suspects(streams), cut(streams, 99.0)) == (set(), {1})
    streams.judged(Position("i", 11), {(WORKER, 1): True}, 0.1)
    assert cut(streams, 99.0) == {1}
    streams.ended([(WORKER, 1)])
    assert (cut(streams, 99.0), len(streams)) == (set(), 1)


def test_a_yes_of_before_the_news_is_none() -> None:
    """Who was judged by someone who did not know the latest news about it is judged again."""
    streams = following(stream(1))
    streams.read(news(11, ChangeKind.TOKEN, "tid_a"), 0.0)
    assert suspects(streams) == {1}
    streams.read(news(12, ChangeKind.SUBJECT, "user:ann"), 0.1)
    streams.judged(Position("i", 11), {(WORKER, 1): True}, 0.2)
    assert suspects(streams) == {1}
    streams.judged(Position("i", 12), {(WORKER, 1): True}, 0.2)
    assert (suspects(streams), cut(streams, 99.0)) == (set(), set())


@pytest.mark.parametrize(
    ("late", "judged"),
    [
        (stream(1, as_of=10), {1}),
        (stream(1, as_of=11), set()),
        (stream(1, token="tid_x", as_of=10), set()),
        (stream(1, token="tid_x", as_of=9), {1}),
        (stream(1, as_of=11, incarnation="before"), {1}),
    ],
    ids=["before the news", "knew the news", "other news", "before we listened", "another feed"],
)
def test_opened_while_news_came(late: OpenStream, judged: set[int]) -> None:
    """A stream that was allowed before news about it, and told of after it, is judged again."""
    streams = following()
    streams.read(news(11, ChangeKind.TOKEN, "tid_a"), 0.0)
    assert streams.opened(WORKER, late, 0.0)
    assert suspects(streams) == judged


def test_nobody_can_tell() -> None:
    """Whom news named is cut when nobody could judge it in time; who is merely not known to be good is not."""
    streams = following(stream(1), stream(2, subject="user:bob", token="tid_b"))
    streams.read(news(11, ChangeKind.EVERYTHING), 0.0)
    streams.read(news(12, ChangeKind.TOKEN, "tid_a"), 5.0)
    assert suspects(streams) == {1, 2}
    streams.judged(Position("i", 12), {(WORKER, 1): None, (WORKER, 2): None}, 5.1)
    assert cut(streams, 5.0 + PATIENCE_SECONDS - 0.01) == set()
    assert suspects(streams) == {1, 2}
    assert cut(streams, 5.0 + PATIENCE_SECONDS) == {1}
    assert cut(streams, 500.0) == {1}


def test_expiry() -> None:
    """A stream is cut at the moment at which its token ends, and the next one is known."""
    streams = following(stream(1, expires=100.0), stream(2, expires=200.0))
    assert streams.next_expiry() == 100.0
    assert cut(streams, wall=99.999) == set()
    assert cut(streams, wall=100.0) == {1}
    assert streams.next_expiry() == 200.0


def test_lost_news() -> None:
    """While news may be missed nobody is judged; when it is followed again, everybody is."""
    streams = following(stream(1))
    streams.lost()
    streams.begun(Position("j", 3), 1.0)
    assert suspects(streams) == {1}
    streams.judged(Position("i", 99), {(WORKER, 1): True}, 1.1)
    assert suspects(streams) == {1}
    streams.judged(Position("j", 3), {(WORKER, 1): True}, 1.2)
    assert suspects(streams) == set()


def test_told_before_news_is_followed() -> None:
    """What opens while no news is followed is judged as soon as it is."""
    streams = Streams()
    assert streams.opened(WORKER, stream(1), 0.0)
    assert streams.to_judge(10) is None
    streams.begun(AT, 0.0)
    assert suspects(streams) == {1}


def test_more_than_it_holds() -> None:
    """One stream too many is not let live, and the others are."""
    streams = Streams(most=2)
    streams.begun(AT, 0.0)
    for number in (1, 2, 3):
        streams.opened(WORKER, stream(number), 0.0)
    assert cut(streams) == {3}


def test_told_twice_or_nonsense() -> None:
    """The same stream counts once; what has no name cannot be cut and is not taken."""
    streams = following(stream(1))
    assert not streams.opened(WORKER, stream(1), 0.0)
    assert len(streams) == 1
    for name in ("", "7/1", "7/x/1.2.3.4:5", "7/1/; shutdown"):
        assert not streams.opened(WORKER, OpenStream(name, *tuple_of(stream(2))[1:]), 0.0)


def tuple_of(one: OpenStream) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in one.__struct_fields__)


def test_looks_for_the_ended_now_and_then() -> None:
    """Short calls do not pile up: after so many a look is due, and it may grow with what lives."""
    streams = following()
    for number in range(2001):
        streams.opened(WORKER, stream(number), 0.0)
    assert streams.should_look()
    streams.ended((WORKER, number) for number in range(2000))
    streams.looked()
    assert not streams.should_look()
    assert (len(streams), streams.of(WORKER).keys()) == (1, {2000})
    assert streams.next_expiry() == 1e6


def test_what_may_end_in_silence() -> None:
    """A stream of a session is judged again now and then without any news; one of a token is not, and nobody is cut for it."""
    streams = following(stream(1, again_seconds=5.0), stream(2))
    streams.passed(4.9)
    assert suspects(streams) == set()
    for steady in (5.0, 10.0):
        streams.passed(steady)
        chosen = streams.to_judge(10)
        assert chosen is not None
        assert {number for _, number in chosen[1]} == {1}
        assert cut(streams, steady + 60) == set()  # nobody can tell: it goes on
        streams.judged(AT, dict.fromkeys(chosen[1], True), steady)
    streams.passed(15.0)
    chosen = streams.to_judge(10)
    assert chosen is not None
    streams.judged(AT, dict.fromkeys(chosen[1], False), 15.0)
    assert cut(streams, 15.0) == {1}
    streams.ended([(WORKER, 1)])
    streams.passed(100.0)
    assert suspects(streams) == set()
