"""docs/oauth.md: endpoints, members and errors are those of the code."""

from __future__ import annotations

from sumun.access import Proven, TokenKind
from sumun.config.origins import RESOURCE_METADATA_PATH
from sumun.identity import ANYTHING, Principal, Subject
from sumun.oauth.endpoints.introspect import IntrospectEndpoint
from sumun.oauth.endpoints.metadata import Published, documents, server_metadata
from sumun.oauth.errors import STATUS
from sumun.oauth.presented import Presented
from sumun.tokens.binding import to_key
from tests.documentation.tables import DOCS, table, words

PAGE = DOCS / "oauth.md"
OURS = {("temporarily_unavailable", 503), ("server_error", 500)}  # not the request's fault: oauth.app


def test_the_endpoints() -> None:
    """The paths of the page are those that the metadata publishes, and the metadata's own."""
    issuer = "http://127.0.0.1:8080"
    what = Published(issuer, issuer, [], "ES256", registration=True)
    published = [
        value for name, value in server_metadata(what).items() if name.endswith(("_endpoint", "_uri"))
    ]
    told = [words(row[0])[0] for row in table(PAGE, "Getting tokens")]
    assert set(told) == {str(url).removeprefix(issuer) for url in published} | {
        *documents(what),
        RESOURCE_METADATA_PATH,
    }


def test_the_errors() -> None:
    """Every error with its status, and no other."""
    told = {(words(row[0])[0], int(row[1])) for row in table(PAGE, "Errors")}
    assert told == {(error.code, status) for error, status in STATUS.items()} | OURS


def test_the_members_of_an_introspection() -> None:
    """A resource server finds every member that it may be given."""
    endpoint = IntrospectEndpoint(
        *(None,) * 3,  # type: ignore[arg-type]
        dict,
        lambda: 0.0,
        issuer="http://127.0.0.1:8080",
        audience="x",
    )
    alice = Principal(Subject.user("alice"), "", frozenset(), frozenset(), frozenset({ANYTHING}))
    given = endpoint._members(
        Presented("tid_1", "shop-app", 1, 2, actor="client:orders"),
        Proven(alice, TokenKind.OPAQUE, 2.0, bound_to=to_key("k" * 43)),
    )
    assert [words(row[0])[0] for row in table(PAGE, "Asking what a token is")] == list(given)
