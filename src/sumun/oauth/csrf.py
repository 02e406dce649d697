"""Forms that only our own pages can send (RFC 6749 10.12, RFC 9700 4.7: against forged requests, of a login too).

    page    the form's field `csrf` = HMAC-SHA-256(key, purpose), where `key` is random and in a cookie of this browser
    POST    the cookie's HMAC is what the field says, and the browser does not say that another site sent it

Another site can neither read the cookie nor set it (`__Host-`, so no neighbouring host either). `purpose` names the
form and whom it is for (a session, a transaction): what was seen in one form opens no other, and a login ends all that
stood open before it. Nothing is kept on our side, so every node takes every other's forms.

Beside that, what browsers say of themselves: `Sec-Fetch-Site` (Fetch Metadata) and `Origin` (RFC 6454 7). Each is
demanded to be right when it is there; a program without them still needs cookie and field.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import ClassVar

from sumun.errors import SumunError
from sumun.oauth.exchange import Headers, Request
from sumun.oauth.messages import Form
from sumun.pages.frame import Hidden
from sumun.tokens.base64url import encode

COOKIE = "__Host-sumun_csrf"
FIELD = "csrf"

_KEY_BYTES = 32
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


class ForgedFormError(SumunError):
    """The form did not come from a page that we showed to this browser. Nothing was done."""

    code: ClassVar[str] = "forged_form"


@dataclass(frozen=True, slots=True)
class FormKey:
    """The key of one browser; `new`: the answer has to bring it the cookie."""

    key: str
    new: bool

    @classmethod
    def of(cls, request: Request) -> FormKey:
        """The browser's, or a new one."""
        found = _key(request)
        return (
            cls(encode(secrets.token_bytes(_KEY_BYTES)), new=True) if found is None else cls(found, new=False)
        )

    def field(self, purpose: str) -> Hidden:
        """The hidden field for a form."""
        return Hidden(FIELD, _proof(self.key, purpose))

    @property
    def cookies(self) -> Headers:
        """Header fields for the answer with the page: the cookie, for as long as the browser is open."""
        if not self.new:
            return ()
        cookie = f"{COOKIE}={self.key}; Path=/; Secure; HttpOnly; SameSite=Lax"
        return ((b"set-cookie", cookie.encode("ascii")),)

    def __repr__(self) -> str:
        """Without the key."""
        return f"FormKey(new={self.new})"


def demand_own_form(request: Request, form: Form, purpose: str) -> None:
    """Raises ForgedFormError unless a page of ours, for this purpose, in this browser, sent the form."""
    if not _from_own_page(request):
        raise ForgedFormError("another site sent this form")
    key, proof = _key(request), form.get(FIELD, "")
    if key is None or not hmac.compare_digest(_proof(key, purpose).encode(), proof.encode()):
        raise ForgedFormError("the form was not made for this browser, or for something else")


def _from_own_page(request: Request) -> bool:
    """What the browser says of where the form stood; true when it says nothing.

    The origin is compared by its authority with Host, which HAProxy has checked: behind another proxy we may not know
    under which scheme we are seen. (`Sec-Fetch-Site` takes the scheme into account.)
    """
    if b"sec-fetch-site" in request.headers and request.one(b"sec-fetch-site") != "same-origin":
        return False
    if b"origin" not in request.headers:
        return True
    scheme, _, authority = (request.one(b"origin") or "").partition("://")
    return scheme in ("http", "https") and authority.lower() == (request.one(b"host") or "").lower() != ""


def _key(request: Request) -> str | None:
    found = request.cookie(COOKIE)
    return found if found is not None and _KEY.fullmatch(found) else None


def _proof(key: str, purpose: str) -> str:
    return encode(hmac.digest(key.encode("ascii"), purpose.encode(), hashlib.sha256))
