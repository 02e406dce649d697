"""Fetches what a client publishes, without becoming the client's messenger (OWASP: server-side request forgery).

One GET over https, verified by name; no redirects, no proxy from the environment, no cookies; an answer of 64 KiB in
three seconds. A name is looked up once, every address of it is looked at, and the connection goes to one of these: no
second look-up can lead elsewhere. Addresses that are not everybody's (loopback, private networks, link-local with the
metadata services of clouds, IPv6 that leads to IPv4) are refused, unless the operator says that this one may be there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx2

_Found = tuple[Any, Any, int, str, tuple[Any, ...]]
_MOST_LOOKUPS: Final = 32
"""Names of the configuration whose servers may all be silent at once."""
TIMEOUT_SECONDS: Final = 3.0
MAX_BYTES: Final = 64 * 1024

# Words for IPv4 in IPv6, whoever's machine takes them there; and the site-local addresses of before (RFC 3879).
_NOT_EVERYBODYS: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16", "fec0::/10")
)


class KeySetHttp:
    """Keeps `fetched_keys.Fetch`. Lives on one event loop."""

    def __init__(self) -> None:
        """Connects when first used. Whom it trusts: as every TLS program here, `SSL_CERT_FILE` or the machine's."""
        self._names = _Names()
        self._client = httpx2.AsyncClient(
            headers={
                "Accept": "application/jwk-set+json, application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "sumun",
            },
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx2.Limits(max_keepalive_connections=0),
            timeout=httpx2.Timeout(TIMEOUT_SECONDS),
        )

    async def fetch(self, uri: str, private: bool) -> bytes:  # noqa: FBT001 - the contract's
        """What is there. Raises OSError, whose text is for the log."""
        url = httpx2.URL(uri)
        if url.scheme != "https" or not url.host:
            raise ConnectionError("not an address of https")
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                addresses = await self._addresses_of(url.host, url.port or 443, private=private)
                for address in addresses[:-1]:
                    try:
                        return await self._read(url, address)
                    except httpx2.ConnectError:
                        continue  # a machine without IPv6, for one
                return await self._read(url, addresses[-1])
        except TimeoutError:
            raise ConnectionError("no answer in time") from None
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise ConnectionError(f"the connection failed ({type(error).__name__})") from None

    async def _read(self, url: httpx2.URL, address: str) -> bytes:
        host = {"Host": url.netloc.decode("ascii")}
        named = {"sni_hostname": url.host}  # the name that the certificate is held against
        there = url.copy_with(host=address)
        body = b""
        async with self._client.stream("GET", there, headers=host, extensions=named) as response:
            if response.status_code != 200:
                raise ConnectionError(f"it answered {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ConnectionError(f"it answered more than {MAX_BYTES} bytes")
        return body

    async def _addresses_of(self, host: str, port: int, *, private: bool) -> list[str]:
        """The addresses of this name, at least one, all of which may be asked. Raises OSError."""
        try:
            found = await self._names.look_up(host, port)
        except socket.gaierror:
            raise ConnectionError("its name has no address") from None
        addresses = list(dict.fromkeys(str(where[4][0]) for where in found))
        if not private and not all(map(is_everybodys, addresses)):
            raise ConnectionError(
                "its address is not one of the public internet; `jwks_uri_internal: true` allows that"
            )
        return addresses

    async def close(self) -> None:
        """Close the connections."""
        self._names.close()
        await self._client.aclose()


def is_everybodys(address: str) -> bool:
    """Whether this is an address of the public internet, and no way around to another."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # one with a zone is of a link
        return False
    if isinstance(found, ipaddress.IPv6Address) and any(found in network for network in _NOT_EVERYBODYS):
        return False
    return found.is_global and not found.is_multicast


class _Names:
    """Looks names up, in threads of its own: whoever runs the name server of a client decides how long that takes, and
    nothing can end it. So a name that is looked up already is not looked up beside, and nobody else's look-up waits for
    a thread behind it (the event loop has few).
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST_LOOKUPS, "names")
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[_Found]]] = {}

    async def look_up(self, host: str, port: int) -> Sequence[_Found]:
        """What `socket.getaddrinfo` says of TCP. Raises OSError."""
        name = (host, port)
        found = self._under_way.get(name)
        if found is None:
            how = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
            found = asyncio.get_running_loop().run_in_executor(self._threads, how)
            self._under_way[name] = found
            found.add_done_callback(partial(self._done, name))
        return await asyncio.shield(found)

    def close(self) -> None:
        """Begin no other."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, name: tuple[str, int], found: asyncio.Future[Sequence[_Found]]) -> None:
        del self._under_way[name]
        if not found.cancelled():
            found.exception()  # perhaps nobody waits for it any more
