"""Finding one stream in what HAProxy says."""

from __future__ import annotations

import pytest

from sumun.haproxy import stream_commands
from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.stream_commands import Listed, StreamName

# HAProxy 2.6.12, shortened at the right.
LIST = """\
0x56348c311e60: proto=tcpv4 src=127.0.0.1:56194 fe=public be=ask.chat srv=s0 ts=00 epoch=0 age=0s calls=3
0x56348c311e70: proto=tcpv6 src=::1:56195 fe=public be=ask.echo srv=s0 ts=00 epoch=0 age=0s calls=3
0x56348c311e80: proto=tcpv4 src=127.0.0.1:56194 fe=public be=open.chat srv=s0 ts=00 epoch=0 age=0s calls=3
0x56348c42ea90: proto=sockpair src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1

"""
DETAILS = """\
0x56348c311e60: [23/Nov/2026:07:11:23.319362] id=17 proto=tcpv4 source=127.0.0.1:56194
  flags=0xc4a, conn_retries=0, conn_exp=<NEVER>
  frontend=f (id=1 mode=http), listener=? (id=1) addr=127.0.0.1:22800

Session not found.

0x56348c311e90: [23/Nov/2026:07:11:23.319362] id=0 proto=tcpv4 source=127.0.0.1:56198

"""


def test_the_list() -> None:
    """Streams behind a question, with address and source; not the others, not the command's own."""
    assert list(stream_commands.read_list(LIST)) == [
        Listed("0x56348c311e60", "127.0.0.1:56194"),
        Listed("0x56348c311e70", "::1:56195"),
    ]


@pytest.mark.parametrize("answer", ["", "\n", "Permission denied\n"])
def test_no_list(answer: str) -> None:
    """An answer without any stream is no list: nothing may be concluded from it."""
    with pytest.raises(RuntimeSocketError):
        stream_commands.read_list(answer)


def test_numbers() -> None:
    """The number is that of the stream, not of its frontend; what has ended is not there."""
    assert stream_commands.numbers(DETAILS) == {"0x56348c311e60": 17, "0x56348c311e90": 0}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2770/17/127.0.0.1:56194", StreamName(2770, 17, "127.0.0.1:56194")),
        ("2770/0/::1:5", StreamName(2770, 0, "::1:5")),
        ("2770/17", None),
        ("2770/17/-:-", None),
        ("2770/17/a b:5", None),
    ],
)
def test_names(text: str, name: StreamName | None) -> None:
    """What HAProxy calls a stream is read, or it is nothing."""
    assert stream_commands.read_name(text) == name
