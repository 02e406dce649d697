"""The login throttle on a real Valkey server: shared by processes, anonymous, passing, and closed when it is down."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from valkey import Valkey

from sumun.login.errors import NoLoginWithoutThrottleError
from sumun.login.throttle import Admitted, Attempt, LoginThrottle, RateLimited
from sumun.login.throttle_valkey import ValkeyLoginThrottle
from sumun.tokens.stores.valkey_link import ValkeyLink
from tests.contracts.login_throttle import ALICE, BUDGETS, CAFE, LoginThrottleContract, fail, is_admitted
from tests.live.valkey_server import ValkeyServer, patience, running_valkey


@pytest.fixture(scope="module")
def running() -> Iterator[ValkeyServer]:
    """One server for the module."""
    with (
        tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder,
        running_valkey(Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def valkey(running: ValkeyServer) -> ValkeyServer:
    """The server, empty, and knowing no script."""
    assert running.admin("FLUSHALL") == "+OK"
    assert running.admin("SCRIPT", "FLUSH") == "+OK"
    return running


@asynccontextmanager
async def throttle_on(server: ValkeyServer) -> AsyncIterator[LoginThrottle]:
    """A throttle, as one process has it."""
    throttle = ValkeyLoginThrottle(
        ValkeyLink(server.address, deadline=patience, steady=time.monotonic), BUDGETS
    )
    try:
        yield throttle
    finally:
        await throttle.close()


class TestValkeyLoginThrottle(LoginThrottleContract):
    @pytest.fixture(autouse=True)
    def _server(self, valkey: ValkeyServer) -> None:
        self.server = valkey

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LoginThrottle]:
        async with throttle_on(self.server) as throttle:
            yield throttle

    async def later(self, seconds: float) -> None:
        await asyncio.sleep(seconds + 0.01)


def test_processes_share_one_count(valkey: ValkeyServer) -> None:
    """What one process counted the other knows, failures and known pairs alike."""

    async def story() -> None:
        async with throttle_on(valkey) as one, throttle_on(valkey) as two:
            await fail(one, Attempt("alice", CAFE))
            await fail(two, Attempt("alice", CAFE))
            for throttle in (one, two):
                assert isinstance(await throttle.admit(Attempt("alice", CAFE)), RateLimited)
            await one.succeeded(ALICE)
            for number in range(8):
                await fail(two, Attempt(f"x{number}", f"203.0.113.{number}"))
            assert await two.admit(ALICE) == Admitted()

    asyncio.run(story())


def test_what_is_kept(valkey: ValkeyServer) -> None:
    """The store holds no name and no address, and every key goes by itself."""

    async def story() -> None:
        async with throttle_on(valkey) as throttle:
            await fail(throttle, ALICE)
            await throttle.succeeded(Attempt("bob", CAFE))

    asyncio.run(story())
    with Valkey(unix_socket_path=str(valkey.path), decode_responses=True) as admin:
        keys = sorted(admin.keys("*"))
        assert len(keys) == 4
        for key in keys:
            assert re.fullmatch(r"smn:login:\{t\}:(?:[dk]:[0-9a-f]{32}|d:total)", key)
            assert re.fullmatch(r"[0-9]+", str(admin.get(key)))
            longest = 31 * 24 * 3600 if ":k:" in key else 2 * BUDGETS.window_seconds
            assert 0 < admin.pttl(key) <= longest * 1000


def test_no_login_without_the_store(valkey: ValkeyServer) -> None:
    """While the server is down nothing is admitted and nothing counts as done; when it is back, logins go on."""

    async def story() -> None:
        async with throttle_on(valkey) as throttle:
            assert await is_admitted(throttle, ALICE)
            valkey.kill()
            for call in (throttle.admit, throttle.failed, throttle.succeeded):
                with pytest.raises(NoLoginWithoutThrottleError) as error:
                    await call(ALICE)
                assert error.value.code == "login_throttle_unavailable"
                assert "alice" not in str(error.value)
            valkey.start()
            deadline = time.monotonic() + 60
            while True:
                try:
                    assert await is_admitted(throttle, ALICE)
                    break
                except NoLoginWithoutThrottleError:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.05)

    asyncio.run(story())
