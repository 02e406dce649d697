"""A Plan as JSON: how it travels from the process that read the YAML to those that live by it.

Exact both ways: `load(dump(plan)) == plan`, and every place is kept too. Equal plans give equal bytes (sets are
sorted). Nothing here imports pydantic or PyYAML, and a plan of 10,000 routes is loaded in under 100 ms.

The JSON is the Plan's own fields by name. A place is `[line, column]`, for one plan has one file; a permission is its
text; a requirement is its text, `{"role": ..}`, `{"all": [..]}` or `{"any": [..]}`, as in the YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

from sumun.access import Access, AllOf, AnyOf, HasPermission, HasRole, Requirement, TokenKind
from sumun.config.plan import (
    NOWHERE,
    Address,
    Authenticator,
    CertificateBy,
    Client,
    ClientKind,
    KnownCertificates,
    Limits,
    NodeSettings,
    Note,
    Place,
    Plan,
    Rate,
    RefreshSettings,
    Registration,
    Route,
    SecretRef,
    Sentence,
    Service,
    ServiceProtocol,
    SessionSettings,
    Shadow,
    TokenSettings,
)
from sumun.config.wire_tls import dump_tls, load_tls
from sumun.errors import SumunError
from sumun.identity import Permission

FORMAT = 1  # another number is another shape: a process never guesses


class PlanFormatError(SumunError):
    """These bytes are no plan of this version of sumun. Nothing of them is used; make the plan from the YAML again."""

    code: ClassVar[str] = "plan_format"


class _ShadowRow(msgspec.Struct, frozen=True, gc=False):
    """A shadow rule as it travels."""

    requirement: msgspec.Raw
    kinds: frozenset[TokenKind]
    where: tuple[int, int]


class _RouteRow(msgspec.Struct, frozen=True, gc=False):
    """A route as it travels: everything but the requirement and the place is decoded to what a Route holds."""

    id: str
    host: str
    path: str
    methods: tuple[str, ...]
    service: str
    access: Access
    requirement: msgspec.Raw
    kinds: frozenset[TokenKind]
    keeps_authorization: bool
    stream: bool
    where: tuple[int, int]
    limit: Rate | None = None
    shadow: _ShadowRow | None = None
    audience: str | None = None


class _PlanRows(msgspec.Struct, frozen=True):
    """A plan as it travels. What is few is decoded to plain values."""

    file: str
    listen: dict[str, Any]
    internal: dict[str, Any] | None
    operator: dict[str, Any] | None
    services: list[dict[str, Any]]
    roles: list[tuple[str, list[str]]]
    routes: list[_RouteRow]
    login: tuple[str, ...]
    authenticators: list[dict[str, Any]]
    clients: list[dict[str, Any]]
    tokens: dict[str, Any]
    limits: dict[str, Any]
    node: dict[str, Any]
    permissions: list[tuple[str, str | dict[str, str]]]
    notes: list[tuple[tuple[int, int], str]]
    sessions: dict[str, Any] = {}
    registration: dict[str, Any] = {}
    tls: dict[str, Any] = {}
    refresh: dict[str, Any] = {}


class _Format(msgspec.Struct, frozen=True):
    format: int


_RATES = frozenset({"limit", "per_source", "per_person", "per_client"})
_SELDOM = _RATES | {"quota", "shadow", "audience"}
_FORMAT = msgspec.json.Decoder(_Format)
_ROWS = msgspec.json.Decoder(_PlanRows)


def dump(plan: Plan) -> bytes:
    """The plan as JSON. ValueError when its places are in several files."""
    return msgspec.json.encode(_Dumper(plan).plan())


def load(data: bytes) -> Plan:
    """The plan in these bytes. Raises PlanFormatError."""
    try:
        number = _FORMAT.decode(data).format
        if number != FORMAT:
            raise PlanFormatError(f"this is plan format {number}, and this sumun reads {FORMAT}")
        rows = _ROWS.decode(data)
        return _Loader(rows.file).plan(rows)
    except (msgspec.DecodeError, SumunError, LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, PlanFormatError):
            raise
        raise PlanFormatError(f"this is no plan ({type(error).__name__})") from None


class _Dumper:
    """Plan -> plain values."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._file = ""

    def plan(self) -> dict[str, Any]:
        plan = self._plan
        raw = {
            "format": FORMAT,
            "file": "",
            "listen": self._address(plan.listen),
            "internal": None if plan.internal is None else self._address(plan.internal),
            "operator": None if plan.operator is None else self._address(plan.operator),
            "services": [self._service(service) for service in plan.services.values()],
            "roles": [[role, _permissions(sorted(of))] for role, of in plan.roles.items()],
            "routes": [self._route(route) for route in plan.routes],
            "login": plan.login,
            "authenticators": [self._authenticator(one) for one in plan.authenticators.values()],
            "clients": [self._client(client) for client in plan.clients.values()],
            "tokens": {name: value for name, value in _fields(plan.tokens).items() if name != "refresh"},
            "limits": _fields(plan.limits),
            "node": _fields(plan.node)
            | {"store": self._secret(plan.node.store), "directory": self._secret(plan.node.directory)},
            "permissions": [[name, _sentence(words)] for name, words in plan.permissions.items()],
            "notes": [[self._place(note.where), note.text] for note in plan.notes],
        }
        if plan.sessions != SessionSettings():
            raw["sessions"] = _fields(plan.sessions)
        if (one := plan.registration) is not None:
            held = {"token": self._secret(one.token), "scopes": _permissions(one.scopes)}
            raw["registration"] = _fields(one) | held | {"grants": sorted(one.grants)}
        if plan.tls:
            raw["tls"] = dump_tls(plan.tls, self._place)
        if plan.tokens.refresh != RefreshSettings():
            raw["refresh"] = _fields(plan.tokens.refresh)
        return raw | {"file": self._file}

    def _place(self, place: Place) -> list[int]:
        if place != NOWHERE:
            self._file = self._file or place.file
            if place.file != self._file:
                raise ValueError(f"a plan from two files, {self._file} and {place.file}")
        return [place.line, place.column]

    def _address(self, address: Address) -> dict[str, Any]:
        return {"host": address.host, "port": address.port, "where": self._place(address.where)}

    def _secret(self, ref: SecretRef | None) -> dict[str, Any] | None:
        return None if ref is None else {"source": ref.source, "where": self._place(ref.where)}

    def _service(self, service: Service) -> dict[str, Any]:
        return _fields(service) | {"where": self._place(service.where)}

    def _route(self, route: Route) -> dict[str, Any]:
        fields = _fields(route) | {
            "requirement": requirement_to_json(route.requirement),
            "kinds": sorted(route.kinds),
            "where": self._place(route.where),
        }
        if route.shadow is not None:
            fields["shadow"] = {
                "requirement": requirement_to_json(route.shadow.requirement),
                "kinds": sorted(route.shadow.kinds),
                "where": self._place(route.shadow.where),
            }
        return fields

    def _authenticator(self, one: Authenticator) -> dict[str, Any]:
        return {
            "name": one.name,
            "kind": one.kind,
            "settings": dict(one.settings),
            "where": self._place(one.where),
        }

    def _client(self, client: Client) -> dict[str, Any]:
        fields = {name: one for name, one in _fields(client).items() if one or name not in _OFTEN_EMPTY}
        return fields | {
            "grants": sorted(client.grants),
            "secret": self._secret(client.secret),
            "scopes": _permissions(client.scopes),
            "permissions": _permissions(client.permissions),
            "may_ask_for": sorted(client.may_ask_for),
            "where": self._place(client.where),
        }


# Of a client, only when it is said.
_OFTEN_EMPTY = frozenset(
    {
        "name",
        "requires_pushed_requests",
        "certificate",
        "certificate_bound",
        "post_logout_redirect_uris",
        "backchannel_logout_uri",
        *("authentication", "jwks", "dpop"),
    }
)


def _fields(value: Any) -> dict[str, Any]:
    """All fields; what a route or a limit may lack, only when it is there."""
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {name: one for name, one in fields.items() if one is not None or name not in _SELDOM}


def _with_rates(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: Rate(**one) if name in _RATES else one for name, one in fields.items()}


def _sentence(words: Sentence) -> str | dict[str, str]:
    return {"": words.plain, **words.others} if words.others else words.plain


def _words(raw: str | dict[str, str]) -> Sentence:
    if isinstance(raw, str):
        return Sentence(raw)
    return Sentence(raw[""], {language: words for language, words in raw.items() if language})


def _permissions(permissions: Any) -> list[str]:
    return [str(permission) for permission in permissions]


def requirement_to_json(requirement: Requirement) -> Any:
    """A requirement as plain values, as in the YAML."""
    match requirement:
        case HasPermission(permission):
            return str(permission)
        case HasRole(role):
            return {"role": role}
        case AllOf(parts):
            return {"all": [requirement_to_json(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [requirement_to_json(part) for part in parts]}


class _Loader:
    """Rows -> Plan. A permission and a requirement that stand many times are made once."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._permissions: dict[str, Permission] = {}
        self._requirements: dict[bytes, Requirement] = {}

    def plan(self, rows: _PlanRows) -> Plan:
        node = rows.node
        return Plan(
            listen=self._address(rows.listen),
            internal=None if rows.internal is None else self._address(rows.internal),
            operator=None if rows.operator is None else self._address(rows.operator),
            services=MappingProxyType({one["id"]: self._service(one) for one in rows.services}),
            roles=MappingProxyType({role: frozenset(self._rights(of)) for role, of in rows.roles}),
            routes=tuple([self._route(row) for row in rows.routes]),
            login=rows.login,
            authenticators=MappingProxyType({o["name"]: self._authenticator(o) for o in rows.authenticators}),
            clients=MappingProxyType({one["id"]: self._client(one) for one in rows.clients}),
            tokens=TokenSettings(
                **rows.tokens
                | {"access_kind": TokenKind(rows.tokens["access_kind"])}
                | {"refresh": RefreshSettings(**rows.refresh)}
                | {"origins": tuple(rows.tokens["origins"])}
            ),
            sessions=SessionSettings(**rows.sessions),
            registration=self._registration(rows.registration) if rows.registration else None,
            limits=Limits(**_with_rates(rows.limits)),
            node=NodeSettings(
                **node | {"store": self._secret(node["store"]), "directory": self._secret(node["directory"])}
            ),
            permissions=MappingProxyType({name: _words(raw) for name, raw in rows.permissions}),
            tls=load_tls(rows.tls, self._place),
            notes=tuple(Note(self._place(place), text) for place, text in rows.notes),
        )

    def _place(self, raw: Sequence[int]) -> Place:
        line, column = raw
        return Place(self._file, line, column) if line else NOWHERE

    def _address(self, raw: Mapping[str, Any]) -> Address:
        return Address(raw["host"], raw["port"], self._place(raw["where"]))

    def _secret(self, raw: Mapping[str, Any] | None) -> SecretRef | None:
        return None if raw is None else SecretRef(raw["source"], self._place(raw["where"]))

    def _rights(self, raw: list[str]) -> list[Permission]:
        known = self._permissions
        for text in raw:
            if text not in known:
                known[text] = Permission.parse(text)
        return [known[text] for text in raw]

    def _service(self, raw: dict[str, Any]) -> Service:
        raw["protocol"] = ServiceProtocol(raw["protocol"])
        raw["servers"] = tuple((host, port) for host, port in raw["servers"])
        raw["origins"] = tuple(raw["origins"])
        raw["where"] = self._place(raw["where"])
        return Service(**raw)

    def _route(self, row: _RouteRow) -> Route:
        return Route(
            row.id,
            row.host,
            row.path,
            row.methods,
            row.service,
            row.access,
            self._known_requirement(bytes(row.requirement)),
            row.kinds,
            row.keeps_authorization,
            row.stream,
            row.limit,
            None if row.shadow is None else self._shadow(row.shadow),
            row.audience,
            self._place(row.where),
        )

    def _shadow(self, row: _ShadowRow) -> Shadow:
        return Shadow(self._known_requirement(bytes(row.requirement)), row.kinds, self._place(row.where))

    def _known_requirement(self, raw: bytes) -> Requirement:
        known = self._requirements.get(raw)
        if known is None:
            known = self._requirements[raw] = self._requirement(msgspec.json.decode(raw))
        return known

    def _requirement(self, raw: Any) -> Requirement:
        if isinstance(raw, str):
            return HasPermission(self._rights([raw])[0])
        ((name, inside),) = raw.items()
        if name == "role":
            return HasRole(inside)
        parts = tuple([self._requirement(part) for part in inside])
        if name not in ("all", "any"):
            raise ValueError(f"{name} is no sort of requirement")
        return AllOf(parts) if name == "all" else AnyOf(parts)

    def _authenticator(self, raw: Mapping[str, Any]) -> Authenticator:
        settings = MappingProxyType(raw["settings"])
        return Authenticator(raw["name"], raw["kind"], settings, self._place(raw["where"]))

    def _client(self, raw: dict[str, Any]) -> Client:
        raw["kind"] = ClientKind(raw["kind"])
        raw["grants"] = frozenset(raw["grants"])
        raw["secret"] = self._secret(raw["secret"])
        raw["login"] = tuple(raw["login"])
        raw["scopes"] = tuple(self._rights(raw["scopes"]))
        raw["roles"] = tuple(raw["roles"])
        raw["permissions"] = tuple(self._rights(raw["permissions"]))
        raw["token_kind"] = TokenKind(raw["token_kind"])
        raw["redirect_uris"] = tuple(raw["redirect_uris"])
        raw["post_logout_redirect_uris"] = tuple(raw.get("post_logout_redirect_uris", ()))
        raw["may_ask_for"] = frozenset(map(TokenKind, raw["may_ask_for"]))
        if "certificate" in raw:
            known = raw["certificate"]
            raw["certificate"] = KnownCertificates(CertificateBy(known["by"]), tuple(known["values"]))
        raw["where"] = self._place(raw["where"])
        return Client(**raw)

    def _registration(self, raw: dict[str, Any]) -> Registration:
        raw |= {"token": self._secret(raw["token"]), "scopes": tuple(self._rights(raw["scopes"]))}
        return Registration(**raw | {"grants": frozenset(raw["grants"])})
