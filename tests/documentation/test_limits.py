"""docs/limits.md: the file of the page is taken, and who calls too often is told what stands there."""

from __future__ import annotations

import http.client
import re
from contextlib import closing
from pathlib import Path

from tests.documentation.tables import DOCS
from tests.live.browser_world import browser_node
from tests.live.demo_node import Answer

PAGE = (DOCS / "limits.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:yaml)?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
AROUND = """
listen: 127.0.0.1:PORT
services: {reports: {url: http://127.0.0.1:SERVICE}}
roles: {user: ["report:create"]}
"""
OURS = """  - {path: /calls, methods: [GET], service: reports}
clients:
  - {id: app, kind: public, first_party: true, grants: [password]}
"""


def until_refused(port: int, token: str) -> tuple[int, Answer]:
    """How many calls passed on one connection, as fast as it goes, and the answer that was none."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for passed in range(10_000):
            connection.request("GET", "/calls", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                return passed, Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, body)
    raise AssertionError("10,000 calls passed")


def test_the_page_is_what_callers_are_told(haproxy: Path, tmp_path: Path) -> None:
    """Its limits hold: calls pass up to the burst, and then the status, fields and code are those of the page."""
    yaml, told = BLOCKS[0], BLOCKS[1]
    (tmp_path / "batch.secret").write_text("a-secret-of-the-test\n")
    with_ours = (
        re.sub(r"^clients:\n", OURS.partition("\n")[2], yaml, flags=re.MULTILINE)
        + OURS.partition("\n")[0]
        + "\n"
    )
    text = AROUND + with_ours.replace("file:batch.secret", f"file:{tmp_path}/batch.secret")
    with browser_node(haproxy, text, "ann") as node:
        form = {"grant_type": "password", "client_id": "app", "username": "ann", "password": "ann-demo-pass"}
        token = node.form("/oauth/token", form).json["access_token"]
        passed, refused = until_refused(node.port, token)
        assert passed >= 100, "the burst passes"
        lines = told.splitlines()
        assert lines[0] == "HTTP/1.1 429 Too Many Requests"
        for name, value in (line.split(": ", 1) for line in lines[1:]):
            assert refused.headers[name.lower()] == value, name
        assert refused.json["code"] == "too_many_requests"
        shown = node.sumun("client", "show", "batch").stdout
        assert re.search(r"^quota: +10000/day$", shown, re.MULTILINE)
        assert re.search(r"^used today: +0$", shown, re.MULTILINE)
