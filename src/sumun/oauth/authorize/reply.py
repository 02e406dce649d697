"""The authorization response: how code or error come back to the client. Pure.

query       in the address (RFC 6749 4.1.2), the default for codes
fragment    behind the # (OAuth 2.0 Multiple Response Type Encoding Practices 2.1)
form_post   as a form that the browser posts (OAuth 2.0 Form Post Response Mode)

Every response names us in `iss` (RFC 9207), so that a client of several servers knows whose code it holds. The status
is 303: the browser forgets the method and the body of what led here (RFC 9700 4.12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlencode


class ResponseMode(StrEnum):
    """`response_mode`."""

    QUERY = "query"
    FRAGMENT = "fragment"
    FORM_POST = "form_post"


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where the answer goes: an address that `redirects` let through, how, and the client's `state`, if any."""

    redirect_uri: str
    mode: ResponseMode = ResponseMode.QUERY
    state: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer: with `fields`, a form to be posted to `address`; else `address` is all. Codes never show in repr."""

    address: str = field(repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


def reply(to: ReplyTo, members: Mapping[str, str], issuer: str) -> Reply:
    """The response with these members, `state` and `iss`."""
    told = {**members, **({"state": to.state} if to.state else {}), "iss": issuer}
    if to.mode is ResponseMode.FORM_POST:
        return Reply(to.redirect_uri, told)
    if to.mode is ResponseMode.FRAGMENT:
        return Reply(f"{to.redirect_uri}#{urlencode(told)}")
    # RFC 6749 3.1.2: a query component of the address "MUST be retained when adding additional query parameters".
    _, has_query, query = to.redirect_uri.partition("?")
    joint = "" if has_query and not query else "&" if has_query else "?"
    return Reply(f"{to.redirect_uri}{joint}{urlencode(told)}")
