"""The operator's shell: `sumun` commands against a data folder, run in this process, because a new one takes a second."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from sumun.cli.main import main

_alone = threading.Lock()  # the environment and the three streams are this process's


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs commands on one data folder and remembers what they said."""

    data: Path
    said: str = ""

    def __call__(self, line: str, *more: str, stdin: str = "") -> Done:
        """Run one line (words at blanks, then `more` as they are); nobody is there to answer questions."""
        out, err, code = io.StringIO(), io.StringIO(), None
        with (
            _alone,
            mock.patch.dict(os.environ, {"SUMUN_DATA": str(self.data)}),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main([*line.split(), *more])
            except SystemExit as end:
                code = end.code
        assert isinstance(code, int)
        self.said += out.getvalue() + err.getvalue()
        return Done(code, out.getvalue(), err.getvalue())

    def ok(self, line: str, *more: str, stdin: str = "") -> Done:
        """The same for a command that must succeed."""
        done = self(line, *more, stdin=stdin)
        assert done.code == 0, (line, done)
        assert done.err == "", (line, done)
        return done
