"""The row that HAProxy counts a source in: one for each IPv4 address, one for each network of 64 bits of IPv6."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumun.config.plan import Rate
from sumun.haproxy.quoting import word
from sumun.haproxy.rates import count_source, route_limits, tables
from tests.unit.haproxy.plans import limits, plan

FEW = 3

# The rules under test, behind one that takes the source from a header, for a machine has few addresses of its own.
_CONFIGURATION = """\
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend public
  bind {bind}
  http-request set-src hdr(from)
  {rules}
  use_backend over if {{ var(txn.over) -m found }}
  default_backend fine
backend over
  http-request return status 429
backend fine
  http-request return status 200
{tables}
"""


class Door:
    """A running HAProxy with these rules."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self, source: str) -> int:
        """The status of a call from this address."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self._path))
        connection.request("GET", "/", headers={"From": source})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def door(haproxy: Path, socket_folder: Path) -> Iterator[Door]:
    """A limit of a few calls an hour."""
    bounds = limits(per_source=Rate(FEW, 3_600_000, FEW))
    limited = plan(1, [], [], bounds=bounds)
    sections = tables(limited, route_limits(limited))
    path = socket_folder / "f.sock"
    (socket_folder / "h.cfg").write_text(
        _CONFIGURATION.format(
            bind=word(f"unix@{path}"),
            rules="\n  ".join(count_source(bounds)),
            tables="\n".join(line.text for part in sections for line in part.lines()),
        )
    )
    process = subprocess.Popen(
        [str(haproxy), "-f", str(socket_folder / "h.cfg")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not path.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Door(path)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("one", "same", "others"),
    [
        ("192.0.2.1", "192.0.2.1", ["192.0.2.2", "192.0.3.1", "2001:db8::1"]),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", ["2001:db8:0:2::1", "192.0.2.1", "::1"]),
    ],
)
def test_who_is_one_source(door: Door, one: str, same: str, others: list[str]) -> None:
    """What has used up its calls is refused, from wherever in its network; others, however near, are not."""
    assert [door.call(one) for _ in range(FEW)] == [200] * FEW
    assert door.call(same) == 429
    assert [door.call(other) for other in others] == [200] * len(others)
