"""HAProxy's complaints become problems of the YAML."""

from __future__ import annotations

from sumun.config.plan import NOWHERE, Place
from sumun.haproxy.check import complaints
from sumun.haproxy.sections import File, Files, Line

FILES = Files(
    1,
    (
        File("haproxy.cfg", (Line("global"), Line("  server x", Place("sumun.yaml", 3, 5)))),
        File("spoe.conf", (Line("[sumun]", Place("sumun.yaml", 1, 1)),)),
    ),
)


def test_place() -> None:
    """A complaint about a line that the YAML caused stands at its place; ours stand nowhere; summaries are left out."""
    said = """\
[NOTICE]   (9) : haproxy version is 2.6.12
[ALERT]    (9) : config : parsing [haproxy.cfg:2] : 'server x' : invalid port
[ALERT]    (9) : config : parsing [/g/000001/haproxy.cfg:1] : unknown keyword
[ALERT]    (9) : config : Parsing [spoe.conf:1]: something else
[ALERT]    (9) : config : Proxy 'a': no line at all
[ALERT]    (9) : config : Error(s) found in configuration file : haproxy.cfg
[ALERT]    (9) : config : Fatal errors found in configuration.
"""
    found = complaints(said, FILES)
    assert [(problem.place, problem.what) for problem in found] == [
        (Place("sumun.yaml", 3, 5), "HAProxy says: 'server x' : invalid port (haproxy.cfg line 2)"),
        (NOWHERE, "HAProxy says: unknown keyword (haproxy.cfg line 1)"),
        (Place("sumun.yaml", 1, 1), "HAProxy says: something else (spoe.conf line 1)"),
        (NOWHERE, "HAProxy says: Proxy 'a': no line at all"),
    ]


def test_a_line_that_is_not_there() -> None:
    """A complaint about a line or a file that we did not write is no crash."""
    said = "[ALERT] (9) : config : parsing [haproxy.cfg:99] : x\n[ALERT] (9) : config : parsing [other.cfg:1] : y\n"
    assert [problem.place for problem in complaints(said, FILES)] == [NOWHERE, NOWHERE]
