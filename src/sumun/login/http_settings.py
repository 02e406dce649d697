"""The settings of the authenticator kind `http`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from sumun.config.network import is_loopback
from sumun.config.plan import SecretRef
from sumun.config.refused import RefusedError
from sumun.config.values import (
    Duration,
    FilePath,
    Flag,
    Marker,
    Number,
    Reading,
    RoleName,
    Secret,
    Section,
    text_of,
)

_URLS = "https://HOST[:PORT]/PATH, or http:// on this machine"


@dataclass(frozen=True, eq=False)
class QuestionUrl(Marker[str]):
    """The one URL that is asked."""

    word: str = "URL"

    def read(self, raw: object, reading: Reading) -> str:
        """The URL as it is written, once nothing in it is doubtful."""
        url = text_of(raw, _URLS)
        if not url.isascii() or any(letter <= " " or letter in '\x7f"<>\\^`{|}' for letter in url):
            raise RefusedError("has a character that no URL has", _URLS, "percent-encode it")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise RefusedError("is not a URL", _URLS) from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise RefusedError("is not a URL that can be asked", _URLS)
        if "@" in parts.netloc:
            raise RefusedError("holds a user or a password", _URLS, "put the secret where `secret` refers to")
        if "#" in url:
            raise RefusedError(
                "has a fragment, which no server is sent", _URLS, "leave out # and what follows"
            )
        return url


class HttpSettings(Section):
    """One authentication server. It is asked by the contract of docs/authentication-server.md."""

    insecure: Annotated[bool, Flag()] = Field(
        False,
        description="Says that plain http to another machine is meant: passwords and the shared secret cross the "
        "network in clear.",
        examples=["true"],
    )
    url: Annotated[str, QuestionUrl()] = Field(
        description="What is asked; only this, redirects are not followed.",
        examples=["https://staff.example.com/authenticate"],
    )
    secret: Annotated[SecretRef, Secret()] = Field(
        description="The shared secret by which the server knows the gateway; visible ASCII.",
        examples=["env:STAFF_SECRET"],
    )
    roles: list[Annotated[str, RoleName()]] = Field(
        default_factory=list,
        description="The roles that the server may give. Others that it names are dropped and logged.",
        examples=["[user]"],
    )
    timeout: Annotated[int, Duration("10ms", "1m")] = Field(
        3000, description="How long the whole question may take, connecting included.", examples=["5s"]
    )
    connect_timeout: Annotated[int, Duration("10ms", "1m")] = Field(
        1000, description="How long a connection may take to open.", examples=["500ms"]
    )
    ca_file: Annotated[str, FilePath()] | None = Field(
        None,
        description="Certificates (PEM) that are trusted instead of the machine's own.",
        examples=["staff-ca.pem"],
        json_schema_extra={"without": "the machine's own"},
    )
    connections: Annotated[int, Number(1, 1000)] = Field(
        8,
        description="Connections at once. Eight logins may wait for each; the next one is told 503.",
        examples=["16"],
    )

    @field_validator("url")
    @classmethod
    def _keeps_passwords_private(cls, url: str, info: ValidationInfo) -> str:
        parts = urlsplit(url)
        if (
            parts.scheme == "http"
            and not is_loopback(parts.hostname or "")
            and info.data.get("insecure") is False
        ):
            what = {
                "what": "would send passwords in clear to another machine",
                "allowed": _URLS,
                "mend": "use https, or write insecure: true if something else protects that network",
            }
            raise PydanticCustomError("refused", "{what}", what)
        return url
