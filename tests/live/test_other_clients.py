"""OAuth clients that we did not write, unmodified, run whole flows against the running gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.node_under_test import (
    BATCH_SECRET,
    NodeUnderTest,
    node_folder,
    shop_services,
    write_config,
)
from tests.live.other_clients import (
    Flow,
    authlib_client_credentials,
    insecure,
    javascript,
    nobody,
    requests_oauthlib_client_credentials,
    requests_oauthlib_password,
)

CLIENTS = """\
  - {id: warehouse, kind: resource_server, secret: "file:batch.secret"}
"""


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file, with alice (admin) and bob (user)."""
    with node_folder() as folder, pytest.MonkeyPatch.context() as patch:
        insecure(patch)
        node = NodeUnderTest(data=folder / "data")
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports, CLIENTS)
            with node.running():
                node.add_person("alice", "admin")
                node.add_person("bob", "user")
                yield node


def setup(node: NodeUnderTest, **more: Any) -> dict[str, Any]:
    """What a client is told."""
    return {"issuer": node.issuer, "resource": f"{node.issuer}/orders", **more}


@pytest.mark.parametrize(
    "flow",
    [
        pytest.param(javascript("openid_client", "client_credentials"), id="openid-client"),
        pytest.param(javascript("oauth4webapi", "client_credentials"), id="oauth4webapi"),
        pytest.param(javascript("simple_oauth2", "client_credentials"), id="simple-oauth2"),
        pytest.param(javascript("badgateway", "client_credentials"), id="oauth2-client"),
        pytest.param(authlib_client_credentials, id="authlib"),
        pytest.param(requests_oauthlib_client_credentials, id="requests-oauthlib"),
    ],
)
def test_a_program(node: NodeUnderTest, flow: Flow) -> None:
    """A program gets a token, is let in, and is refused from the moment it gave the token back."""
    asker = {"client": "warehouse", "secret": BATCH_SECRET}
    verdict = flow(setup(node, client="batch", secret=BATCH_SECRET, scope="order:read", asker=asker), nobody)
    assert (verdict["allowed"], verdict["refused"]) == (200, 401)
    assert verdict.get("scope", "order:read") == "order:read"
    if "before" in verdict:  # it can introspect
        assert (verdict["before"]["active"], verdict["after"]["active"]) == (True, False)
        assert verdict["before"].get("sub", "batch") == "batch"


@pytest.mark.parametrize(
    "flow",
    [
        pytest.param(javascript("simple_oauth2", "password"), id="simple-oauth2"),
        pytest.param(javascript("badgateway", "password"), id="oauth2-client"),
        pytest.param(requests_oauthlib_password, id="requests-oauthlib"),
    ],
)
def test_a_person_in_an_application_of_our_own(node: NodeUnderTest, flow: Flow) -> None:
    """A first-party application that sees the password logs a person in."""
    person = {"username": "bob", "password": "bob-demo-pass"}
    assert (
        flow(setup(node, client="shop-app", secret="", scope="order:read", person=person), nobody)["allowed"]
        == 200
    )


def test_the_resource_says_who_protects_it(node: NodeUnderTest) -> None:
    """oauth4webapi finds the authorization server from the protected resource (RFC 9728)."""
    found = javascript("oauth4webapi", "resource")(setup(node), nobody)
    assert found["authorization_servers"] == [node.issuer]
