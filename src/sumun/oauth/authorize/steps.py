"""What is still to be done before a code may be given. Pure.

    nobody is logged in, or not as freshly as asked    LogIn      (prompt=none: login_required)
    the client is not ours and asks for something new  Ask        (prompt=none: consent_required)
    else                                               Give

Looked at anew at every step, from what is true then: nothing that a page said before is believed later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sumun.oauth.authorize.consent import Wanted
from sumun.oauth.authorize.errors import AuthorizationError, Refusal
from sumun.oauth.authorize.request import AuthorizationRequest, Prompt


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The session of the browser, as far as it matters here.

    proved_at   when the person proved who they are, unix seconds
    proved_here they did so for this very request
    """

    user_id: str
    proved_at: int
    proved_here: bool = False


@dataclass(frozen=True, slots=True)
class LogIn:
    """The person has to prove who they are. `user_id`: who it will be, most likely; or empty."""

    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """The person has to be asked about these; what else is wanted they allowed before."""

    about: Wanted


@dataclass(frozen=True, slots=True)
class Give:
    """A code may be given."""


def login_step(
    request: AuthorizationRequest, session: LoggedIn | None, hinted_user: str, now: float
) -> LogIn | None:
    """Whether somebody has to log in. `hinted_user`: whom `id_token_hint` names, or empty.

    Raises AuthorizationError: login_required.
    """
    if session is not None and session.proved_here and hinted_user not in ("", session.user_id):
        # OpenID Connect Core 3.1.2.2: it "MUST NOT reply with an ID Token or Access Token for a different user".
        raise AuthorizationError(
            Refusal.LOGIN_REQUIRED, "somebody else than id_token_hint names is logged in"
        )
    if session is not None and _is_good_enough(request, session, hinted_user, now):
        return None
    if Prompt.NONE in request.prompt:
        raise AuthorizationError(Refusal.LOGIN_REQUIRED, "nobody is logged in, or not freshly enough")
    if hinted_user or session is None or Prompt.SELECT_ACCOUNT in request.prompt:
        return LogIn(hinted_user)
    return LogIn(session.user_id)


def consent_step(
    request: AuthorizationRequest,
    whole: Wanted,
    allowed: Wanted,
    refused: Collection[str],
    *,
    first_party: bool,
) -> Ask | Give:
    """Whether the person has to be asked. `whole` is what the client wants, `allowed` what it was allowed before.

    `refused` are scope-tokens that it was refused before: they are not asked about again, unless nothing else is left.
    Raises AuthorizationError: consent_required.
    """
    if Prompt.CONSENT in request.prompt:
        return Ask(whole)
    left = whole.without(allowed.scopes, allowed.openid)
    new = left.besides(refused)
    if whole.besides(refused) if first_party else left != whole and not new:
        return Give()
    if Prompt.NONE in request.prompt:
        raise AuthorizationError(Refusal.CONSENT_REQUIRED, "the person was not asked yet")
    return Ask(new or whole)


def _is_good_enough(request: AuthorizationRequest, session: LoggedIn, hinted_user: str, now: float) -> bool:
    if session.proved_here:
        return True
    if request.prompt & {Prompt.LOGIN, Prompt.SELECT_ACCOUNT} or hinted_user not in ("", session.user_id):
        return False
    return request.max_age is None or now - session.proved_at <= request.max_age
