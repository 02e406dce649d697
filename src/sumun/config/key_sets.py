"""The public keys of a client, as a JWK Set (RFC 7517 5): read here or from a file, looked at, kept as JSON.

What is told here is what people get wrong: a private key, another curve, a small one, names that stand twice. Whether a
point is on its curve is found out when the key is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sumun.config.refused import RefusedError
from sumun.config.values import Marker, Reading, text_of

NEEDS: Final[Mapping[str, str]] = {
    "client_secret_basic": "secret",
    "client_secret_post": "secret",
    "private_key_jwt": "jwks",
}
"""A client's way to prove itself (RFC 7591 2) -> the setting that it needs."""

AUTHENTICATION: Final = tuple(NEEDS)

_ALLOWED: Final = "{keys: [JWK, ..]} or file:PATH"
_MOST_BYTES: Final = 64 * 1024
_MOST_KEYS: Final = 20
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_OF_256_BITS: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_OF_2048_BITS: Final = re.compile(r"[A-Za-z0-9_-]{342,1366}")
_SHORT: Final = re.compile(r"[A-Za-z0-9_-]{1,6}")
_FORMS: Final[Mapping[tuple[object, object], Mapping[str, re.Pattern[str]]]] = {
    ("EC", "P-256"): {"x": _OF_256_BITS, "y": _OF_256_BITS},
    ("OKP", "Ed25519"): {"x": _OF_256_BITS},
    ("RSA", None): {"n": _OF_2048_BITS, "e": _SHORT},
}


@dataclass(frozen=True, eq=False)
class KeySet(Marker[str]):
    """Public keys."""

    word: str = "JWK Set or `file:PATH`"

    def read(self, raw: object, reading: Reading) -> str:
        """The set as JSON text, in one spelling."""
        found = raw if isinstance(raw, Mapping) else _from_file(text_of(raw, _ALLOWED), reading)
        keys = found.get("keys") if isinstance(found, Mapping) else None
        if not isinstance(keys, list) or not 0 < len(keys) <= _MOST_KEYS:
            raise RefusedError(f"is not a JWK Set of 1 to {_MOST_KEYS} keys", _ALLOWED)
        for one in keys:
            _check(one)
        names = [one.get("kid") for one in keys]
        if len(keys) > 1 and (None in names or len(set(names)) < len(names)):
            raise RefusedError(
                "has several keys, and not each a `kid` of its own", _ALLOWED, "give each key its own `kid`"
            )
        return json.dumps({"keys": keys}, sort_keys=True, separators=(",", ":"))


def _from_file(text: str, reading: Reading) -> Any:
    how, _, name = text.partition(":")
    if how != "file" or not name:
        raise RefusedError("is not a JWK Set", _ALLOWED, "write file:PATH")
    path = Path(reading.folder) / name
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise RefusedError(f"names a file of more than {_MOST_BYTES // 1024} KiB", _ALLOWED)
        return json.loads(content)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise RefusedError(f"names a file that cannot be read: {reason}", _ALLOWED) from None
    except (ValueError, RecursionError):
        raise RefusedError("names a file that is not JSON", _ALLOWED) from None


def _check(one: object) -> None:
    if not isinstance(one, Mapping):
        raise RefusedError("has a key that is not a JWK (RFC 7517 4)", _ALLOWED)
    if _PRIVATE & one.keys():
        mend = "keep the private key with the client, and make another pair: this one was written down here"
        raise RefusedError("holds a private key", "public keys only", mend)
    form = _FORMS.get((_word(one, "kty"), _word(one, "crv")))
    operations = one.get("key_ops", ["verify"])
    if (
        form is None
        or not all(_fits(one.get(name), pattern) for name, pattern in form.items())
        or one.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
    ):
        allowed = "EC with P-256, OKP with Ed25519, RSA of 2048 to 8192 bits; for signatures"
        raise RefusedError("has a key of a kind that is not taken", allowed)
    if not isinstance(one.get("kid", ""), str):
        raise RefusedError("has a `kid` that is not text", "text", "put it in quotes")


def _word(one: Mapping[str, Any], name: str) -> str | None:
    """The member; empty for what is no text, which is no kind of key."""
    found = one.get(name)
    return found if found is None or isinstance(found, str) else ""


def _fits(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
