"""An application of somebody else on an origin of its own: where people come back to, and pages that a test serves.

The address that a browser arrived at is the page's own: the test reads it from the browser.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Application:
    """`pages`: path -> (media type, body); any other path says that somebody arrived. `posted`: bodies of POSTs."""

    port: int
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    posted: list[bytes] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def redirect(self) -> str:
        """Where codes come to."""
        return f"{self.origin}/callback"


_ARRIVED = ("text/html", b"<!doctype html><title>arrived</title><link rel=icon href='data:,'><p>Arrived.")


@contextmanager
def application(pages: Mapping[str, tuple[str, bytes]] | None = None) -> Iterator[Application]:
    """The application, on a port that the kernel chose."""
    running: list[Application] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = running[0].pages.get(self.path.partition("?")[0], _ARRIVED)
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            running[0].posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.append(Application(server.server_address[1], dict(pages or {})))
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield running[0]
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
