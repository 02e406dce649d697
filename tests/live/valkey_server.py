"""A real Valkey server for tests: a Unix socket in a private folder, an ACL user with just the commands we use."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sumun.node.store.embedded import find_server
from sumun.tokens.stores.valkey_link import ValkeyAddress
from sumun.tokens.stores.valkey_scripts import COMMANDS, NAMESPACE

PASSWORD = "of-the-test"
_ACL = f"~{NAMESPACE}* resetchannels -@all " + " ".join(f"+{command}" for command in COMMANDS)


@dataclass
class ValkeyServer:
    """The server; `admin` does what the product's user may not."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        return self.folder / "valkey.sock"

    @property
    def address(self) -> ValkeyAddress:
        """For the product, as its ACL user."""
        return ValkeyAddress(unix_socket=str(self.path), username="sumun", password=PASSWORD)

    def start(self) -> None:
        """Start it, or start it again on the same data."""
        configuration = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"unixsocket {self.path}",
            f"dir {self.folder}",
            "appendonly yes",
            "appendfsync always",
            'save ""',
            "enable-debug-command yes",
            f"user sumun on >{PASSWORD} {_ACL}",
        ]
        text = "\n".join(configuration)
        self.process = subprocess.Popen(
            [str(find_server()), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.close()
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                if self.admin("PING") == "+PONG":
                    return
            assert time.monotonic() < deadline, "the Valkey server does not answer"
            time.sleep(0.02)

    def admin(self, *words: str) -> str:
        """Send one command as the default user; the first line of the answer. OSError when nobody listens."""
        return self.admin_text(*words).partition("\r\n")[0]

    def admin_text(self, *words: str) -> str:
        """The same; the whole of a short answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self.path))
            connection.sendall(
                b"*%d\r\n" % len(words)
                + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)
            )
            return connection.recv(4096).decode()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Let it hang: it listens and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


def patience() -> float:
    """A link's deadline in seconds, where a test is not about it: a busy machine is no outage."""
    return 20.0


@contextlib.contextmanager
def running_valkey(folder: Path, port: int = 0) -> Iterator[ValkeyServer]:
    """A server that is gone afterwards."""
    server = ValkeyServer(folder, port)
    server.start()
    try:
        yield server
    finally:
        server.kill()
