"""How the supervisor and its parts talk while they run, and how `sumun reload` reaches the supervisor.

A unix socket in the run folder for each; one question a connection, one line each way:

    learn 12       a part: be ready to answer for generation 12 (and go on answering for those before)
    adopt 12       a part: generation 12 is in force; its clients, logins and tokens are what counts from now on
    retire 11      a part: no worker asks under generation 11 any more
    health         a part: what is wrong at this moment (health.py)
    reload         the supervisor: read the configuration again and bring it to life
    status         the supervisor: its parts, and what is in force (health.py)
    answers        `ok ...` or `no ...` with a sentence (JSON text, so that a line is a line)
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from sumun.errors import SumunError
from sumun.node.errors import NodeError

log = logging.getLogger(__name__)

_LONGEST_LINE = 65536
_ANSWER_SECONDS = 30.0

Handler = Callable[[str], Awaitable[str]]
"""What follows the word -> what to answer. A SumunError becomes `no` and its sentence."""


class ControlError(NodeError):
    """The other side did not answer."""

    code = "control"


class SaidNoError(NodeError):
    """The other side refused; the sentence is its own."""

    code = "said_no"
    exit_code = 2


class ControlServer:
    """Answers on one socket, mode 0600."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises OSError."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._meet, str(self._path), limit=_LONGEST_LINE)
        self._path.chmod(0o600)

    async def close(self) -> None:
        """Stop listening. May be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline()).decode("utf-8", "replace").strip()
            writer.write(f"{await self._answer(line)}\n".encode())
            await writer.drain()
        except (OSError, ValueError) as error:
            log.warning("a control connection broke: %s", type(error).__name__)
        finally:
            writer.close()

    async def _answer(self, line: str) -> str:
        word, _, rest = line.partition(" ")
        handler = self._handlers.get(word)
        if handler is None:
            return "no " + json.dumps("unknown command")
        try:
            return "ok " + json.dumps(await handler(rest), ensure_ascii=False)
        except SumunError as error:
            return "no " + json.dumps(str(error), ensure_ascii=False)
        except Exception:
            log.exception("the command %s failed", word)
            return "no " + json.dumps("this failed in a way that nobody foresaw; the log says more")


async def ask(path: Path, command: str, seconds: float = _ANSWER_SECONDS) -> str:
    """Send one command and give the answer. Raises ControlError, SaidNoError."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_unix_connection(str(path), limit=16 * _LONGEST_LINE)
            try:
                writer.write(f"{command}\n".encode())
                answer = (await reader.readline()).decode()
            finally:
                writer.close()
    except TimeoutError:
        raise ControlError(f"{path.stem} did not answer within {seconds:g} s") from None
    except OSError as error:
        raise ControlError(f"{path.stem} cannot be reached: {error.strerror}") from error
    verdict, _, text = answer.partition(" ")
    if verdict not in ("ok", "no"):
        raise ControlError(f"{path.stem} ended while it was asked")
    sentence: str = json.loads(text)
    if verdict == "no":
        raise SaidNoError(sentence)
    return sentence
