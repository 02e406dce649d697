"""The page of something that went wrong: what, what to do, and the request id for whoever looks it up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sumun.pages.frame import Frame
from sumun.pages.html import html


class Fault(StrEnum):
    """What went wrong, in words that a person can do something with."""

    APPLICATION = "application"  # the application's request is not good; `detail` is for its developer
    UNKNOWN_APPLICATION = "unknown_application"
    BAD_RETURN = "bad_return"  # the application wants the person sent to an address that is not its own
    EXPIRED = "expired"  # the transaction is over, or was never: start again in the application
    FORGED = "forged"  # the form did not come from our page (CSRF)
    NOT_ALLOWED = "not_allowed"  # this person may not do this
    NOT_FOUND = "not_found"
    TOO_OFTEN = "too_often"  # with `wait_seconds`
    TOO_MANY = "too_many"  # calls; Retry-After says how long
    UNAVAILABLE = "unavailable"  # a neighbour of ours is away: 503
    OURS = "ours"  # 500


@dataclass(frozen=True, slots=True)
class FailurePage:
    """`detail` is one English sentence for the developer of the application (an `error_description`), or empty.

    `back`: a path of ours, or a checked URL, to go on from; empty: there is none.
    """

    frame: Frame
    fault: Fault
    request_id: str
    application: str = ""
    detail: str = ""
    wait_seconds: int = 0
    back: str = ""


def render_failure(page: FailurePage) -> str:
    """The HTML."""
    return html("failure.html", page)
