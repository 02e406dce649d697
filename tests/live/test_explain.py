"""`sumun explain` against a running demo: what it says is what the gateway did."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from sumun.cli.main import sumun
from sumun.directory.errors import UnknownUserError
from sumun.node.calls.logged_line import NotLoggedError
from tests.live.demo_node import Answer, DemoNode, call


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoNode]:
    """One running demo for all tests of this file."""
    node = DemoNode(Path("/tmp") / f"smn-explain-{time.time_ns()}")
    node.start()
    yield node
    assert node.stop() == 0
    subprocess.run(["rm", "-rf", str(node.data)], check=True)


def typed(demo: DemoNode, *arguments: str, stdin: str = "") -> Result:
    """One command, in this process (a process for each would take a second of imports), on the demo's data."""
    environment = {"SUMUN_DATA": str(demo.data)}
    return CliRunner().invoke(sumun, arguments, input=stdin, env=environment, standalone_mode=False)


def done(demo: DemoNode, *arguments: str, stdin: str = "") -> str:
    """What a command that must succeed prints."""
    result = typed(demo, *arguments, stdin=stdin)
    assert result.exception is None, result.exception
    return result.stdout


def explained(demo: DemoNode, *arguments: str, stdin: str = "") -> Any:
    """What `sumun explain --json` says."""
    return json.loads(done(demo, "explain", "--json", *arguments, stdin=stdin))


def of_request(demo: DemoNode, answer: Answer) -> Any:
    """What it says of a request that was answered; its line is written when the answer was sent."""
    request_id = answer.headers["x-request-id"]
    for _ in range(20):
        result = typed(demo, "explain", "--json", request_id)
        if result.exception is None:
            return json.loads(result.stdout)
        time.sleep(0.05)
    raise AssertionError(result.exception)


def test_the_change_that_it_names_lets_the_call_through(demo: DemoNode) -> None:
    """Before the command that it names the call is refused, after it the same token is let through."""
    token = demo.log_in("bob")
    assert demo.call("DELETE", "/products/1", token).status == 403
    said = explained(demo, "--method", "DELETE", "--path", "/products/1", "--token", "-", stdin=f"{token}\n")
    assert (said["allowed"], said["status"], said["missing"]) == (False, 403, ["product:delete"])
    assert said["roles_that_would_do"] == ["admin"]
    (command,) = said["commands"]
    assert command == "sumun user grant bob --permission product:delete"
    done(demo, *shlex.split(command)[1:])
    assert demo.call("DELETE", "/products/1", token).status == 200
    assert explained(demo, "--method", "DELETE", "--path", "/products/1", "--user", "bob")["allowed"]
    done(demo, "user", "revoke", "bob", "--permission", "product:delete")
    assert not explained(demo, "--method", "DELETE", "--path", "/products/1", "--user", "bob")["allowed"]


def test_a_token_of_either_kind(demo: DemoNode) -> None:
    """A live token, a JWT on a route for JWTs, a revoked one and junk are told apart as the gateway does."""
    alice = demo.log_in("alice")
    claims = demo.log_in("alice", requested_token_type="urn:ietf:params:oauth:token-type:jwt")
    for token, status, reason, because in (
        (claims, None, None, None),
        (alice, 401, "wrong_token_kind", None),
        (alice[:-1] + "é", 401, "invalid_token", "malformed"),
        (claims[:-4] + "AAAA", 401, "invalid_token", "bad_signature"),
    ):
        said = explained(demo, "--path", "/reports", "--token", "-", stdin=token)
        assert (said["status"], said["reason"], said["because"]) == (status, reason, because)
    done(demo, "token", "revoke", "-", stdin=alice)
    assert explained(demo, "--path", "/orders", "--token", "-", stdin=alice)["because"] == "unknown"
    done(demo, "token", "revoke", "-", stdin=claims)
    assert explained(demo, "--path", "/reports", "--token", "-", stdin=claims)["because"] == "revoked"


def test_what_became_of_a_request(demo: DemoNode) -> None:
    """A refusal of HAProxy, one of the decision and a call that was let through are found by their ids and told."""
    bob = demo.log_in("bob")
    for answer, by, words, now in (
        (demo.call("GET", "/products/..%2f"), "haproxy", "not canonical", None),
        (demo.call("GET", "/nothing"), "haproxy", "no route", None),
        (demo.call("PUT", "/products"), "haproxy", "not for this method", None),
        (demo.call("GET", "/products"), "decision", "no credential", 401),
        (demo.call("GET", "/products", "smn_at_junk"), "decision", "(malformed)", 401),
        (demo.call("DELETE", "/products/1", bob), "decision", "missing was product:delete", 403),
        (demo.call("GET", "/reports", bob), "decision", "wrong_token_kind", 401),
        (demo.call("GET", "/products", bob), "service", "the service answered 200", None),
    ):
        said = of_request(demo, answer)
        assert said["answered_by"] == by, said
        assert words in said["happened"][0]
        assert said["logged"]["st"] == answer.status
        if now is not None:
            assert said["now"]["status"] == now
    assert said["now"]["allowed"]


def test_a_narrow_token_is_explained_as_it_was(demo: DemoNode) -> None:
    """A call that was refused for its token's scopes is still refused for them, whatever its person may."""
    narrow = demo.log_in("alice", scope="product:read")
    said = of_request(demo, demo.call("DELETE", "/products/1", narrow))
    assert said["now"]["status"] == 403
    assert said["now"]["caller"]["scopes"] == ["product:read"]
    assert said["now"]["change"]["scopes"] == ["product:delete"]


def test_things_may_have_changed_since(demo: DemoNode) -> None:
    """A call that was refused then and would be allowed now is told as both."""
    dave = demo.log_in("dave")
    refused = demo.call("POST", "/orders", dave)
    assert refused.status == 403
    done(demo, "user", "grant", "dave", "--permission", "order:create")
    said = of_request(demo, refused)
    assert "order:create" in said["happened"][0]
    assert said["now"]["allowed"]
    told = done(demo, "explain", refused.headers["x-request-id"])
    assert "may have changed since" in told
    done(demo, "user", "revoke", "dave", "--permission", "order:create")


def test_the_internal_listener(demo: DemoNode) -> None:
    """A route for internal callers does not exist elsewhere, and the explanation says where it does."""
    inside = explained(demo, "--path", "/internal/stats", "--no-credential", "--internal")
    assert inside["allowed"]
    assert call(demo.port + 1, "GET", "/internal/stats").status == 200
    outside = explained(demo, "--path", "/internal/stats", "--no-credential")
    assert (outside["status"], outside["internal_route"]) == (404, inside["route"]["id"])


def test_what_cannot_be_explained(demo: DemoNode) -> None:
    """A token in the command line, an unknown person and an id that was never given end with a sentence."""
    with_token = typed(demo, "explain", "--path", "/", "--token", "smn_at_secret").exception
    assert isinstance(with_token, click.UsageError)
    assert "smn_at_secret" not in with_token.message
    assert isinstance(typed(demo, "explain", "--path", "/", "--user", "nobody").exception, UnknownUserError)
    for unknown, said in (("smn_at_secret", "no request id"), (str(uuid.uuid4()), "access.log")):
        error = typed(demo, "explain", unknown).exception
        assert isinstance(error, NotLoggedError)
        assert said in str(error)
        assert "smn_at_secret" not in str(error)


def test_a_failing_policy_test_refuses_a_reload(demo: DemoNode) -> None:
    """A reload with a test that fails changes nothing and says where; with one that holds it goes through."""
    tests, plan = demo.data / "demo" / "shop.test.yaml", (demo.data / "current").resolve()
    test = "tests:\n  - {{name: users delete, as: {{roles: [user]}}, call: DELETE /products/1, expect: {}}}\n"
    tests.write_text(test.format("allow"))
    refused = demo.sumun("reload")
    assert refused.returncode == 2
    assert 'shop.test.yaml:2:81: "users delete" expects allow' in refused.stderr
    assert (demo.data / "current").resolve() == plan
    assert typed(demo, "check", str(demo.data / "demo" / "sumun.yaml")).exception is not None
    tests.write_text(test.format("403"))
    reloaded = demo.sumun("reload")
    tests.unlink()
    assert reloaded.returncode == 0, reloaded.stderr
    assert "1 policy test of 1 file beside and this one holds" in reloaded.stdout


def test_as_people_type_it(demo: DemoNode) -> None:
    """The command by itself, in a process of its own, says it in words and ends with 0."""
    typed_in = demo.sumun("explain", "--method", "DELETE", "--path", "/products/1", "--user", "bob")
    assert typed_in.returncode == 0
    assert typed_in.stdout.startswith("DELETE /products/1 by the person bob: refused, 403 insufficient_scope")
    assert "sumun user grant bob --permission product:delete" in typed_in.stdout
