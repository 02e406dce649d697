"""Addresses, hosts and URLs as settings: one spelling each, so that two texts that differ are two things."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from sumun.config.closest import closest
from sumun.config.plan import Address, ServiceProtocol
from sumun.config.problems import did_you_mean
from sumun.config.refused import RefusedError
from sumun.config.values import Marker, Reading, text_of
from sumun.identity.resource import is_resource

ADDRESSES = 'an IP address and a port, such as 127.0.0.1:8080 or "[::1]:8080"'

_HOST = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_DEFAULT_PORTS = {"http": 80, "https": 443, "h2c": 80}


@dataclass(frozen=True, slots=True)
class Server:
    """Where one server of a service is. `host` is a name or an IP address, without brackets."""

    protocol: ServiceProtocol
    host: str
    port: int

    @property
    def on_loopback(self) -> bool:
        """Whether what is sent there never leaves this machine."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost` (RFC 6761 6.3), 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_wildcard(host: str) -> bool:
    """Whether an address to listen on means every address of the machine."""
    return ipaddress.ip_address(host).is_unspecified


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def parse_listen(text: str) -> Address:
    """An address to listen on. Raises RefusedError."""
    if re.fullmatch(r":?[0-9]{1,5}", text):
        port = text.lstrip(":")
        mend = f"write 127.0.0.1:{port} for this machine only, or 0.0.0.0:{port} for every address"
        raise RefusedError("is a port without an address", ADDRESSES, mend)
    host, colon, port = text.rpartition(":")
    if not colon:
        raise RefusedError("has no port", ADDRESSES)
    if not _is_port(port):
        raise RefusedError("has a port that nobody could find", "a port from 1 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise RefusedError("is not an address", ADDRESSES, "write an IPv6 address in [ ], and all in quotes")
    if host == "localhost":
        raise RefusedError("has a name for an address", ADDRESSES, f"write 127.0.0.1:{port}")
    return Address(_ip(host, ADDRESSES), int(port))


def parse_server(text: str) -> Server:
    """The URL of a service's server. Raises RefusedError."""
    allowed = "http://HOST:PORT, https://HOST:PORT or h2c://HOST:PORT"
    match = _URL.fullmatch(text)
    if match is None:
        mend = f"write http://{text}" if re.fullmatch(rf"{_HOST}(?::[0-9]+)?", text) else ""
        raise RefusedError("is not a URL", allowed, mend)
    scheme, authority, rest = match["scheme"], match["authority"], match["rest"]
    if scheme not in _DEFAULT_PORTS:
        mend = did_you_mean(closest(scheme, _DEFAULT_PORTS))
        raise RefusedError("has a scheme that no service has", allowed, mend)
    host, port = _authority(authority, allowed)
    if rest:
        mend = f"write {scheme}://{authority}; a request's own path and query go to the service as they are"
        raise RefusedError("has a path, a query or a fragment", allowed, mend)
    return Server(ServiceProtocol(scheme), host, port or _DEFAULT_PORTS[scheme])


def parse_origin(text: str) -> str:
    """An issuer: scheme, host and port (RFC 8414 2, and no path). Raises RefusedError."""
    allowed = "https://HOST or http://HOST:PORT"
    match = _URL.fullmatch(text)
    if match is None or match["scheme"] not in ("http", "https"):
        raise RefusedError("is not an http or https URL", allowed)
    if match["rest"]:
        mend = f"write {match['scheme']}://{match['authority']}" if "@" not in match["authority"] else ""
        raise RefusedError("has a path, a query or a slash at the end", allowed, mend)
    host, port = _authority(match["authority"], allowed)
    if port == _DEFAULT_PORTS[match["scheme"]]:
        mend = f"write {match['scheme']}://{bracketed(host)}"
        raise RefusedError("names the port that goes without saying", allowed, mend)
    return text


def host_of(origin: str) -> str:
    """The host of an origin that parse_origin took, without brackets."""
    authority = origin.partition("://")[2]
    return re.sub(r":[0-9]+\Z", "", authority).strip("[]")


def parse_resource(text: str) -> str:
    """A name that clients send as `resource` (RFC 8707 2): an absolute URI without a fragment. Raises RefusedError."""
    if not is_resource(text):
        allowed = "an absolute URI of at most 255 characters, without `#`, `,`, `;` and spaces"
        raise RefusedError("is not the name of a resource", allowed, "write https://orders.example.com")
    return text


def parse_redirect(text: str) -> str:
    """A redirect URI (RFC 6749 3.1.2, RFC 8252 7). Raises RefusedError."""
    allowed = (
        "https://..., http:// on 127.0.0.1, [::1] or localhost, "
        "or an app's own scheme such as com.example.app:/back"
    )
    if "#" in text:
        raise RefusedError("has a fragment, which RFC 6749 3.1.2 forbids", allowed)
    if re.fullmatch(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]{1,2000}", text) is None:  # RFC 3986 2
        raise RefusedError("is not a URI", allowed)
    match = _URL.fullmatch(text)
    scheme = text.partition(":")[0]
    if match is not None and scheme in ("http", "https"):
        host, _ = _authority(match["authority"], allowed)
        if scheme == "http" and not is_loopback(host):
            raise RefusedError("sends codes over the network in clear", allowed, "use https")
        return text
    # RFC 8252 7.1: a private-use scheme holds a dot, being a domain name in reverse order.
    if re.fullmatch(r"[a-z][a-z0-9+-]*\.[a-z0-9.+-]+:/.*", text) is None:
        raise RefusedError("is not a redirect URI", allowed)
    return text


def parse_back_channel(text: str) -> str:
    """A URL that we call (OpenID Connect Back-Channel Logout 2.2). Raises RefusedError."""
    allowed = "https://HOST[:PORT]/PATH, or http:// on this machine; no fragment"
    match = _URL.fullmatch(text)
    if match is None or text.partition(":")[0] not in ("http", "https") or "#" in text:
        raise RefusedError("is not a URL that we can call", allowed)
    host, _ = _authority(match["authority"], allowed)
    if text.startswith("http:") and not is_loopback(host):
        raise RefusedError("would cross the network in clear", allowed, "use https")
    return text


def parse_https(text: str) -> str:
    """A URL that we fetch something from that has to be right. Raises RefusedError."""
    allowed = "https://HOST[:PORT]/PATH; no fragment"
    match = _URL.fullmatch(text)
    if match is None or "#" in text or not text.isascii():
        raise RefusedError("is not a URL that can be fetched", allowed)
    _authority(match["authority"], allowed)
    if not text.startswith("https:"):
        what = "would be believed from whoever is on the way there"
        raise RefusedError(what, allowed, "use https")
    return text


def parse_host(text: str) -> str:
    """The host of a route. Raises RefusedError."""
    allowed = "a host name in lower case, such as api.example.com"
    if re.fullmatch(_HOST, text) is not None and len(text) <= 253:
        return text
    if "*" in text:
        raise RefusedError("has a *; a route is for one host or, without `host`, for every one", allowed)
    lower = text.lower().removesuffix(".")
    without_port = lower.partition(":")[0]
    if "://" not in text and re.fullmatch(_HOST, without_port):
        raise RefusedError("is not written as requests are compared", allowed, f"write {without_port}")
    raise RefusedError("is not a host name", allowed)


def _authority(authority: str, allowed: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise RefusedError("has a user or a password in it", allowed, "remove everything up to the @")
    match = re.fullmatch(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?", authority)
    if match is None or not match["host"]:
        raise RefusedError("has no host", allowed)
    port = match["port"]
    if port is not None and not _is_port(port):
        raise RefusedError("has a port that is none", f"{allowed}; a port from 1 to 65535")
    host = match["host"]
    if host.startswith("["):
        return _ip(host[1:-1], allowed), int(port) if port else None
    if re.fullmatch(r"[0-9.]+", host):
        return _ip(host, allowed), int(port) if port else None
    if re.fullmatch(_HOST, host) is None or len(host) > 253:
        mend = f"write {host.lower()}" if re.fullmatch(_HOST, host.lower()) else ""
        raise RefusedError("has a host that is no name", allowed, mend)
    return host, int(port) if port else None


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and int(text) <= 65535


def _ip(text: str, allowed: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise RefusedError("has no IP address before the port", allowed) from None
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address.ipv4_mapped):
        raise RefusedError("has an address with a zone or one of IPv4 inside IPv6", allowed)
    return str(address)


@dataclass(frozen=True, eq=False)
class Listen(Marker[Address]):
    """An address to listen on."""

    word: str = "IP address and port"

    def read(self, raw: object, reading: Reading) -> Address:
        """The address, in its canonical spelling."""
        if isinstance(raw, int) and not isinstance(raw, bool):
            return parse_listen(str(raw))
        return parse_listen(text_of(raw, ADDRESSES))

    def show(self, value: Address) -> str:
        """As YAML."""
        return f"{bracketed(value.host)}:{value.port}"


@dataclass(frozen=True, eq=False)
class ServerUrl(Marker[Server]):
    """The URL of a service's server."""

    word: str = "URL `http://`, `https://` or `h2c://`"

    def read(self, raw: object, reading: Reading) -> Server:
        """The server."""
        return parse_server(text_of(raw, "a URL such as http://127.0.0.1:9101"))


@dataclass(frozen=True, eq=False)
class Origin(Marker[str]):
    """Scheme, host and port."""

    word: str = "URL without a path"

    def read(self, raw: object, reading: Reading) -> str:
        """The text, checked."""
        return parse_origin(text_of(raw, "a URL such as https://gate.example.com"))


@dataclass(frozen=True, eq=False)
class Resource(Marker[str]):
    """The name of a service as a resource."""

    word: str = "URI"

    def read(self, raw: object, reading: Reading) -> str:
        """The text, checked."""
        return parse_resource(text_of(raw, "a URI such as https://orders.example.com"))


@dataclass(frozen=True, eq=False)
class RedirectUri(Marker[str]):
    """Where an authorization code may be sent."""

    word: str = "URI"

    def read(self, raw: object, reading: Reading) -> str:
        """The text, checked."""
        return parse_redirect(text_of(raw, "a URI"))


@dataclass(frozen=True, eq=False)
class BackChannelUri(Marker[str]):
    """Where a client is told of a logout."""

    word: str = "URL"

    def read(self, raw: object, reading: Reading) -> str:
        """The text, checked."""
        return parse_back_channel(text_of(raw, "a URL"))


@dataclass(frozen=True, eq=False)
class HttpsUrl(Marker[str]):
    """Where something is fetched from."""

    word: str = "URL `https://`"

    def read(self, raw: object, reading: Reading) -> str:
        """The text, checked."""
        return parse_https(text_of(raw, "a URL"))


@dataclass(frozen=True, eq=False)
class Host(Marker[str]):
    """The host of a route."""

    word: str = "host name in lower case"

    def read(self, raw: object, reading: Reading) -> str:
        """The text, checked."""
        return parse_host(text_of(raw, "a host name such as api.example.com"))
