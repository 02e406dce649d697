"""A service that speaks of CORS itself, and more freely than its gateway should let it: every page may, with credentials.

/missing   404       /events   one event of a stream       any other path   200, with what it received
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        stream = path.endswith("/events")
        told = {"method": self.command, "sent": {name.lower(): value for name, value in self.headers.items()}}
        body = b"data: hello\n\n" if stream else json.dumps(told).encode()
        self.send_response(404 if path.endswith("/missing") else 200)
        self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin") or "*")
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.send_header("Access-Control-Expose-Headers", "X-Secret")
        self.send_header("Access-Control-Allow-Methods", "PATCH")
        self.send_header("Vary", "Accept")
        self.send_header("X-Total-Count", "3")
        self.send_header("X-Secret", "told to nobody")
        self.end_headers()
        self.wfile.write(body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def talker() -> Iterator[int]:
    """The service; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
