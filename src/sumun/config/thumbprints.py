"""SHA-256 thumbprints of certificates (RFC 8705 3.1) as settings."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from sumun.config.refused import RefusedError
from sumun.config.values import Marker, Reading, text_of

_ALLOWED = "the SHA-256 of the certificate's DER: 43 characters of base64url, or 64 hexadecimal digits"
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}")


@dataclass(frozen=True, eq=False)
class Thumbprint(Marker[str]):
    """A certificate by its thumbprint."""

    word: str = "thumbprint"

    def read(self, raw: object, reading: Reading) -> str:
        """In base64url, also when it is written as `openssl x509 -fingerprint -sha256` does."""
        text = text_of(raw, _ALLOWED)
        if _HEXADECIMAL.fullmatch(text):
            digest = bytes.fromhex(text.replace(":", ""))
            return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if re.fullmatch(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", text) is None:
            mend = "use -sha256" if re.fullmatch(r"(?:[0-9A-Fa-f]{2}:?){20}", text) else ""
            raise RefusedError("is not a thumbprint", _ALLOWED, mend)
        return text
