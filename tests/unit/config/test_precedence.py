"""Which route serves a request."""

from __future__ import annotations

import pytest

from sumun.access import ALWAYS, TOKENS, Access
from sumun.config.plan import METHODS, Route
from sumun.config.precedence import allowed_methods, find, is_own


def route(path: str, *methods: str, host: str = "", access: Access = Access.PROTECTED) -> Route:
    """A route that is named by what it matches."""
    name = f"{host} {' '.join(methods)} {path}".strip()
    return Route(name, host, path, methods, "s", access, ALWAYS, TOKENS)


ROUTES = (
    route("/products", "GET"),
    route("/products/new", "GET"),
    route("/products/{id}", "DELETE", "GET"),
    route("/products/**", "GET"),
    route("/products/{id}", "PUT", host="b.example.com"),
    route("/stats", access=Access.INTERNAL),
    route("/**"),
)


@pytest.mark.parametrize(
    ("host", "method", "path", "name"),
    [
        ("a", "GET", "/products", "GET /products"),
        ("a", "GET", "/products/new", "GET /products/new"),
        ("a", "DELETE", "/products/new", "DELETE GET /products/{id}"),
        ("a", "GET", "/products/1", "DELETE GET /products/{id}"),
        ("a", "GET", "/products/1/x", "GET /products/**"),
        ("a", "PUT", "/products/1", "/**"),
        ("b.example.com", "PUT", "/products/1", "b.example.com PUT /products/{id}"),
        ("b.example.com", "GET", "/products/1", "DELETE GET /products/{id}"),
        ("a", "POST", "/", "/**"),
    ],
)
def test_find(host: str, method: str, path: str, name: str) -> None:
    """Host before any host, then the most literal path; a route without the method is passed over."""
    found = find(ROUTES, host, method, path)
    assert found is not None
    assert found.id == name


@pytest.mark.parametrize("path", ["/oauth", "/oauth/token", "/healthz", "/.well-known/jwks.json"])
def test_our_own_paths_are_never_a_routes(path: str) -> None:
    """A prefix that reaches our own paths does not get them."""
    assert is_own(path)
    assert find(ROUTES, "a", "GET", path) is None
    assert allowed_methods(ROUTES, "a", path) == ()
    assert not is_own(f"{path.split('/')[1]}x")


def test_an_internal_route_keeps_its_place() -> None:
    """From outside it is not found, and nothing less literal takes the request over."""
    assert find(ROUTES, "a", "GET", "/stats") is None
    inside = find(ROUTES, "a", "GET", "/stats", internal=True)
    assert inside is not None
    assert inside.path == "/stats"


def test_allowed_methods() -> None:
    """The Allow of a 405 is every method that finds a route; nothing at all is a 404."""
    few = ROUTES[:4]
    assert allowed_methods(few, "a", "/products/new") == ("DELETE", "GET")
    assert allowed_methods(ROUTES, "a", "/x") == METHODS
    assert allowed_methods(few, "a", "/x") == ()
    assert find(few, "a", "POST", "/products/new") is None
