"""The settings of clients that register themselves, and what they mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.plan import DEVICE_CODE, Registration, SecretRef
from sumun.config.values import Number, OneOf, Secret, Section
from sumun.config.vocabulary import Vocabulary
from sumun.config.words import Scope, Switch

GRANTS = ("authorization_code", "refresh_token", DEVICE_CODE)
"""In which a person says yes. A stranger's program acts for nobody but the people who let it."""


class RegistrationSection(Section):
    """Clients that register themselves (RFC 7591 and RFC 7592). They are never first-party."""

    initial_access_token: Annotated[SecretRef, Secret()] | None = Field(
        None,
        description="Where the token is read from that lets a program register a client (RFC 7591 3).",
        examples=["file:registration.token"],
        json_schema_extra={"without": "required unless `open`"},
    )
    open: Switch = Field(
        False, description="Anybody may register a client, without a token.", examples=["true"]
    )
    scopes: list[Scope] = Field(
        [],
        description="The most that a registered client's tokens may carry, when a person allows it.",
        examples=['["product:read"]'],
        json_schema_extra={"without": "who the person is (`openid`), and nothing else"},
    )
    grants: list[Annotated[str, OneOf({one: one for one in GRANTS})]] = Field(
        ["authorization_code", "refresh_token"],
        description="How registered clients may get tokens.",
        examples=["[authorization_code]"],
    )
    per_source: Annotated[int, Number(1, 10_000)] = Field(
        10, description="So many registrations from one address in an hour (IPv6: one /64).", examples=["100"]
    )
    total: Annotated[int, Number(1, 1_000_000)] = Field(
        100,
        description="So many registrations in an hour altogether, at all nodes: they stay in the directory.",
        examples=["1000"],
    )


def compile_registration(
    section: RegistrationSection | None, root: MappingNode, vocabulary: Vocabulary, findings: Findings
) -> Registration | None:
    """What the section means; None: nobody registers."""
    if section is None:
        return None
    node = root.mapping("registration")
    token = section.initial_access_token
    if (token is None) != section.open:
        what = (
            "stands beside a token that nobody would need"
            if section.open
            else "needs a token, or to be open to anybody"
        )
        mend = "remove one of `open` and `initial_access_token`" if section.open else ""
        place = node.entries["open"].key.place if section.open else node.place
        findings.problem_at(
            place,
            "open" if section.open else "registration",
            what,
            "",
            mend or "write initial_access_token: file:PATH",
        )
    for item, scope in zip(node.items("scopes"), section.scopes, strict=True):
        vocabulary.check_scope(item, scope)
    return Registration(
        token=None if token is None else replace(token, where=node.place_of("initial_access_token")),
        scopes=tuple(section.scopes),
        grants=frozenset(section.grants),
        per_source=section.per_source,
        total=section.total,
    )
