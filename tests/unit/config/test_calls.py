"""One call under a plan: the statuses are those of the gate, the paths those that it lets pass."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sumun.access import Access, Reason, Refuse
from sumun.answers.translate import write_refusal
from sumun.config.calls import STATUS_OF, Call, NotServed, check_path, parse_call, serve
from sumun.config.plan import OWN_PATHS
from sumun.config.refused import RefusedError
from sumun.haproxy.gate import GOOD_PATH
from tests.unit.haproxy.plans import route

THE_GATE = re.compile(GOOD_PATH.replace(r"\z", r"\Z"))


def test_the_statuses_are_those_of_the_answers() -> None:
    """Every reason has the status that the answer to HAProxy gives it."""
    assert dict(STATUS_OF) == {reason: write_refusal(Refuse(reason))["status"] for reason in Reason}


@given(st.text(st.sampled_from("/.%2fFaé;*?#\\'\" 0cC"), max_size=12).map("/".__add__))
@example("/%a0")
@example("/%C3%A9")
@example("/oauth/token")
def test_a_path_is_taken_as_the_gate_takes_it(path: str) -> None:
    """A path is refused here exactly when the gate refuses it, or sumun answers it itself."""
    try:
        check_path(path)
    except RefusedError:
        assert THE_GATE.match(path) is None or path.startswith(OWN_PATHS)
    else:
        assert THE_GATE.match(path) is not None


@pytest.mark.parametrize(
    "text", ["/products", "get /products", "BREW /pot", "GET", "GET products", "GET /oauth/x"]
)
def test_what_is_no_call_is_refused(text: str) -> None:
    """A call is a method that routes can name and a path of theirs."""
    with pytest.raises(RefusedError):
        parse_call(text)


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("GET products/1", "write /products/1"),
        ("GET https://shop.example.com/products/1", "write /products/1"),
        ("GET pro ducts", ""),
    ],
)
def test_what_is_nearly_a_path_is_mended(text: str, mend: str) -> None:
    """A path without its slash, or a whole address, is told what to write."""
    with pytest.raises(RefusedError) as error:
        parse_call(text)
    assert error.value.mend == mend


def test_which_route_or_why_none() -> None:
    """A route, 404, 405 with its methods, and 404 for an internal route that is asked for from elsewhere."""
    inside = route("inside", "/inside", "shop", access=Access.INTERNAL)
    items = route("items", "/items/{id}", "shop", "GET")
    routes = (inside, items)
    assert serve(routes, Call("GET", "/items/1")) is items
    assert serve(routes, Call("PUT", "/items/1")) == NotServed(405, ("GET",))
    assert serve(routes, Call("GET", "/items")) == NotServed(404)
    assert serve(routes, Call("GET", "/inside")) == NotServed(404, (), inside)
    assert serve(routes, Call("GET", "/inside", internal=True)) is inside
