"""A whole node with routes for browsers, and sessions as a login begins them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sumun.identity import Subject
from sumun.node.assemble import open_for_operator
from sumun.sessions import Authentication, Session, Sessions
from tests.live.demo_node import Answer, call
from tests.live.kept_world import echo_service
from tests.live.node_under_test import NodeUnderTest, node_folder, until

COOKIE = "__Host-sumun_session"
PAGE = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate"}


class BrowserNode(NodeUnderTest):
    """The node, and what a browser does with it."""

    idle_seconds = 1800

    def begin(self, name: str) -> tuple[str, Session]:
        """Log somebody in, as the login page does: the cookie's value and the session."""

        async def login() -> tuple[str, Session]:
            async with open_for_operator(self.data) as shared:

                async def standing(subject: Subject) -> Any:
                    return shared.directory.standing(subject)

                sessions = Sessions(
                    shared.sessions,
                    standing,
                    shared.changes,
                    idle_seconds=self.idle_seconds,
                    absolute_seconds=3600,
                    clock=time.time,
                )
                found = shared.directory.standing(Subject.user(name))
                assert found is not None
                return await sessions.begin(
                    Authentication(name, int(time.time()), found.login_epoch, ("pwd",))
                )

        return asyncio.run(login())

    def end(self, session: Session) -> None:
        """Log out, as the logout page does."""

        async def logout() -> None:
            async with open_for_operator(self.data) as shared:
                await shared.changes.end_session(session.id, actor="user:ann")

        asyncio.run(logout())

    def ask(
        self, path: str, cookie: str | None = None, method: str = "GET", host: str = "", **headers: str
    ) -> Answer:
        """One call; header names are given with underscores."""
        sent: dict[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie is not None:
            sent["Cookie"] = f"{COOKIE}={cookie}"
        if host:
            sent["Host"] = host
        return call(self.port, method, path, sent)

    def line(self, answer: Answer) -> Mapping[str, Any]:
        """The access log's line about this answer."""
        found: list[Mapping[str, Any]] = []

        def look() -> bool:
            path = self.data / "log" / "access.log"
            if path.exists():
                wanted = answer.headers["x-request-id"]
                found.extend(json.loads(text) for text in path.read_text().splitlines() if wanted in text)
            return bool(found)

        until(look, 5, "the access log has a line about the request")
        return found[-1]

    def is_kept(self, path: str, cookie: str, **headers: str) -> bool:
        """Whether HAProxy lets such a call through by what it knows."""
        answer = self.ask(path, cookie, **headers)
        assert answer.status == 200, answer
        return str(self.line(answer)["be"]).startswith("known.")


@contextmanager
def browser_node(haproxy: Path, text: str, *people: str) -> Iterator[BrowserNode]:
    """A node on this configuration (`SERVICE`: the port of an echo service; `PORT`: its own), with people of role user."""
    with node_folder() as folder, echo_service() as service:
        node = BrowserNode(data=folder / "data")
        node.environment = {"HAPROXY": str(haproxy)}
        node.config = folder / "sumun.yaml"
        node.config.write_text(text.replace("SERVICE", str(service)).replace("PORT", str(node.port)))
        with node.running():
            for name in people:
                node.add_person(name, "user")
            yield node
        assert "Traceback" not in node.log()
