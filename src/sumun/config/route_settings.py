"""The settings of one route."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sumun.config.network import Host
from sumun.config.plan import Rate
from sumun.config.rates import RateOf
from sumun.config.values import Section, Text
from sumun.config.words import KindOfToken, Method, RouteName, ServiceName, Switch


class ShadowSettings(Section):
    """A rule that only reports. What it does not say is as the route says it."""

    # Read in config.requirements: a tree.
    require: Any = Field(
        None,
        description="What callers would need: as the route's `require`, without `public` and `internal`.",
        examples=["product:list"],
        json_schema_extra={"without": "the route's", "word": "requirement"},
    )
    tokens: list[KindOfToken] | None = Field(
        None,
        description="The kinds of token that the route would take.",
        examples=["[jwt]"],
        json_schema_extra={"without": "the route's"},
    )


class RouteSettings(Section):
    """How a request finds its service, and what it needs."""

    name: RouteName | None = Field(
        None,
        description="What logs and metrics call the route.",
        examples=["list-products"],
        json_schema_extra={"without": "made from host, methods and path"},
    )
    host: Annotated[str, Host()] | None = Field(
        None,
        description="The host that the request names.",
        examples=["api.example.com"],
        json_schema_extra={"without": "every host"},
    )
    # Read in config.routes, where a path is needed as a PathPattern.
    path: Annotated[str, Text("path", r"(?s).*", "a path such as /products")] = Field(
        description="Exact `/products`, template `/products/{id}` (in quotes), or prefix `/files/**`.",
        examples=['"/products/{id}"'],
    )
    methods: list[Method] | None = Field(
        None,
        description="The methods; `HEAD` and `OPTIONS` too are only served when listed.",
        examples=["[GET, POST]"],
        json_schema_extra={"without": "every method"},
    )
    service: ServiceName = Field(description="The service that answers.", examples=["products"])
    # Read in config.requirements: a tree.
    require: Any = Field(
        None,
        description="What the caller needs: `public` (nothing), `internal` (to come by the internal listener), a "
        "permission, or `{role: NAME}`, `{all: [..]}`, `{any: [..]}` of these, nested at most 8 deep.",
        examples=["product:read"],
        json_schema_extra={"without": "a valid token", "word": "requirement"},
    )
    tokens: list[KindOfToken] | None = Field(
        None,
        description="The kinds of token that the route takes.",
        examples=["[jwt]"],
        json_schema_extra={"without": "every kind"},
    )
    session: Switch = Field(
        False,
        description="People may come with a browser alone: who is logged in needs no token, and who is not is sent to "
        "the login page. Beside the kinds in `tokens`.",
        examples=["true"],
    )
    keep_authorization: Switch = Field(
        False, description="Hand the `Authorization` header on to the service.", examples=["true"]
    )
    stream: Switch = Field(
        False,
        description="Its answers go on for long: they end with their token, like a WebSocket. Calls that say so "
        "themselves need no word here: WebSockets, `Accept: text/event-stream`, gRPC.",
        examples=["true"],
    )
    limit: Annotated[Rate, RateOf()] | None = Field(
        None,
        description="How often one caller may call this route: a person, or a program for itself; where no token is "
        "looked at, an address.",
        examples=["10/min"],
        json_schema_extra={"without": "no limit"},
    )
    shadow: ShadowSettings | None = Field(
        None,
        description="A rule that only reports whom it would refuse or let in: in the access log and in the metrics.",
        examples=["{require: product:list}"],
    )
