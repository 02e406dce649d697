"""What others sign and send us: DPoP proofs and client assertions. A compact JWS, taken apart strictly (RFC 8725).

It is only taken apart here. Which header members it may have, which key is meant and what the claims are worth is for
its reader to say (`dpop`, `client_assertion`), and nothing of it is believed before `signed_by`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sumun.tokens.base64url import decode
from sumun.tokens.public_jwk import PublicJwk
from sumun.tokens.strict_json import parse_object


@dataclass(frozen=True, slots=True)
class ForeignJws:
    """Header and claims as they were sent, and the signature over them."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signing_input: bytes
    signature: bytes

    def signed_by(self, key: PublicJwk) -> bool:
        """Whether this key signed it, with an algorithm that is the key's: `none` and HMAC never are."""
        alg = self.header.get("alg")
        verifies = key.verifies.get(alg) if isinstance(alg, str) else None
        return verifies is not None and verifies(self.signature, self.signing_input)


def take_apart(text: str, most_characters: int) -> ForeignJws | None:
    """The parts; None for anything that is not one canonical compact JWS with two strict JSON objects. Never raises."""
    if len(text) > most_characters or text.count(".") != 2:
        return None
    head, body, tail = text.split(".")
    parts = [decode(part) for part in (head, body, tail)]
    if not all(parts):
        return None
    header, claims = parse_object(parts[0] or b""), parse_object(parts[1] or b"")
    if header is None or claims is None:
        return None
    return ForeignJws(header, claims, f"{head}.{body}".encode("ascii"), parts[2] or b"")
