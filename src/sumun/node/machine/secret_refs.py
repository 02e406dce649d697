"""Reads secrets where the configuration says they are. The only place that does."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sumun.config.plan import Note, Plan, SecretRef
from sumun.node.errors import NodeError


class SecretMissingError(NodeError):
    """Secrets that the configuration refers to are not there, empty or unreadable: each, and how to mend it."""

    code = "secret_missing"
    exit_code = 2

    def __init__(self, *missing: Note) -> None:
        super().__init__("\n".join(f"{one.where}: {one.text}" for one in missing))
        self.missing = missing


def read_secret(ref: SecretRef) -> str:
    """The secret's text: an environment variable, or the first line of a file. Raises SecretMissingError."""
    how, _, name = ref.source.partition(":")
    if how == "env":
        text = os.environ.get(name, "")
        if not text:
            raise _missing(
                ref, f"the environment variable {name} is not set or empty", "set it, then start again"
            )
        return text
    try:
        with Path(name).open(encoding="utf-8") as file:
            text = file.readline(65536).rstrip("\r\n")
    except UnicodeDecodeError:
        raise _missing(ref, f"the secret file {name} is not UTF-8 text", _FIRST_LINE) from None
    except OSError as error:
        mend = f"let the account {_account()} read it" if isinstance(error, PermissionError) else _FIRST_LINE
        raise _missing(ref, f"cannot read the secret file {name}: {error.strerror}", mend) from None
    if not text:
        raise _missing(ref, f"the secret file {name} is empty", _FIRST_LINE)
    return text


_FIRST_LINE = "its first line is the secret"


def _missing(ref: SecretRef, what: str, mend: str) -> SecretMissingError:
    return SecretMissingError(Note(ref.where, f"{what}; {mend}"))


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def missing_secrets(plan: Plan) -> tuple[Note, ...]:
    """What a start here would be refused for. Secrets may be elsewhere, so it is no problem of the configuration."""
    refused = "`sumun run` and `sumun reload` would refuse this here"
    return tuple(Note(one.where, f"{refused}: {one.text}") for one in _read(_references(plan))[1])


def _read(references: Iterable[SecretRef]) -> tuple[dict[str, str], list[Note]]:
    """Source -> text of those that can be read, and what there is to say of the others."""
    texts: dict[str, str] = {}
    missing: list[Note] = []
    for ref in references:
        try:
            texts[ref.source] = read_secret(ref)
        except SecretMissingError as error:
            missing += error.missing
    return texts, missing


class Secrets:
    """Every secret that a plan refers to, read once: before this process drops root, and never again."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """By reference."""
        self._texts = dict(texts)

    @classmethod
    def of(cls, plan: Plan) -> Secrets:
        """Read them all. Raises SecretMissingError for all that cannot be."""
        return cls._of(_references(plan))

    @classmethod
    def of_storage(cls, plan: Plan) -> Secrets:
        """Only those that open directory and store: an operator's shell has no others. Raises SecretMissingError."""
        return cls._of(ref for ref in (plan.node.store, plan.node.directory) if ref)

    @classmethod
    def _of(cls, references: Iterable[SecretRef]) -> Secrets:
        texts, missing = _read(references)
        if missing:
            raise SecretMissingError(*missing)
        return cls(texts)

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
