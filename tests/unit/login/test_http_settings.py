"""The settings of an authentication server are checked before anything is asked."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from pydantic import ValidationError

from sumun.config.plan import SecretRef
from sumun.config.values import Reading
from sumun.login.http import HttpServer
from sumun.login.http_settings import HttpSettings
from sumun.login.kinds import KINDS
from sumun.plugins import AUTHENTICATOR, Catalogue

READING = Reading(PurePosixPath("/etc/sumun"), frozenset({"user", "staff"}))
GOOD: dict[str, Any] = {"url": "https://staff.example.com/authenticate", "secret": "env:STAFF_SECRET"}


def settings(**fields: Any) -> HttpSettings:
    """The settings with these fields beside the good ones."""
    return HttpSettings.model_validate({**GOOD, **fields}, context=READING)


def test_whole() -> None:
    """What an operator writes becomes what is used, through the form in which a plan carries it."""
    checked = settings(
        roles=["user"], timeout="5s", connect_timeout="250ms", ca_file="staff-ca.pem", connections=3
    )
    assert checked.secret == SecretRef("env:STAFF_SECRET")
    server = HttpServer.of(checked.model_dump(mode="json"), "hush")
    assert server == HttpServer(
        url=GOOD["url"],
        secret="hush",
        roles=frozenset({"user"}),
        timeout_seconds=5.0,
        connect_timeout_seconds=0.25,
        ca_file="/etc/sumun/staff-ca.pem",
        connections=3,
    )
    assert "hush" not in repr(server)


def test_defaults() -> None:
    """Without more, the server may give no role, and is waited for 3 seconds."""
    server = HttpServer.of(settings().model_dump(mode="json"), "hush")
    assert (server.roles, server.timeout_seconds, server.ca_file) == (frozenset(), 3.0, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9300/x",
        "http://127.9.9.9/",
        "http://[::1]:9300/x",
        "http://localhost/x",
        "https://staff.example.com",
        "https://staff.example.com:8443/a?b=c",
    ],
)
def test_urls_taken(url: str) -> None:
    """https anywhere, plain http on this machine."""
    assert settings(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://staff.example.com/x",
        "http://10.0.0.1/x",
        "http://0.0.0.0/x",
        "http://127.0.0.1.example.com/x",
        "http://localhost.example.com/x",
        "ftp://127.0.0.1/x",
        "//127.0.0.1/x",
        "127.0.0.1:9300",
        "https://",
        "https:///x",
        "https://user@staff.example.com/x",
        "https://user:pass@staff.example.com/x",
        "https://staff.example.com/x#y",
        "https://staff.example.com/x#",
        "https://staff.example.com:0/x",
        "https://staff.example.com:99999/x",
        "https://staff.example.com/a b",
        "https://staff.example.com/\n",
        "https://서버.example.com/",
        "https://[::1/x",
        "file:///etc/passwd",
        "",
        7,
    ],
)
def test_urls_refused(url: Any) -> None:
    """Plain http to another machine, secrets in the URL, and what is no URL are refused."""
    with pytest.raises(ValidationError):
        settings(url=url)


def test_insecure() -> None:
    """The operator may insist on plain http, and must say so."""
    url = "http://10.0.0.1:9300/x"
    assert settings(url=url, insecure=True).url == url
    with pytest.raises(ValidationError) as error:
        settings(url=url, insecure=False)
    (problem,) = error.value.errors()
    assert problem["loc"] == ("url",)
    assert "https" in problem["ctx"]["mend"]


@pytest.mark.parametrize(
    "fields",
    [
        {"secret": "hunter2"},
        {"secret": None},
        {"roles": ["admin"]},
        {"roles": "user"},
        {"timeout": 3},
        {"timeout": "2m"},
        {"timeout": "0s"},
        {"connections": 0},
        {"connections": "8"},
        {"insecure": "yes"},
        {"kind": "http"},
        {"verify": False},
        {"follow_redirects": True},
    ],
)
def test_refused(fields: dict[str, Any]) -> None:
    """Secrets written out, roles that do not exist, numbers without units, unknown keys: refused."""
    with pytest.raises(ValidationError):
        settings(**fields)


def test_kinds_are_found() -> None:
    """Both built-in kinds resolve to settings and a builder."""
    catalogue = Catalogue(KINDS)
    assert catalogue.names(AUTHENTICATOR) == ("http", "password")
    for name in ("http", "password"):
        kind = catalogue.find(AUTHENTICATOR, name)
        assert kind.settings_class().model_config["extra"] == "forbid"
        assert callable(kind.builder())
        assert kind.meaning
