"""What is written of open streams is there for the next keeper."""

from __future__ import annotations

from pathlib import Path

from sumun.identity import ANYTHING, Permission, Subject
from sumun.keeper.stream_journal import StreamJournal
from sumun.keeper.stream_wire import OpenStream
from sumun.recognition.handle import ClaimsHandle, OfClaims
from sumun.tokens.jwt import AccessClaims
from tests.unit.keeper.test_streams import stream

CLAIMS = AccessClaims(
    subject=Subject.user("ann"),
    client_id="shop-app",
    token_id="jti_1",
    scopes=frozenset({ANYTHING}),
    roles=frozenset({"user"}),
    permissions=frozenset({Permission.parse("a:b")}),
    epoch=3,
    client_epoch=1,
    issued_at=5,
    expires_at=9,
)
OF_CLAIMS = OpenStream(
    "7/9/1.2.3.4:5",
    1,
    "chat",
    True,
    "user:ann",
    "jti_1",
    "-",
    9.0,
    "i",
    4,
    OfClaims(ClaimsHandle(CLAIMS, "kid")),
)


def test_what_was_added_is_read(tmp_path: Path) -> None:
    """Both kinds of credential survive whole; the file is for its owner only."""
    path = tmp_path / "streams"
    lines = [("7-100", stream(1)), ("7-100", OF_CLAIMS)]
    journal = StreamJournal(path)
    journal.add(lines[:1])
    journal.add(lines[1:])
    journal.close()
    assert list(StreamJournal(path).read()) == lines
    assert path.stat().st_mode & 0o777 == 0o600


def test_written_anew(tmp_path: Path) -> None:
    """After a replacement only what was named is there, and what is added later."""
    journal = StreamJournal(tmp_path / "streams")
    journal.add([("7-100", stream(n)) for n in range(5)])
    journal.replace([("7-100", stream(3))])
    journal.add([("7-100", stream(9))])
    journal.close()
    assert [one.name for _, one in StreamJournal(tmp_path / "streams").read()] == [
        stream(3).name,
        stream(9).name,
    ]


def test_cut_off(tmp_path: Path) -> None:
    """A last line that a crash cut off hides nothing before it; no file is no streams."""
    path = tmp_path / "streams"
    assert list(StreamJournal(path).read()) == []
    journal = StreamJournal(path)
    journal.add([("7-100", stream(1)), ("7-100", stream(2))])
    journal.close()
    path.write_bytes(path.read_bytes()[:-3])
    assert [one.name for _, one in StreamJournal(path).read()] == [stream(1).name]
