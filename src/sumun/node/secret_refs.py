"""Reads secrets where the configuration says they are. The only place that does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sumun.config.plan import Plan, SecretRef
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


class Secrets:
    """Every secret that a plan refers to, read once: before this process drops root, and never again."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """By reference."""
        self._texts = dict(texts)

    @classmethod
    def of(cls, plan: Plan) -> Secrets:
        """Read them all. Raises SecretMissingError."""
        return cls({ref.source: read_secret(ref) for ref in _references(plan)})

    @classmethod
    def of_storage(cls, plan: Plan) -> Secrets:
        """Only those that open directory and store: an operator's shell has no others. Raises SecretMissingError."""
        return cls({ref.source: read_secret(ref) for ref in (plan.node.store, plan.node.directory) if ref})

    def texts(self) -> dict[str, str]:
        """By reference, for handing them to a part that cannot read them any more. Never to a log or a file."""
        return dict(self._texts)

    def get(self, source: str) -> str:
        """The secret by its reference, `env:NAME` or `file:PATH`. KeyError for one that the plan does not have."""
        return self._texts[source]

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._texts))})"


def _references(plan: Plan) -> Iterator[SecretRef]:
    yield from filter(None, (plan.node.store, plan.node.directory))
    yield from (client.secret for client in plan.clients.values() if client.secret is not None)
    if plan.registration is not None and plan.registration.token is not None:
        yield plan.registration.token
    for authenticator in plan.authenticators.values():
        for text in _texts(authenticator.settings.values()):
            if text.startswith(("env:", "file:")):
                yield SecretRef(text, authenticator.where)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts(value.values())
