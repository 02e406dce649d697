"""The authenticator `http` against a real server in a process of its own, kind and unkind."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import http.client
import ipaddress
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sumun.directory import Directory, DirectoryThreads, OutsidePerson, User
from sumun.errors import OutageError
from sumun.login.authenticator import (
    Authenticator,
    AuthenticatorUnavailableError,
    Identified,
    NotMine,
    Rejected,
    RejectedBecause,
)
from sumun.login.circuit import OPEN_SECONDS, OUTAGES_TO_OPEN
from sumun.login.errors import LoginBusyError, UnusableCertificatesError, UnusableSecretError
from sumun.login.http import WAITING_PER_CONNECTION, HttpAuthenticator, HttpServer
from tests.contracts.authenticator import AuthenticatorContract, proof
from tests.contracts.occasions import CONFIGURED, NOW, outsider, person
from tests.live.authentication_server_process import PEOPLE, RIGHT, SECRET

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Running:
    """The server's two ports."""

    port: int
    raw_port: int

    def server(self, path: str = "/authenticate", **changes: Any) -> HttpServer:
        """How the product is told of it."""
        roles = frozenset({"user"})
        base = HttpServer(f"http://127.0.0.1:{self.port}{path}", SECRET, roles, timeout_seconds=5.0)
        return replace(base, **changes)

    def seen(self) -> list[dict[str, Any]]:
        """What it was asked so far."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/seen")
            found: list[dict[str, Any]] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return found


@contextmanager
def running_server(*tls: Path) -> Iterator[Running]:
    """The process, from the moment it answers until it has ended."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        fds = (one.fileno(), two.fileno())
        command = [
            sys.executable,
            "-m",
            "tests.live.authentication_server_process",
            *map(str, fds),
            *map(str, tls),
        ]
        process = subprocess.Popen(command, cwd=REPOSITORY, pass_fds=fds)
        ports = Running(one.getsockname()[1], two.getsockname()[1])
    try:
        with socket.create_connection(("127.0.0.1", ports.port), timeout=60):
            pass  # the kernel listens already; the first question waits until the process does
        yield ports
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """One server for the module."""
    with running_server() as server:
        yield server


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """A directory in which alice has a local account."""
    with Directory.open(tmp_path / "sumun.db") as opened:
        opened.users.add(person("alice"), CONFIGURED, NOW)
        yield opened


@asynccontextmanager
async def authenticator_of(server: HttpServer, directory: Directory) -> AsyncIterator[HttpAuthenticator]:
    """The authenticator, linking people to a real directory."""
    threads = DirectoryThreads()

    async def link(someone: OutsidePerson) -> User:
        return (await threads.change(directory.users.link_outside, someone, CONFIGURED, NOW)).user

    authenticator = HttpAuthenticator("staff", server, link, time.monotonic)
    try:
        yield authenticator
    finally:
        await authenticator.close()
        await threads.close()


class TestHttpAuthenticator(AuthenticatorContract):
    @pytest.fixture(autouse=True)
    def _parts(self, running: Running, directory: Directory) -> None:
        self.running, self.directory = running, directory
        assert set(PEOPLE) == {"dave", "eve"}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Authenticator]:
        async with authenticator_of(self.running.server(), self.directory) as authenticator:
            yield authenticator

    async def break_it(self, authenticator: Authenticator) -> None:
        assert isinstance(authenticator, HttpAuthenticator)
        authenticator._server = self.running.server("/500")


def test_what_is_asked(running: Running, directory: Directory) -> None:
    """The question holds the five members of the contract and the secret, no more; cookies are not kept."""

    async def story() -> None:
        async with authenticator_of(running.server(), directory) as authenticator:
            for _ in range(2):
                await authenticator.prove(proof("dave", RIGHT))

    asyncio.run(story())
    first, second = running.seen()[-2:]
    assert first == second
    assert first["body"] == {
        "login": "dave",
        "password": RIGHT,
        "client_id": "shop-app",
        "source": "192.0.2.1",
        "request_id": "r-1",
    }
    headers = first["headers"]
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert (headers["content-type"], headers["accept-encoding"]) == ("application/json", "identity")
    assert "cookie" not in headers


def test_who_it_is(running: Running, directory: Directory, caplog: pytest.LogCaptureFixture) -> None:
    """A person is linked at the first login, with name and the roles that the server may give; others are dropped."""

    async def story() -> None:
        async with authenticator_of(running.server(), directory) as authenticator:
            assert await authenticator.prove(proof("dave", RIGHT)) == Identified("dave", "staff")

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    dave = directory.users.get("dave")
    assert dave is not None
    assert (dave.display_name, dave.source, dave.roles) == ("Dave 데이브", "staff", {"user"})
    assert "does not allow, dropped: ['admin']" in caplog.text


def test_disabled_here(running: Running, directory: Directory) -> None:
    """An operator's word counts: who is disabled here stays out, however right the password is there."""

    async def story() -> None:
        async with authenticator_of(running.server(), directory) as authenticator:
            await authenticator.prove(proof("dave", RIGHT))
            directory.users.disable("dave", NOW)
            outcome = await authenticator.prove(proof("dave", RIGHT))
            assert outcome == Rejected(RejectedBecause.DISABLED, "dave")

    asyncio.run(story())


@pytest.mark.parametrize("owner", ["local", "partners"])
def test_it_cannot_speak_for_others(
    running: Running, directory: Directory, owner: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that says "alice" does not become our alice, nor another server's."""
    if owner == "partners":
        directory.users.link_outside(outsider("dave", source="partners"), CONFIGURED, NOW)

    async def story() -> None:
        path, name = ("/alice", "alice") if owner == "local" else ("/authenticate", "dave")
        async with authenticator_of(running.server(path), directory) as authenticator:
            outcome = await authenticator.prove(proof(name, RIGHT))
            assert outcome == Rejected(RejectedBecause.NAME_TAKEN, name)

    asyncio.run(story())
    assert f"belongs to '{owner}'" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/401",
            "/500",
            "/503",
            "/204",
            "/redirect",
            "/html",
            "/not-json",
            "/gzip",
            "/huge",
            "/token",
            "/outcome",
        ),
        *("/subject", "/name", "/nowhere"),
    ],
)
def test_answers_that_are_none(running: Running, directory: Directory, path: str) -> None:
    """Another status or type, a redirect, too much, a token, an unknown outcome, an impossible name: an outage."""
    asked = len(running.seen())

    async def story() -> None:
        async with authenticator_of(running.server(path), directory) as authenticator:
            with pytest.raises(AuthenticatorUnavailableError) as error:
                await authenticator.prove(proof("dave", RIGHT))
            assert SECRET not in str(error.value)
            assert RIGHT not in str(error.value)

    asyncio.run(story())
    assert len(running.seen()) == asked
    assert directory.users.get("dave") is None


def test_too_large(running: Running, directory: Directory) -> None:
    """Of an answer that is too large no more is read than shows that it is."""

    async def story() -> None:
        async with authenticator_of(running.server("/huge"), directory) as authenticator:
            with pytest.raises(AuthenticatorUnavailableError, match="larger than"):
                await authenticator.prove(proof("dave", RIGHT))

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/garbage", "/closed", "/half", "/headers", "/two-lengths"])
def test_no_http_at_all(running: Running, directory: Directory, path: str) -> None:
    """Bytes that are no HTTP answer are an outage."""

    async def story() -> None:
        server = running.server(url=f"http://127.0.0.1:{running.raw_port}{path}")
        async with authenticator_of(server, directory) as authenticator:
            with pytest.raises(AuthenticatorUnavailableError):
                await authenticator.prove(proof("dave", RIGHT))

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_too_slow(running: Running, directory: Directory, path: str) -> None:
    """A server that hangs, or drips its answer, is given up when the time is over: the whole time, not each byte's."""

    async def story() -> None:
        server = running.server(path, timeout_seconds=0.4)
        async with authenticator_of(server, directory) as authenticator:
            began = time.monotonic()
            with pytest.raises(AuthenticatorUnavailableError, match="no answer in time"):
                await authenticator.prove(proof("dave", RIGHT))
            assert 0.3 < time.monotonic() - began < 2

    asyncio.run(story())


def test_nobody_listens(directory: Directory) -> None:
    """A port at which nobody listens is an outage, whose sentence says so."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = HttpServer(f"http://127.0.0.1:{unused.getsockname()[1]}/x", SECRET)

        async def story() -> None:
            async with authenticator_of(server, directory) as authenticator:
                with pytest.raises(AuthenticatorUnavailableError, match="cannot connect"):
                    await authenticator.prove(proof("dave", RIGHT))

        asyncio.run(story())


def test_fails_fast_and_recovers(running: Running, directory: Directory) -> None:
    """After repeated outages nobody waits for a dead server; a moment later one tries, and then all go on."""

    async def story() -> None:
        async with authenticator_of(running.server("/hang", timeout_seconds=0.2), directory) as authenticator:
            for _ in range(OUTAGES_TO_OPEN):
                with pytest.raises(AuthenticatorUnavailableError):
                    await authenticator.prove(proof("dave", RIGHT))
            began = time.monotonic()
            for _ in range(50):
                with pytest.raises(AuthenticatorUnavailableError, match="did not answer lately"):
                    await authenticator.prove(proof("dave", RIGHT))
            assert time.monotonic() - began < 0.2
            authenticator._server = running.server()
            await asyncio.sleep(OPEN_SECONDS)
            for _ in range(3):
                assert isinstance(await authenticator.prove(proof("dave", RIGHT)), Identified)

    asyncio.run(story())


def test_a_crowd(running: Running, directory: Directory) -> None:
    """Callers wait for a connection up to a bound; the next one is told to come back, and the bound holds no longer."""

    async def story() -> None:
        server = running.server("/hang", timeout_seconds=0.5, connections=1)
        async with authenticator_of(server, directory) as authenticator:
            crowd = [
                asyncio.ensure_future(authenticator.prove(proof("dave", RIGHT)))
                for _ in range(1 + WAITING_PER_CONNECTION)
            ]
            await asyncio.sleep(0.05)
            with pytest.raises(LoginBusyError):
                await authenticator.prove(proof("dave", RIGHT))
            outcomes = await asyncio.gather(*crowd, return_exceptions=True)
            assert all(isinstance(outcome, OutageError) for outcome in outcomes)
            assert authenticator._asking == 0

    asyncio.run(story())


def test_wrong_shared_secret(running: Running, directory: Directory) -> None:
    """A server that does not know our secret answers 401: an outage of ours, and nobody's wrong password."""

    async def story() -> None:
        async with authenticator_of(running.server(secret="another"), directory) as authenticator:
            with pytest.raises(AuthenticatorUnavailableError, match="status 401"):
                await authenticator.prove(proof("dave", RIGHT))

    asyncio.run(story())


@pytest.mark.parametrize("secret", ["", "two words", "line\n", "비밀"])
def test_secrets_that_no_header_carries(running: Running, secret: str) -> None:
    """A secret that cannot be sent stops the start, and is not shown."""
    with pytest.raises(UnusableSecretError) as error:
        HttpAuthenticator("staff", running.server(secret=secret), None, time.monotonic)  # type: ignore[arg-type]
    assert not secret or secret not in str(error.value)


def test_certificates_that_cannot_be_read(running: Running, tmp_path: Path) -> None:
    """A ca_file that is not there, or holds no certificate, stops the start with its name."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for ca_file in (tmp_path / "missing.pem", empty, tmp_path):
        with pytest.raises(UnusableCertificatesError, match=r"staff.*cannot use ca_file") as error:
            HttpAuthenticator("staff", running.server(ca_file=str(ca_file)), None, time.monotonic)  # type: ignore[arg-type]
        assert str(ca_file) in str(error.value)


def test_no_proxy_of_the_environment(
    running: Running, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords go to the server that the configuration names, whatever the environment says of proxies."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{running.raw_port}")

    async def story() -> None:
        async with authenticator_of(running.server(), directory) as authenticator:
            assert await authenticator.prove(proof("nobody", RIGHT)) == NotMine()

    asyncio.run(story())


def self_signed(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate of its own for this IP address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "staff")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{host}.pem", folder / f"{host}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file


def test_tls(tmp_path: Path, directory: Directory) -> None:
    """A certificate is taken from a trusted issuer for the right name, and from nobody else."""
    right, wrong = self_signed(tmp_path, "127.0.0.1"), self_signed(tmp_path, "127.0.0.2")

    async def outcome_with(running: Running, ca_file: Path | None, scheme: str = "https") -> object:
        url = f"{scheme}://127.0.0.1:{running.port}/authenticate"
        server = running.server(url=url, ca_file=None if ca_file is None else str(ca_file))
        async with authenticator_of(server, directory) as authenticator:
            return await authenticator.prove(proof("nobody", RIGHT))

    with running_server(*right) as running:
        assert asyncio.run(outcome_with(running, right[0])) == NotMine()
        for ca_file, scheme in ((None, "https"), (wrong[0], "https"), (right[0], "http")):
            with pytest.raises(AuthenticatorUnavailableError):
                asyncio.run(outcome_with(running, ca_file, scheme))
    with (
        running_server(*wrong) as running,
        pytest.raises(AuthenticatorUnavailableError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        asyncio.run(outcome_with(running, wrong[0]))


def test_the_example_of_the_document(tmp_path: Path, directory: Directory) -> None:
    """The server that docs/authentication-server.md shows keeps the contract, and refuses who is not the gateway."""
    text = (REPOSITORY / "docs" / "authentication-server.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    program = tmp_path / "server.py"
    program.write_text(example)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(program), str(port)],
        env={**os.environ, "SECRET": SECRET},
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/authenticate"

    async def story() -> None:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        good = HttpServer(url, SECRET, frozenset({"user"}))
        async with authenticator_of(good, directory) as authenticator:
            assert await authenticator.prove(proof("dave", "dave-demo-pass")) == Identified("dave", "staff")
            wrong = await authenticator.prove(proof("dave", "wrong"))
            assert wrong == Rejected(RejectedBecause.BAD_CREDENTIALS)
            assert await authenticator.prove(proof("nobody", "dave-demo-pass")) == NotMine()
        async with authenticator_of(replace(good, secret="another"), directory) as authenticator:
            with pytest.raises(AuthenticatorUnavailableError, match="status 401"):
                await authenticator.prove(proof("dave", "dave-demo-pass"))

    try:
        asyncio.run(story())
    finally:
        process.kill()
        process.wait(10)
    dave = directory.users.get("dave")
    assert dave is not None
    assert dave.display_name == "Dave 데이브"
