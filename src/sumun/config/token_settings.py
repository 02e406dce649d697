"""The settings of tokens: how long each kind lives, and how it is made."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sumun.access import TokenKind
from sumun.config.network import Origin
from sumun.config.plan import RefreshSettings
from sumun.config.values import Duration, OneOf, Section, Text
from sumun.config.words import KindOfToken, Switch


class AccessTokenSettings(Section):
    """Access tokens."""

    kind: KindOfToken = Field(
        TokenKind.OPAQUE,
        description="For clients that name none. `opaque` is kept in the store and can be changed in place, `jwt` "
        "carries its claims.",
        examples=["jwt"],
    )
    lifetime: Annotated[int, Duration("1s", "24h", seconds=True)] = Field(
        900, description="How long an opaque token lives.", examples=["1h"]
    )


class JwtSettings(Section):
    """Access tokens that carry claims (RFC 9068)."""

    lifetime: Annotated[int, Duration("1s", "24h", seconds=True)] = Field(
        300,
        description="How long a JWT lives; at most 15m, because what it says cannot be changed.",
        examples=["2m"],
    )
    algorithm: Annotated[str, OneOf({a: a for a in ("ES256", "EdDSA", "RS256", "PS256")})] = Field(
        "ES256",
        description="How JWTs are signed. RS256 and PS256 sign ten times slower; they are for verifiers that know "
        "nothing else.",
        examples=["RS256"],
    )
    force_long_lifetime: Switch = Field(
        False, description="Allow lifetimes over 15m, up to 24h.", examples=["true"]
    )


class IdentityTokenSettings(Section):
    """The token that tells a service who calls."""

    lifetime: Annotated[int, Duration("5s", "10m", seconds=True)] = Field(
        60, description="How long it lives. A service checks it on arrival.", examples=["30s"]
    )


_REFRESH = RefreshSettings()


class RefreshTokenSettings(Section):
    """Refresh tokens, for clients that list the grant `refresh_token`."""

    lifetime: Annotated[int, Duration("1m", "365d", seconds=True)] = Field(
        _REFRESH.lifetime_seconds,
        description="A login through a client is over after so long, however much it is used.",
        examples=["90d"],
    )
    idle: Annotated[int, Duration("1m", "365d", seconds=True)] = Field(
        _REFRESH.idle_seconds,
        description="It is over when its client does not refresh for so long.",
        examples=["7d"],
    )
    overlap: Annotated[int, Duration("1s", "5m", seconds=True)] = Field(
        _REFRESH.overlap_seconds,
        description="For so long after its first use a refresh token may come again, and gets the same successor: for "
        "requests at the same time, and answers that were lost. Later it was stolen, and the login is over.",
        examples=["30s"],
    )


class DpopSettings(Section):
    """Proofs of possession (RFC 9449), which clients send beside tokens that are bound to a key."""

    nonce: Switch = Field(
        True,
        description="Demand a nonce of ours in every proof, so that none can be made in advance; a client that has "
        "none is told one, and asks again. Without it, a proof is good for a minute by the client's clock.",
        examples=["false"],
    )
    origins: list[Annotated[str, Origin()]] = Field(
        [],
        description="Where the gateway is reached besides `issuer` and the hosts of the routes. A proof names the URI "
        "that it is for, and no other origin is taken for ours.",
        examples=["[https://api.example.com]"],
    )


class TokenSection(Section):
    """How tokens are made."""

    access: AccessTokenSettings = Field(AccessTokenSettings.model_construct(), description="Access tokens.")
    jwt: JwtSettings = Field(JwtSettings.model_construct(), description="Access tokens that carry claims.")
    identity: IdentityTokenSettings = Field(
        IdentityTokenSettings.model_construct(), description="Tokens for services."
    )
    refresh: RefreshTokenSettings = Field(
        RefreshTokenSettings.model_construct(), description="Refresh tokens."
    )
    dpop: DpopSettings = Field(DpopSettings.model_construct(), description="Proofs of possession.")
    audience: Annotated[str, Text("audience", r"[\x21-\x7e]{1,255}", "a URI or a word")] | None = Field(
        None,
        description="The `aud` of JWTs, and what the gate demands of them.",
        examples=["https://api.example.com"],
        json_schema_extra={"without": "the issuer"},
    )
