"""Every command of `sumun` against a running gateway and a stopped one: what it changes shows on the next call."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jws

from tests.live.demo_node import DemoNode
from tests.live.node_under_test import (
    BATCH_SECRET,
    STAFF_SECRET,
    NodeUnderTest,
    node_folder,
    password_grant,
    shop_services,
    write_config,
)
from tests.live.operator_shell import Shell

JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file; the last test stops it."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            with node.running():
                yield node


@pytest.fixture(scope="module")
def sumun(node: NodeUnderTest) -> Shell:
    """The operator's shell, with alice (admin), bob (user) and carol (one permission) added by it."""
    shell = Shell(node.data)
    for name, words in {
        "alice": "--role admin",
        "bob": "--role user",
        "carol": "--permission product:create",
    }.items():
        shell.ok(f"user add {name} {words} --password-stdin", stdin=f"{name}-demo-pass\n")
    return shell


def statuses(node: DemoNode, *tokens: str) -> list[int]:
    """How GET /products is answered for each token."""
    return [node.call("GET", "/products", token).status for token in tokens]


def both_kinds(node: DemoNode, name: str) -> tuple[str, str]:
    """An opaque token and a JWT of a fresh login each."""
    return node.log_in(name), node.log_in(name, requested_token_type=JWT)


def as_program(node: DemoNode, client: str, secret: str) -> tuple[int, str]:
    """Status of a token request with client credentials, and the token."""
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    answer = node.form("/oauth/token", {"grant_type": "client_credentials"}, Authorization=f"Basic {basic}")
    return answer.status, answer.json.get("access_token", "")


def handle(sumun: Shell, token: str) -> str:
    """A token's public handle."""
    found: str = sumun.ok("token show - --json", stdin=f"{token}\n").json["token_id"]
    return found


# People


def test_a_password_that_can_be_guessed_is_noted(node: NodeUnderTest, sumun: Shell) -> None:
    """It is taken, for the operator gave it; and never shown."""
    done = sumun("user add shorty --role user --password-stdin", stdin="letmein\n")
    assert (done.code, done.out) == (0, "user shorty added.\n")
    assert "7 characters and can be guessed" in done.err
    assert "letmein" not in done.err
    sumun.ok("user disable shorty --yes")


def test_a_person_from_beginning_to_end(node: NodeUnderTest, sumun: Shell) -> None:
    """Added: may log in. Disabled or with a new password: every token of both kinds ends at once. Enabled: may log in again."""
    sumun.ok(
        "user add dora --role user --display-name", "Dora 도라", "--password-stdin", stdin="dora-demo-pass\n"
    )
    tokens = both_kinds(node, "dora")
    assert statuses(node, *tokens) == [200, 200]
    assert node.call("GET", "/products", tokens[0]).json["you"]["user_name"] == "Dora 도라"

    sumun.ok("user disable dora --yes")
    assert statuses(node, *tokens) == [401, 401]
    assert node.form("/oauth/token", password_grant("dora")).status == 400
    sumun.ok("user enable dora")
    assert statuses(node, *tokens) == [401, 401]

    tokens = both_kinds(node, "dora")
    assert statuses(node, *tokens) == [200, 200]
    sumun.ok("user password dora --password-stdin", stdin="another-pass-2\n")
    assert statuses(node, *tokens) == [401, 401]
    assert node.form("/oauth/token", password_grant("dora")).status == 400
    assert node.form("/oauth/token", password_grant("dora") | {"password": "another-pass-2"}).status == 200


def test_rights_show_on_the_next_call(node: NodeUnderTest, sumun: Shell) -> None:
    """A role or permission given counts for the opaque token held now; taken away it is gone from both kinds."""
    opaque, claims = both_kinds(node, "bob")
    create = '{"name":"fig"}'
    assert node.call("POST", "/products", opaque, body=create).status == 403
    sumun.ok("user grant bob --permission product:create")
    assert node.call("POST", "/products", opaque, body=create).status == 201
    sumun.ok("user revoke bob --permission product:create")
    assert node.call("POST", "/products", opaque, body=create).status == 403
    assert node.call("GET", "/products", claims).status == 401, "a JWT cannot be lowered, so it ends"
    assert "nothing to change" in sumun.ok("user revoke bob --permission product:create").out


def test_what_is_told_of_people(node: NodeUnderTest, sumun: Shell) -> None:
    """Lists and single views, for people and as JSON with arrays."""
    listed = {one["name"]: one for one in sumun.ok("user list --json").json}
    assert listed["alice"]["roles"] == ["admin"]
    assert listed["carol"]["permissions"] == ["product:create"]
    assert "NAME" in sumun.ok("user list").out
    shown = sumun.ok("user show bob --json").json
    assert (shown["state"], shown["effective"]) == ("active", ["order:read", "product:read"])
    roles = {one["role"]: one for one in sumun.ok("role list --json").json}
    assert roles["admin"]["people"] == ["alice"]
    assert roles["user"]["permissions"] == ["order:read", "product:read"]
    assert "bob" in sumun.ok("role list").out


# Clients


def test_a_client_from_beginning_to_end(node: NodeUnderTest, sumun: Shell) -> None:
    """Registered at run time it works at once; its old secret and, when disabled, its tokens are refused at once."""
    said = sumun.ok("client add cron --grant client_credentials --permission product:read").out
    secret = said.split("shown this once): ")[1].split()[0]
    status, token = as_program(node, "cron", secret)
    assert (status, statuses(node, token)) == (200, [200])
    assert node.call("POST", "/products", token, body="{}").status == 403

    renewed = sumun.ok("client rotate-secret cron --yes").out.split("shown this once): ")[1].split()[0]
    assert as_program(node, "cron", secret)[0] == 401
    status, token = as_program(node, "cron", renewed)
    assert (status, statuses(node, token)) == (200, [200])

    sumun.ok("client disable cron --yes")
    assert statuses(node, token) == [401]
    assert as_program(node, "cron", renewed)[0] == 401
    sumun.ok("client enable cron")
    assert as_program(node, "cron", renewed)[0] == 200

    listed = {one["id"]: one for one in sumun.ok("client list --json").json}
    assert (listed["cron"]["from"], listed["batch"]["from"]) == ("registered", "configuration")
    shown = sumun.ok("client show cron --json").json
    assert (shown["scopes"], shown["permissions"], shown["state"]) == (["*:*"], ["product:read"], "active")
    for said in (secret, renewed):
        assert said not in json.dumps(shown)


# Tokens


def test_a_token_is_edited_in_place(node: NodeUnderTest, sumun: Shell) -> None:
    """Raised and lowered, the same token carries it on the next call; by handle or by itself on standard input."""
    token = sumun.ok(
        "token issue --user bob --client shop-app --lifetime 5m --note", "for the test"
    ).out.strip()
    create = '{"name":"fig"}'
    assert [
        node.call("GET", "/products", token).status,
        node.call("POST", "/products", token, body=create).status,
    ] == [200, 403]
    sumun.ok(f"token edit {handle(sumun, token)} --role admin")
    assert node.call("POST", "/products", token, body=create).status == 201
    sumun.ok("token edit - --permission product:read", stdin=f"{token}\n")
    assert [
        node.call("GET", "/products", token).status,
        node.call("POST", "/products", token, body=create).status,
    ] == [200, 403]
    sumun.ok(f"token edit {handle(sumun, token)} --no-rights")
    assert statuses(node, token) == [403]
    shown = sumun.ok("token show - --json", stdin=token).json
    assert (shown["subject"], shown["rights"], shown["note"]) == (
        "user:bob",
        "its own, below",
        "for the test",
    )
    assert shown["roles"] == shown["permissions"] == []


def test_tokens_are_revoked_by_handle_and_by_themselves(node: NodeUnderTest, sumun: Shell) -> None:
    """Both kinds, both ways: refused on the next call; again is fine; what is no token is said to be none."""
    opaque, claims = both_kinds(node, "alice")
    again = both_kinds(node, "alice")
    assert statuses(node, opaque, claims, *again) == [200] * 4
    sumun.ok(f"token revoke {handle(sumun, opaque)}")
    token_id = node.call("GET", "/products", claims).json["you"]["token_id"]
    sumun.ok(f"token revoke {token_id}")
    for token in again:
        sumun.ok("token revoke -", stdin=f"{token}\n")
    assert statuses(node, opaque, claims, *again) == [401] * 4
    assert "No such opaque token is live" in sumun.ok("token revoke -", stdin=opaque).out


def test_a_token_by_hand(node: NodeUnderTest, sumun: Shell) -> None:
    """For a person or a client, of either kind, cut down by scope; what goes beyond is refused."""
    claims = sumun.ok("token issue --user alice --client shop-app --kind jwt").out.strip()
    narrow = sumun.ok("token issue --user alice --client shop-app --scope product:read").out.strip()
    own = sumun.ok("token issue --client batch --own-rights --permission order:read").out.strip()
    assert statuses(node, claims, narrow, own) == [200, 200, 403]
    assert node.call("POST", "/products", narrow, body="{}").status == 403
    assert node.call("GET", "/orders", own).status == 200


# Keys


def test_keys_are_rotated(node: NodeUnderTest, sumun: Shell) -> None:
    """A JWT of before still works, a new one carries the new kid, and both keys are published."""
    before = node.log_in("alice", requested_token_type=JWT)
    (old,) = [key["kid"] for key in sumun.ok("keys list --json").json if key["state"] == "active"]
    sumun.ok("keys rotate")
    after = node.log_in("alice", requested_token_type=JWT)
    (new,) = [key["kid"] for key in sumun.ok("keys list --json").json if key["state"] == "active"]
    assert [jws.extract_compact(one.encode()).headers()["kid"] for one in (before, after)] == [old, new]
    assert old != new
    assert statuses(node, before, after) == [200, 200]
    published = {key["kid"] for key in node.call("GET", "/.well-known/jwks.json").json["keys"]}
    assert {old, new} <= published


# Files


def test_check_and_show(node: NodeUnderTest, sumun: Shell) -> None:
    """The configuration is checked, and shown as the files that it becomes, without any secret."""
    assert "good. 15 routes" in sumun.ok(f"check {node.config}").out
    shown = sumun.ok(f"show {node.config} --only haproxy.cfg --why").out
    assert "frontend public" in shown
    assert BATCH_SECRET not in shown
    assert sumun(f"show {node.config} --only nothing").code == 2


def test_a_secret_that_is_elsewhere(node: NodeUnderTest, sumun: Shell) -> None:
    """The check says where one is missing and how to mend it, and is good: it runs in CI, too. A reload changes nothing."""
    secret = node.config.with_name("batch.secret")
    secret.rename(secret.with_suffix(".away"))
    try:
        place = f"{node.config}:{next(n for n, line in enumerate(node.config.read_text().splitlines(), 1) if 'batch.secret' in line)}:"
        checked = sumun.ok(f"check {node.config}").out
        (note,) = [line for line in checked.splitlines() if "batch.secret" in line]
        assert note.startswith(place)
        assert "note: `sumun run` and `sumun reload` would refuse this here" in note
        assert note.endswith("No such file or directory; its first line is the secret")
        refused = sumun("reload")
        assert refused.code == 2
        assert place in refused.err
        assert "note" not in refused.err
    finally:
        secret.with_suffix(".away").rename(secret)
    assert as_program(node, "batch", BATCH_SECRET)[0] == 200
    assert str(secret) not in sumun.ok(f"check {node.config}").out


# Wrong input: one sentence, the right exit code, nothing changed


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("user", 2, "Usage"),
        ("user rm", 2, "No such command"),
        ("user add Bob --password-stdin", 2, "cannot be an account name"),
        ("user add alice --password-stdin", 1, "there is an account 'alice' already"),
        ("user add shop-app --password-stdin", 1, "never share a name"),
        ("user add eve --role admn --password-stdin", 2, "Did you mean 'admin'?"),
        ("user add eve --permission product --password-stdin", 2, "write resource:action"),
        ("user add eve", 2, "--password-stdin"),
        ("user show nobody", 1, "there is no account 'nobody'"),
        ("user disable nobody --yes", 1, "there is no account 'nobody'"),
        ("user disable bob", 2, "say --yes"),
        ("user enable nobody", 1, "there is no account 'nobody'"),
        ("user password nobody --password-stdin", 1, "there is no account 'nobody'"),
        ("user grant bob", 2, "at least one --role or --permission"),
        ("user grant bob --role admn", 2, "Did you mean 'admin'?"),
        ("user revoke nobody --role user", 1, "there is no account 'nobody'"),
        ("client add batch --grant client_credentials", 1, "in the configuration file"),
        ("client add alice --grant client_credentials", 1, "never share a name"),
        ("client add x", 2, "without a grant can do nothing"),
        ("client add x --grant client_credential", 2, "There is no grant 'client_credential'"),
        ("client add x --grant password", 2, "in the configuration file"),
        ("client add x --grant refresh_token", 2, "renews what authorization_code gave"),
        ("client add x --kind public --grant client_credentials", 2, "RFC 6749 4.4"),
        ("client add x --kind resource_server --grant client_credentials", 2, "gets no tokens"),
        ("client add x --grant client_credentials --scope everything", 2, "write resource:action"),
        ("client add x --kind public --grant authorization_code", 2, "needs --redirect-uri"),
        (
            "client add x --grant client_credentials --redirect-uri https://x.example/",
            2,
            "no other grant does",
        ),
        ("client add x --grant authorization_code --redirect-uri http://x.example/", 1, "in clear"),
        (
            "client add x --grant authorization_code --redirect-uri javascript:alert(1)",
            1,
            "is not a redirect URI",
        ),
        ("client show nobody", 1, "there is no client 'nobody'"),
        ("client disable batch --yes", 2, "change it there"),
        ("client disable nobody --yes", 1, "no registered client 'nobody'"),
        ("client enable nobody", 1, "no registered client 'nobody'"),
        ("client rotate-secret batch --yes", 2, "change it there"),
        ("token issue", 2, "Missing option '--client'"),
        ("token issue --client nobody", 2, "there is no client 'nobody'"),
        ("token issue --client shop-app --user nobody", 2, "user:nobody does not exist"),
        ("token issue --client shop-app --user bob --lifetime 15", 2, "has no unit"),
        ("token issue --client shop-app --user bob --lifetime 2d", 2, "1s to 1d"),
        ("token issue --client shop-app --user bob --kind jwt --lifetime 1h", 2, "1s to 5m"),
        ("token issue --client shop-app --user bob --role admin", 2, "--own-rights"),
        ("token issue --client shop-app --user bob --own-rights --kind jwt", 2, "issue an opaque token"),
        ("token issue --client batch --scope product:read", 2, "its scopes: order:read"),
        (f"token issue --client shop-app --user bob --note {'x' * 201}", 2, "200 are allowed"),
        ("token show tid_0000000000000000000000", 1, "no such opaque token is live"),
        ("token show -", 1, "no such opaque token is live"),
        ("token edit tid_0000000000000000000000 --role user", 1, "no such opaque token is live"),
        ("token edit tid_0000000000000000000000", 2, "--no-rights"),
        ("token edit tid_0000000000000000000000 --role admn", 2, "admn"),
        ("token revoke tid_nonsense", 2, "is no token's handle"),
        ("token revoke -", 2, "not a live access token of ours"),
        ("keys retire nonsense --yes", 1, "nonsense"),
        ("check /nonexistent.yaml", 2, "no such file"),
        ("run --config /nonexistent.yaml", 2, "no such file"),
        ("demo --port 0", 2, "0 is not in the range"),
        ("demo --port 65534", 2, "65534 is not in the range"),
        ("user list --data /nonexistent", 3, "is not a data folder of sumun"),
        ("user list --data /etc/passwd", 3, "is not a data folder of sumun"),
    ],
)
def test_wrong_input(node: NodeUnderTest, sumun: Shell, line: str, code: int, says: str) -> None:
    """It is refused with a sentence that says what is wrong, on standard error, and the exit code of its kind."""
    done = sumun(line, stdin="a-good-password-1\n")
    assert (done.code, done.out) == (code, ""), done
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["token show", "token edit --role user", "token revoke"])
def test_a_token_on_the_command_line_is_refused(node: NodeUnderTest, sumun: Shell, command: str) -> None:
    """Others can read command lines: the token is neither used nor repeated."""
    for token in both_kinds(node, "bob"):
        done = sumun(command, token)
        assert done.code == 2
        assert token not in done.out + done.err
        assert "standard input" in done.err
        assert statuses(node, token) == [200]


# In the end


def test_no_secret_was_written_anywhere(node: NodeUnderTest, sumun: Shell) -> None:
    """Neither logs nor the audit record hold a token, a password or a client's secret, after all of this."""
    token, claims = both_kinds(node, "alice")
    secrets = [token, claims, claims.rsplit(".", 1)[1], BATCH_SECRET, STAFF_SECRET, "smn_at_"]
    secrets += [f"{name}-demo-pass" for name in ("alice", "bob", "carol", "dora")]
    secrets += ["another-pass-2", "a-good-password-1"]
    secrets += [word for word in sumun.said.split() if word.startswith(("smn_", "eyJ"))]
    with sqlite3.connect(node.data / "sumun.db") as database:
        rows = database.execute("SELECT event, actor, about, detail FROM audit").fetchall()
    database.close()
    assert {
        "user_added",
        "password_changed",
        "token_issued",
        "token_edited",
        "token_revoked",
        "key_activated",
    } <= {row[0] for row in rows}
    assert {row[1].split(":")[0] for row in rows} <= {"cli", "sumun", "client", "user"}
    access_log = (node.data / "log" / "access.log").read_text()
    assert '"who":"user:bob"' in access_log
    for text in (json.dumps(rows), node.log(), access_log):
        for secret in secrets:
            assert secret not in text


def test_with_the_gateway_stopped(node: NodeUnderTest, sumun: Shell) -> None:
    """People, clients and keys are changed all the same, and it says so; tokens need the gateway; the next start knows all."""
    waiting = "The gateway is not running; it will know when it starts."
    token, claims = both_kinds(node, "bob")
    assert node.stop() == 0
    assert waiting in sumun.ok("user add erin --role user --password-stdin", stdin="erin-demo-pass\n").out
    assert waiting in sumun.ok("user disable bob --yes").out
    said = sumun.ok("client add nightly --grant client_credentials --permission product:read").out
    assert waiting in said
    assert waiting in sumun.ok("keys rotate").out
    assert "erin" in sumun.ok("user list").out
    assert "nightly" in sumun.ok("client list").out
    (kid,) = [key["kid"] for key in sumun.ok("keys list --json").json if key["state"] == "active"]
    for line in ("token issue --client shop-app --user erin", "token show tid_0000000000000000000000"):
        refused = sumun(line)
        assert (refused.code, refused.out) == (3, "")
        assert "the gateway does not run" in refused.err

    node.start()
    assert statuses(node, token, claims) == [401, 401]
    secret = said.split("shown this once): ")[1].split()[0]
    assert as_program(node, "nightly", secret)[0] == 200
    fresh = node.log_in("erin", requested_token_type=JWT)
    assert jws.extract_compact(fresh.encode()).headers()["kid"] == kid
    assert statuses(node, fresh) == [200]
