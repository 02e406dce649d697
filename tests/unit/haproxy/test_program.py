"""Which HAProxy is used, and the sentences for those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from sumun.haproxy.errors import HAProxyMissingError, HAProxyTooOldError, HAProxyUnfitError
from sumun.haproxy.program import Program, find_program, read_program

DEBIAN = """\
HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/
Feature list : -51DEGREES +ACCEPT4 +OPENSSL +PCRE +PCRE2 +PCRE2_JIT -PCRE_JIT +PROMEX
Available services : prometheus-exporter
Available filters :
\t[SPOE] spoe
"""
HERE = Path("/usr/sbin/haproxy")


def test_good() -> None:
    """Debian 12's HAProxy is good enough, and so is a newer one with its features named otherwise."""
    assert read_program(HERE, DEBIAN) == Program(HERE, (2, 6), 12)
    newer = DEBIAN.replace("2.6.12-1+deb12u4", "3.4.0").replace("+OPENSSL", "-OPENSSL +SSL")
    assert read_program(HERE, newer) == Program(HERE, (3, 4), 0)


@pytest.mark.parametrize(
    ("version", "can"), [("2.6.3", False), ("2.6-dev9", False), ("2.6.4", True), ("2.8.0", True)]
)
def test_maps_are_switched_where_it_is_safe(version: str, can: bool) -> None:
    """Only by a HAProxy that looks past rows which are not in force yet."""
    assert read_program(HERE, DEBIAN.replace("2.6.12-1+deb12u4", version)).can_switch_maps is can


@pytest.mark.parametrize("version", ["2.5.14", "1.8.30", "2.4.22-0ubuntu0"])
def test_too_old(version: str) -> None:
    """An older one is named, with its version and what is needed."""
    with pytest.raises(HAProxyTooOldError, match=r"haproxy is HAProxy \d\.\d; sumun needs 2\.6"):
        read_program(HERE, DEBIAN.replace("2.6.12-1+deb12u4", version))


@pytest.mark.parametrize(
    ("feature", "without"),
    [("+PCRE ", "PCRE"), ("+OPENSSL", "TLS"), ("prometheus-exporter", "Prometheus"), ("[SPOE]", "SPOE")],
)
def test_unfit(feature: str, without: str) -> None:
    """One that was built without what we need is refused with the name of it."""
    said = (
        DEBIAN.replace(feature, "").replace("+PCRE2", "-PCRE2")
        if feature == "+PCRE "
        else DEBIAN.replace(feature, "")
    )
    with pytest.raises(HAProxyUnfitError, match=f"without {without}|without its {without}"):
        read_program(HERE, said)


def test_missing(tmp_path: Path) -> None:
    """Without a HAProxy the sentence says how to get one."""
    with pytest.raises(HAProxyMissingError, match=r"HAPROXY names .*no program; install HAProxy 2.6"):
        find_program({"HAPROXY": str(tmp_path / "haproxy"), "PATH": ""})


def test_not_haproxy() -> None:
    """A program that is not HAProxy is not started."""
    with pytest.raises(HAProxyMissingError, match="not HAProxy"):
        find_program({"HAPROXY": "/bin/true", "PATH": ""})
