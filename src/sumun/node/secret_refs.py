"""Reads secrets where the configuration says they are. The only place that does."""

from __future__ import annotations

import os
from pathlib import Path

from sumun.config.plan import SecretRef
from sumun.node.errors import NodeError


class SecretMissingError(NodeError):
    """A secret that the configuration refers to is not there, empty or unreadable."""

    code = "secret_missing"
    exit_code = 2


def read_secret(ref: SecretRef) -> str:
    """The secret's text: an environment variable, or the first line of a file. Raises SecretMissingError."""
    how, _, name = ref.source.partition(":")
    if how == "env":
        text = os.environ.get(name, "")
        if not text:
            raise SecretMissingError(
                f"{ref.where}: the environment variable {name} is not set or empty; set it, then start again"
            )
        return text
    try:
        with Path(name).open(encoding="utf-8") as file:
            text = file.readline(65536).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SecretMissingError(f"{ref.where}: cannot read the secret file {name}: {reason}") from None
    if not text:
        raise SecretMissingError(
            f"{ref.where}: the secret file {name} is empty; its first line is the secret"
        )
    return text
