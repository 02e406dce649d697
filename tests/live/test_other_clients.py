"""OAuth clients that we did not write, unmodified, run whole flows against the running gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.live.application_pages import Application, application
from tests.live.chromium import Browser, chromium
from tests.live.node_under_test import (
    BATCH_SECRET,
    NodeUnderTest,
    node_folder,
    shop_services,
    write_config,
)
from tests.live.other_clients import (
    PROGRAMS,
    Flow,
    authlib_client_credentials,
    authlib_code,
    insecure,
    javascript,
    nobody,
    requests_oauthlib_client_credentials,
    requests_oauthlib_code,
    requests_oauthlib_password,
)
from tests.live.person import LOGIN, Person

CLIENTS = """\
  - {id: warehouse, kind: resource_server, secret: "file:batch.secret"}
  - id: app
    name: An application
    kind: public
    grants: [authorization_code, refresh_token]
    redirect_uris: ["http://127.0.0.1/callback"]
    post_logout_redirect_uris: ["{origin}/bye"]
    scopes: ["product:*", "order:*"]
  - id: site
    name: A web site
    kind: confidential
    secret: "file:batch.secret"
    grants: [authorization_code, refresh_token]
    redirect_uris: ["http://127.0.0.1/callback"]
    scopes: ["product:*", "order:*"]
  - id: spa
    name: An application in a browser
    kind: public
    grants: [authorization_code, refresh_token]
    redirect_uris: ["{origin}/spa"]
    post_logout_redirect_uris: ["{origin}/bye"]
    scopes: ["product:*", "order:*"]
  - id: keyed
    name: A web site with a key
    kind: confidential
    jwks: "file:keyed.jwks"
    grants: [client_credentials, authorization_code, refresh_token, "urn:ietf:params:oauth:grant-type:device_code"]
    redirect_uris: ["http://127.0.0.1/callback"]
    permissions: ["order:read"]
    scopes: ["order:*"]
  - id: middle
    kind: confidential
    secret: "file:batch.secret"
    grants: ["urn:ietf:params:oauth:grant-type:token-exchange"]
    may_ask_for: [jwt]
  - id: tv
    name: A television
    kind: public
    grants: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    scopes: ["order:*"]
registration: {initial_access_token: "file:batch.secret", scopes: ["order:*"]}
"""
KEY = ECKey.generate_key("P-256", {"kid": "of keyed", "alg": "ES256"})
CODE = {
    "openid-client": javascript("openid_client", "code"),
    "oauth4webapi": javascript("oauth4webapi", "code"),
    "simple-oauth2": javascript("simple_oauth2", "code"),
    "oauth2-client": javascript("badgateway", "code"),
    "authlib": authlib_code,
    "requests-oauthlib": requests_oauthlib_code,
}


SPEAK_OPENID = {"openid-client", "oauth4webapi", "authlib"}


@pytest.fixture(scope="module")
def node(haproxy: Path, somewhere: Application) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file, with alice (admin) and bob (user)."""
    with node_folder() as folder, pytest.MonkeyPatch.context() as patch:
        insecure(patch)
        node = NodeUnderTest(data=folder / "data")
        with shop_services(node.issuer) as ports:
            extra = CLIENTS.replace("{origin}", somewhere.origin)
            node.config = write_config(folder, node.port, ports, extra)
            (folder / "keyed.jwks").write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
            with node.running():
                node.add_person("alice", "admin")
                node.add_person("bob", "user")
                yield node


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium; each window is another person's."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def bob(browser: Browser) -> Person:
    """Bob's window, in which he stays logged in. Our pages need no scripts."""
    return Person(browser.page(scripts=False), "bob")


@pytest.fixture(scope="module")
def somewhere() -> Iterator[Application]:
    """Where applications have people come back to."""
    with application() as running:
        yield running


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


@pytest.mark.parametrize("kind", ["app", "site"])
@pytest.mark.parametrize("client", CODE)
def test_a_person(node: NodeUnderTest, bob: Person, somewhere: Application, kind: str, client: str) -> None:
    """A person logs in once, allows each client what it asks for; it is let in, told who they are, and goes on by refresh."""
    told = setup(
        node,
        client=kind,
        secret=BATCH_SECRET if kind == "site" else "",
        scope="openid profile order:read" if client in SPEAK_OPENID else "order:read",
        redirect=somewhere.redirect,
    )
    verdict = CODE[client](told, bob.visit)
    assert verdict["allowed"] == 200
    assert verdict["refreshed"] is not None
    assert (verdict["refreshed"]["rotated"], verdict["refreshed"]["allowed"]) == (True, 200)
    assert set(verdict.get("scope", told["scope"]).split()) == set(told["scope"].split())
    if client in SPEAK_OPENID:
        assert verdict["claims"]["sub"] == verdict["userinfo"]["sub"] == "bob"
    if "revoked" in verdict:
        assert verdict["revoked"] == "invalid_grant"
    assert bob.page.complaints == []


@pytest.mark.parametrize("program", ["openid_client", "oauth4webapi"])
def test_a_pushed_request(node: NodeUnderTest, bob: Person, somewhere: Application, program: str) -> None:
    """The request goes ahead of the person, and only its name through the browser (RFC 9126)."""
    told = setup(
        node, client="site", secret=BATCH_SECRET, scope="openid order:read", redirect=somewhere.redirect
    )
    verdict = javascript(program, "code")({**told, "pushed": True}, bob.visit)
    assert (verdict["allowed"], verdict["claims"]["sub"]) == (200, "bob")


@pytest.mark.parametrize("program", ["openid_client", "oauth4webapi"])
def test_a_device(node: NodeUnderTest, bob: Person, program: str) -> None:
    """A device shows a code, polls as it is told, and gets its token when the person has allowed it."""
    verdict = javascript(program, "device")(
        setup(node, client="tv", secret="", scope="order:read"), bob.visit
    )
    assert (verdict["allowed"], verdict["scope"]) == (200, "order:read")
    if program == "oauth4webapi":
        assert (verdict["early"], verdict["fast"]) == ("authorization_pending", "slow_down")
        assert verdict["twice"] == "invalid_grant"


@pytest.mark.parametrize("program", ["openid_client"])
def test_a_bound_token(node: NodeUnderTest, bob: Person, somewhere: Application, program: str) -> None:
    """A client with a key of its own gets tokens that are worth nothing without it, at every call (RFC 9449)."""
    told = setup(node, client="app", secret="", scope="openid order:read", redirect=somewhere.redirect)
    verdict = javascript(program, "dpop")(told, bob.visit)
    assert verdict == {
        "type": "dpop",
        "sub": "bob",
        "allowed": [200, 200],
        "thief": 401,
        "refreshed": "dpop",
    }


@pytest.mark.parametrize("program", ["openid_client", "oauth4webapi"])
def test_a_key_instead_of_a_secret(
    node: NodeUnderTest, bob: Person, somewhere: Application, program: str
) -> None:
    """A client that proves itself by signing (private_key_jwt) does so wherever it proves itself."""
    asker = {"client": "warehouse", "secret": BATCH_SECRET}
    key = {"jwk": KEY.as_dict(private=True)}
    told = setup(node, client="keyed", key=key, scope="order:read", redirect=somewhere.redirect)
    alone = javascript(program, "client_credentials")({**told, "asker": asker}, nobody)
    assert (alone["allowed"], alone["refused"]) == (200, 401)
    verdict = javascript(program, "code")({**told, "scope": "openid order:read", "pushed": True}, bob.visit)
    assert (verdict["allowed"], verdict["revoked"]) == (200, "invalid_grant")


@pytest.mark.parametrize("program", ["openid_client", "oauth4webapi"])
def test_an_exchange(node: NodeUnderTest, program: str) -> None:
    """A service exchanges the token that it was called with for a JWT that may do less (RFC 8693)."""
    came_with = node.log_in("bob")
    told = setup(node, client="middle", secret=BATCH_SECRET, token=came_with, scope="order:read")
    verdict = javascript(program, "exchange")(told, nobody)
    assert verdict["kind"] == "urn:ietf:params:oauth:token-type:jwt"
    paths = ("/orders", "/products")
    assert [node.call("GET", path, came_with).status for path in paths] == [200, 200]
    assert [node.call("GET", path, verdict["token"]).status for path in paths] == [200, 403]


def test_registered_a_moment_ago(node: NodeUnderTest, bob: Person, somewhere: Application) -> None:
    """openid-client registers itself with the token that the operator gave it, and logs a person in (RFC 7591)."""
    told = setup(node, initial=BATCH_SECRET, scope="openid order:read", redirect=somewhere.redirect)
    verdict = javascript("openid_client", "register")(told, bob.visit)
    assert (verdict["sub"], verdict["allowed"]) == ("bob", 200)
    assert verdict["client"].startswith("dyn-")


def browser_application(node: NodeUnderTest, somewhere: Application, **more: Any) -> None:
    """Serve the application that lives in a browser, at /spa."""
    settings = {
        "authority": node.issuer,
        "client_id": "spa",
        "redirect_uri": f"{somewhere.origin}/spa",
        "scope": "openid profile order:read",
        "loadUserInfo": True,
        "automaticSilentRenew": False,
        **more,
    }
    page = (PROGRAMS / "browser_application.html").read_text().replace("SETTINGS", json.dumps(settings))
    library = PROGRAMS / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
    somewhere.pages["/spa"] = ("text/html", page.encode())
    somewhere.pages["/oidc-client-ts.min.js"] = ("text/javascript", library.read_bytes())


def test_an_application_in_a_browser(node: NodeUnderTest, browser: Browser, somewhere: Application) -> None:
    """oidc-client-ts on a page of another origin: logs a person in, reads who they are, renews and gives back its token."""
    browser_application(node, somewhere)
    person = Person(browser.page(), "alice")
    person.page.go(f"{somewhere.origin}/spa")
    person.page.press("#login")
    person.answer()
    said = json.loads(person.page.until("document.getElementById('said')?.textContent"))
    assert "failed" not in said, said
    assert (said["profile"]["sub"], said["profile"]["preferred_username"]) == ("alice", "alice")
    assert node.call("GET", "/orders", said["token"]).status == 200
    again = person.page.evaluate("manager.signinSilent().then(said)")
    assert again["token"] != said["token"]
    assert node.call("GET", "/orders", again["token"]).status == 200
    person.page.evaluate("manager.revokeTokens(['access_token', 'refresh_token'])")
    assert [node.call("GET", "/orders", one["token"]).status for one in (said, again)] == [401, 401]

    # It logs the person out, and they come back to it; who comes next is asked who they are.
    leaves = json.dumps(
        {"post_logout_redirect_uri": f"{somewhere.origin}/bye", "id_token_hint": said["hint"]}
    )
    person.page.evaluate(f"void manager.signoutRedirect({leaves})")
    person.page.until("location.pathname == '/bye'")
    person.page.go(f"{somewhere.origin}/spa")
    person.page.press("#login")
    assert person.page.has(LOGIN)
    assert person.page.complaints == []


def test_logged_out_by_an_application(node: NodeUnderTest, browser: Browser, somewhere: Application) -> None:
    """openid-client logs a person in and out again: they come back to it, and its token is refused."""
    person = Person(browser.page(scripts=False), "alice")
    told = setup(node, client="app", secret="", scope="openid order:read", redirect=somewhere.redirect)
    verdict = javascript("openid_client", "logout")(
        {**told, "after_logout": f"{somewhere.origin}/bye"}, person.visit
    )
    assert verdict == {"arrived": f"{somewhere.origin}/bye?state=left", "refused": 401}
    person.page.go(f"{node.issuer}/account")
    assert person.page.has(LOGIN)


def test_a_key_in_a_browser(node: NodeUnderTest, browser: Browser, somewhere: Application) -> None:
    """oidc-client-ts binds the code and the tokens to a key that stays in the browser; elsewhere they are worth nothing."""
    browser_application(node, somewhere, dpop={"bind_authorization_code": True}, loadUserInfo=False)
    person = Person(browser.page(), "bob")
    person.page.go(f"{somewhere.origin}/spa")
    person.page.press("#login")
    person.answer()
    said = json.loads(person.page.until("document.getElementById('said')?.textContent"))
    assert said.get("type") == "DPoP", said
    assert node.call("GET", "/orders", said["token"]).status == 401
    again = person.page.evaluate("manager.signinSilent().then(said)")
    assert again["type"] == "DPoP"


def test_a_page_of_nobody(node: NodeUnderTest, browser: Browser) -> None:
    """A page of an origin that no client names learns what everybody may know, and not what the token endpoint says."""
    with application({"/": ("text/html", b"<!doctype html><link rel=icon href='data:,'>")}) as evil:
        page = browser.page()
        page.go(f"{evil.origin}/")
        asks = "fetch('{}', {{method: '{}'}}).then(answer => answer.status, error => error.name)"
        public = f"{node.issuer}/.well-known/openid-configuration"
        assert page.evaluate(asks.format(public, "GET")) == 200
        assert page.evaluate(asks.format(f"{node.issuer}/oauth/token", "POST")) == "TypeError"
