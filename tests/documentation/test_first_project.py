"""docs/first-project.md: the file and the commands of the page, as they stand there, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.documentation.tables import DOCS
from tests.live.demo_node import SOURCES
from tests.live.kept_world import echo_service
from tests.live.node_under_test import NodeUnderTest, node_folder
from tests.live.ports import free_ports
from tests.live.visitor import App, Visitor

PAGE = (DOCS / "first-project.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(yaml|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def typed(script: str, folder: Path) -> str:
    """What a shell in this folder prints, where `sumun` is this one."""
    command = f'sumun() {{ "{sys.executable}" -m sumun "$@"; }}\n{script}'
    done = subprocess.run(
        ["sh", "-e", "-c", command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (script, done)
    return done.stdout


def test_the_page_can_be_followed(haproxy: Path) -> None:
    """Each block in its turn: the file is good, the gateway is well, the program is let in, and a person by a browser."""
    blocks = BLOCK.findall(PAGE)
    (yaml,) = [text for kind, text in blocks if kind == "yaml"]
    check, run, add, program = [text for kind, text in blocks if kind == "sh"]
    (said,) = [text for kind, text in blocks if kind == "text"]
    assert run == "sumun run --data data\n"
    with node_folder() as folder, echo_service() as books, echo_service() as loans:
        (port,) = free_ports(1)
        here = {"8080": port, "9101": books, "9102": loans}

        def put(text: str) -> str:
            return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{here[found[1]]}", text)

        (folder / "sumun.yaml").write_text(put(yaml))
        assert typed(check, folder) == said
        node = NodeUnderTest(data=folder / "data", port=port, config=folder / "sumun.yaml")
        with node.running():
            told = typed(add, folder)
            assert "user ann added." in told
            assert f"sumun 0.1.0.dev0 on 127.0.0.1:{port}: well" in told
            assert '["x-user-permissions", "loan:read"]' in typed(put(program), folder)
            app = App(node, "library-app", "http://127.0.0.1:51004/callback", "openid book:read")
            visitor = Visitor(port)
            login = visitor.open(app.address())
            answer = app.redeem(visitor.log_in(login, "ann", "correct horse battery staple"))
            assert set(answer.json["scope"].split()) == {"openid", "book:read"}
            assert node.call("GET", "/books", answer.json["access_token"]).status == 200
