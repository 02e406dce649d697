"""Token type identifiers (RFC 8693 3)."""

from __future__ import annotations

from typing import Final

ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"
"""Of whatever kind the client usually gets."""

JWT_TYPE: Final = "urn:ietf:params:oauth:token-type:jwt"
