"""The data folder: its layout, its lock, its marker.

    DATA/
      sumun-data          marker: this folder is sumun's (and the layout's version)
      sumun.db            the SQLite directory (unless the configuration names another)
      valkey/             the embedded store's append-only file
      generations/000001/ one rendered configuration each; `current` links to the live one
      log/access.log      one JSON line a request
      run/                0700: sockets, the lock, the store's password; made anew at each start

Nothing outside DATA is written. One node uses a data folder at a time: the lock is held for the node's life by the
kernel (flock), so a crash leaves none behind.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from sumun.node.errors import DataFolderError

MARKER = "sumun-data"
LAYOUT = "1"
_MEANT_OTHERWISE = "$,"
"""HAProxy puts an environment variable in the place of `$NAME`, and takes a comma for the end of an address."""

LEAST_FREE_BYTES = 4 * 1024**2
"""Less, and a start would end half-way: the directory, the store and a generation take about 1 MiB."""

# sun_path holds 108 bytes with its NUL (unix(7)); HAProxy binds `<socket>.<pid>.tmp` first, so leave room for that.
_LONGEST_SOCKET = 108 - 1 - len(".4194304.tmp")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where everything of one node is."""

    root: Path

    @property
    def run(self) -> Path:
        """Sockets and the lock; 0700."""
        return self.root / "run"

    @property
    def generations(self) -> Path:
        """Rendered configurations."""
        return self.root / "generations"

    @property
    def current(self) -> Path:
        """Link to the live generation's folder."""
        return self.root / "current"

    @property
    def log(self) -> Path:
        """Log files."""
        return self.root / "log"

    @property
    def valkey(self) -> Path:
        """The embedded store's files."""
        return self.root / "valkey"

    @property
    def database(self) -> Path:
        """The SQLite directory."""
        return self.root / "sumun.db"

    def answer_socket(self, index: int) -> Path:
        """SPOE socket of answering process `index`."""
        return self.run / f"answer-{index}.sock"

    @property
    def workers_socket(self) -> Path:
        """Where the keeper reaches HAProxy's workers (`master_relay`)."""
        return self.run / "workers.sock"

    @property
    def keeper_socket(self) -> Path:
        """Where answering processes hand over what HAProxy may keep."""
        return self.run / "keeper.sock"

    @property
    def stream_socket(self) -> Path:
        """Where answering processes hand over which streams are open, and are asked whether they may go on."""
        return self.run / "streams.sock"

    @property
    def stream_journal(self) -> Path:
        """The open streams, for the next keeper; 0600."""
        return self.run / "streams"

    def control_socket(self, part: str) -> Path:
        """Where a part, or the supervisor (`supervisor`), is told what to do."""
        return self.run / f"{part}.ctl"

    @property
    def http_socket(self) -> Path:
        """The HTTP process."""
        return self.run / "http.sock"

    @property
    def valkey_socket(self) -> Path:
        """The embedded store."""
        return self.run / "valkey.sock"

    @property
    def valkey_password(self) -> Path:
        """The embedded store's password, made anew at each start; 0600."""
        return self.run / "valkey.password"

    @property
    def life(self) -> Path:
        """A random word, made anew at each start."""
        return self.run / "life"

    @property
    def metrics(self) -> Path:
        """The processes' metric files (prometheus-client multiprocess)."""
        return self.run / "metrics"

    def is_ours(self) -> bool:
        """True when the folder carries our marker."""
        return (self.root / MARKER).is_file()


def open_data_folder(root: Path) -> DataFolder:
    """Check the folder and make its layout. Raises DataFolderError with what is wrong and how to mend it."""
    folder = DataFolder(root.absolute())
    refused = "".join(sorted({c for c in str(folder.root) if c in _MEANT_OTHERWISE or not c.isprintable()}))
    if refused:
        raise DataFolderError(
            f"data folder {str(folder.root)!r}: its path holds {refused!r}, which means something else to HAProxy; "
            "choose another with --data"
        )
    longest = len(os.fsencode(folder.answer_socket(99)))
    if longest > _LONGEST_SOCKET:
        raise DataFolderError(
            f"data folder {folder.root}: its path is {longest - _LONGEST_SOCKET} bytes too long for unix sockets; "
            "choose a shorter one with --data"
        )
    try:
        folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = folder.root / MARKER
        if marker.is_file():
            _check_layout(folder, marker)
        elif any(folder.root.iterdir()):
            raise DataFolderError(
                f"data folder {folder.root}: it is not empty and was not made by sumun (no file {MARKER} in it); "
                "name an empty or new folder with --data"
            )
        else:
            marker.write_text(f"{LAYOUT}\n")
        # Root lets the account of its parts in (`run`): what a running node has set is not narrowed here.
        folder.root.chmod(0o700 if os.geteuid() else folder.root.stat().st_mode & ~0o007)
        for part in (folder.run, folder.generations, folder.log, folder.valkey):
            if part.is_symlink():
                raise DataFolderError(
                    f"data folder {folder.root}: {part.name} in it is a link, and must be a folder; "
                    "make it one, or link the whole data folder"
                )
            part.mkdir(mode=0o700, exist_ok=True)
        _refuse_full_disk(folder)
    except OSError as error:
        raise unusable(folder.root, error) from error
    return folder


def unusable(root: Path, error: OSError) -> DataFolderError:
    """The error to raise instead of what the system said about something in the data folder."""
    if isinstance(error, NotADirectoryError | FileExistsError):
        return DataFolderError(f"data folder {root}: it is a file; name a folder with --data")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataFolderError(f"data folder {root}: its disk is full: make room, then start again")
    named = f" ({error.filename})" if error.filename and Path(error.filename) != root else ""
    return DataFolderError(
        f"data folder {root}: {error.strerror or error}{named}; make it writable or name another with --data"
    )


def _refuse_full_disk(folder: DataFolder) -> None:
    disk = os.statvfs(folder.root)
    free = disk.f_bavail * disk.f_frsize
    if free < LEAST_FREE_BYTES:
        raise DataFolderError(
            f"data folder {folder.root}: its disk is full ({free // 1024} KiB are free); make room, at least "
            f"{LEAST_FREE_BYTES // 1024**2} MiB, then start again"
        )


def _check_layout(folder: DataFolder, marker: Path) -> None:
    layout = marker.read_text().strip()
    if layout != LAYOUT:
        raise DataFolderError(
            f"data folder {folder.root}: its layout is {layout[:20]!r} and this sumun knows {LAYOUT}; "
            "use the sumun that made it"
        )


class FolderLock:
    """Held while a node runs on a data folder. The kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: DataFolder) -> None:
        """Take the lock. Raises DataFolderError when another node holds it."""
        path = folder.root / "lock"
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise DataFolderError(
                f"data folder {folder.root}: a sumun (process {holder}) runs on it already; "
                "stop that one, or name another folder with --data"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go. May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def is_running(folder: DataFolder) -> bool:
    """True when a node holds the folder's lock at this moment."""
    try:
        fd = os.open(folder.root / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def node_id(folder: DataFolder) -> str:
    """This node's name in the feed, made with the data folder."""
    return (folder.root / "node-id").read_text().strip()


def clean_run_folder(folder: DataFolder) -> None:
    """Remove what a crashed node left in `run/`. Only under the lock. Raises OSError."""
    # By descriptor: whatever is put in the folder's place meanwhile, nothing but what is in it is removed.
    run = os.open(folder.run, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name in os.listdir(run):  # noqa: PTH208 - of a descriptor
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISDIR(os.stat(name, dir_fd=run, follow_symlinks=False).st_mode):
                    shutil.rmtree(name, dir_fd=run)
                else:
                    os.unlink(name, dir_fd=run)
        os.mkdir(folder.metrics.name, 0o700, dir_fd=run)
    finally:
        os.close(run)
