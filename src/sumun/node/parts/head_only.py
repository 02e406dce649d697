"""HTTP/1.1 as uvicorn reads it, without one mistake: trailer fields do not become header fields.

RFC 9112 7.1.2: "A recipient MUST NOT merge a received trailer field into the header section unless its corresponding
header field definition explicitly permits" it. uvicorn with httptools appends them to the request's headers, also while
the application reads its body; and HAProxy 2.6 forwards the trailers of its clients as they are. So whoever sends a
body in chunks could say, behind it, what only HAProxy may say: from where a call comes, and with which certificate.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HeadOnlyProtocol(HttpToolsProtocol):
    """One connection. What stands behind a body is dropped (7.1.2: "MAY selectively retain or discard")."""

    _in_head = False

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field, of the head or of the trailer section."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        super().on_headers_complete()
        self._in_head = False
