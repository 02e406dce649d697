"""The settings of one policy test: a call, by whom, and what must become of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from sumun.access import TokenKind
from sumun.config.calls import CALLS, parse_call
from sumun.config.network import Host, Resource
from sumun.config.refused import RefusedError
from sumun.config.rights import Right
from sumun.config.values import Flag, Marker, OneOf, Reading, Section, Text, text_of
from sumun.identity import ANYTHING, Permission

ALLOW = "allow"
OUTCOMES = (ALLOW, "401", "403", "404", "405")


@dataclass(frozen=True, eq=False)
class CallText(Marker[tuple[str, str]]):
    """A method and a path."""

    word: str = "method and path"

    def read(self, raw: object, reading: Reading) -> tuple[str, str]:
        """Both."""
        return parse_call(text_of(raw, CALLS))


@dataclass(frozen=True, eq=False)
class Expected(Marker[str]):
    """What must become of a call. A status may be written as the number that it is."""

    word: str = " or ".join(f"`{word}`" for word in OUTCOMES)

    def read(self, raw: object, reading: Reading) -> str:
        """The word."""
        allowed = ", ".join(OUTCOMES)
        text = str(raw) if type(raw) is int else text_of(raw, allowed)
        if text not in OUTCOMES:
            raise RefusedError("is nothing that can become of a call before its service is asked", allowed)
        return text


class CallerSettings(Section):
    """Who calls in a test: what they hold, or a client of the file."""

    roles: list[Annotated[str, Text("role", r"[a-z][a-z0-9_.-]{0,63}", "the name of a role")]] = Field(
        [], description="Roles.", examples=["[user]"]
    )
    permissions: list[Annotated[Permission, Right()]] = Field(
        [], description="Permissions held directly.", examples=["[order:read]"]
    )
    scopes: list[Annotated[Permission, Right(roles=True)]] = Field(
        [ANYTHING], description="The scopes of the token.", examples=['["product:*"]']
    )
    audience: list[Annotated[str, Resource()]] = Field(
        [],
        description="The services that the token is for (`resource`).",
        examples=["[https://orders.example.com]"],
    )
    token: Annotated[TokenKind, OneOf({kind.value: kind for kind in TokenKind})] | None = Field(
        None,
        description="The kind of the token, or `session`: a browser that is logged in.",
        examples=["jwt"],
    )
    client: Annotated[str, Text("client id", r"(?s).{1,128}", "the id of a client")] | None = Field(
        None, description="A client of the file, for itself.", examples=["batch"]
    )


class PolicyTestSettings(Section):
    """One test."""

    name: Annotated[str, Text("sentence", allowed="a sentence for people")] = Field(
        description="What it promises, in words for people.", examples=["users cannot delete"]
    )
    # Read in config.policy_tests: a word or settings.
    as_: Any = Field(
        alias="as",
        description="Who calls: `nobody`, a client of the file `{client: batch}` for itself, or somebody who holds "
        "`{roles: [..], permissions: [..]}`; with `scopes: [..]`, `audience: [..]` and `token: jwt`, in such a token. "
        "Without them: with every scope, for every service, in a token of a kind that the route takes.",
        examples=["{roles: [user]}"],
        json_schema_extra={"word": "caller"},
    )
    call: Annotated[tuple[str, str], CallText()] = Field(
        description="The call.", examples=["DELETE /products/1"]
    )
    host: Annotated[str, Host()] | None = Field(
        None,
        description="The host that the call names.",
        examples=["api.example.com"],
        json_schema_extra={"without": "one that no route names"},
    )
    internal: Annotated[bool, Flag()] = Field(
        False, description="The call comes by the internal listener.", examples=["true"]
    )
    expect: Annotated[str, Expected()] = Field(
        description="`allow`: it is let through to its service. Otherwise the status of the refusal.",
        examples=["403"],
    )


class PolicyTestFile(Section):
    """A file beside the configuration that holds nothing but tests."""

    tests: list[PolicyTestSettings] = Field(description="The tests.", examples=["[]"])
