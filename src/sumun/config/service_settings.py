"""The settings of a service behind the gateway."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sumun.config.cors_settings import CorsSettings
from sumun.config.network import Origin, Resource, Server, ServerUrl
from sumun.config.plan import IdentityToken
from sumun.config.values import Duration, OneOf, Section
from sumun.config.words import Switch


class WebSocketSettings(Section):
    """WebSockets of a service."""

    origins: list[Annotated[str, Origin()]] = Field(
        description="Whose pages may open one: a handshake that names another origin is 403. Programs that are no "
        "browser name none, and are not concerned.",
        examples=["[https://shop.example.com]"],
    )


class ServiceSettings(Section):
    """A service behind the gateway."""

    url: Annotated[Server, ServerUrl()] | None = Field(
        None,
        description="Where it is; no path. `h2c://` is HTTP/2 without TLS, for gRPC. Either this or `urls`.",
        examples=["http://127.0.0.1:9101"],
        json_schema_extra={"without": "required, or `urls`"},
    )
    urls: list[Annotated[Server, ServerUrl()]] | None = Field(
        None,
        description="Several servers of one service, all with one scheme; requests are spread over them.",
        examples=["[http://10.0.0.1:9101, http://10.0.0.2:9101]"],
    )
    identity_token: Annotated[IdentityToken, OneOf({t.value: t for t in IdentityToken})] = Field(
        IdentityToken.AUTO,
        description="Whether the service is handed a signed token that says who calls. `auto`: unless all its servers "
        "are on loopback, where the identity headers alone are safe.",
        examples=["always"],
    )
    connect_timeout: Annotated[int, Duration("10ms", "1m")] = Field(
        2000, description="How long a connection may take to open.", examples=["500ms"]
    )
    response_timeout: Annotated[int, Duration("100ms", "1h")] = Field(
        30_000, description="How long the service may be silent during an answer.", examples=["5s"]
    )
    stream_timeout: Annotated[int, Duration("1s", "7d")] = Field(
        3_600_000,
        description="How long a WebSocket or another upgraded connection may be silent.",
        examples=["10m"],
    )
    audience: Annotated[str, Resource()] | None = Field(
        None,
        description="Its name as a resource (RFC 8707): a token that was asked for with `resource=` and this is for "
        "services of this name only. A token that was asked for without is for every service.",
        examples=["https://orders.example.com"],
    )
    refuse_trailers: Switch = Field(
        False,
        description="A request with trailer fields (RFC 9110 6.5) is 400. For a service that takes them for header "
        "fields, as uvicorn with httptools does. HAProxy before 3.2 only, which drops them for every service; it costs "
        "each call to this one.",
        examples=["true"],
    )
    websocket: WebSocketSettings | None = Field(None, description="Its WebSockets.")
    cors: CorsSettings | None = Field(
        None,
        description="Pages of other origins may call it by script: the gate answers what browsers ask before, says in "
        "every answer who may read it, and takes away what the service says of that. On the public listener.",
    )
