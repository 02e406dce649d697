"""Routes as a tree: for any routes and any call the same as the slow rule."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sumun.config.calls import Call, serve
from sumun.config.plan import METHODS, Route
from sumun.config.route_index import RouteIndex
from tests.unit.haproxy.test_routes import HOSTS, paths, route_sets

CALLS = st.builds(
    Call, st.sampled_from(METHODS), paths, st.sampled_from([*HOSTS, "elsewhere.test"]), st.booleans()
)


@settings(max_examples=300)
@given(route_sets(), st.lists(CALLS, min_size=1, max_size=20))
def test_the_tree_serves_the_same(routes: list[Route], calls: list[Call]) -> None:
    """The route, or why there is none, with its methods and the internal route that is hidden."""
    index = RouteIndex(routes)
    assert [index.serve(call) for call in calls] == [serve(routes, call) for call in calls]
