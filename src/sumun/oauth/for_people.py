"""The pages that people come to: on the way to a code, for a device, logging in and out, their account."""

from __future__ import annotations

from sumun.oauth.account.applications import Applications
from sumun.oauth.account.browsers import Browsers
from sumun.oauth.account.logins import Logins
from sumun.oauth.account.overview import AccountEndpoint
from sumun.oauth.account.password import PASSWORD, PasswordEndpoint
from sumun.oauth.account.visit import ACCOUNT, AccountForm, Visits
from sumun.oauth.app import GET, PAGE, Mounted
from sumun.oauth.authorize.flow import AuthorizationFlow
from sumun.oauth.endpoints.authorize import AuthorizeEndpoint
from sumun.oauth.endpoints.consent import ConsentEndpoint
from sumun.oauth.endpoints.device import DeviceEndpoint
from sumun.oauth.endpoints.login import LoginEndpoint
from sumun.oauth.endpoints.logout import LogoutEndpoint
from sumun.oauth.endpoints.single_sign_on import ContinueEndpoint, HandoffEndpoint, StartEndpoint
from sumun.oauth.handoff import Handoffs
from sumun.oauth.id_tokens import read_hint
from sumun.oauth.kept import Kept
from sumun.oauth.login_first import LoginFirst
from sumun.oauth.logout_request import LogoutRequests
from sumun.oauth.our_hosts import OurHosts
from sumun.oauth.parts import OAuthParts
from sumun.oauth.paths import (
    AUTHORIZE_PATH,
    CONSENT_PATH,
    DEVICE_PATH,
    LOGIN_CONTINUE_PATH,
    LOGIN_HANDOFF_PATH,
    LOGIN_PATH,
    LOGIN_START_PATH,
    LOGOUT_PATH,
)
from sumun.oauth.replies import Replies
from sumun.oauth.resources import Resources


def for_people(parts: OAuthParts, kept: Kept, resources: Resources) -> dict[str, Mounted]:
    """By path."""
    login_first = LoginFirst(kept.transactions, parts.configured.login, parts.strangers)
    return {
        **_to_a_code(parts, kept, resources, login_first),
        **_single_sign_on(parts, login_first),
        **_account(parts, login_first),
        DEVICE_PATH: Mounted(_device(parts, kept, login_first), PAGE, page=True),
    }


def _to_a_code(
    parts: OAuthParts, kept: Kept, resources: Resources, login_first: LoginFirst
) -> dict[str, Mounted]:
    issuer, replies = parts.settings.issuer, Replies(parts.settings.issuer)

    def hinted_user(id_token: str, client_id: str) -> str | None:
        hint = read_hint(id_token, parts.keys(), issuer, parts.clock())
        return None if hint is None or hint.client_id != client_id else hint.user_id

    flow = AuthorizationFlow(
        parts.sessions,
        parts.standing,
        parts.consents,
        kept.codes,
        hinted_user=hinted_user,
        vocabulary=parts.configured.vocabulary,
        clock=parts.clock,
    )
    authorize = AuthorizeEndpoint(
        parts.find_client, flow, kept.pushed, login_first, replies, resources, parts.strangers
    )
    consent = ConsentEndpoint(
        kept.transactions, flow, parts.find_client, replies, parts.configured.vocabulary
    )
    log_in = LoginEndpoint(
        kept.transactions,
        parts.login_for,
        parts.standing,
        parts.sessions,
        parts.find_client,
        login_first,
        replies,
        parts.clock,
    )
    return {
        AUTHORIZE_PATH: Mounted(authorize, PAGE, page=True),
        CONSENT_PATH: Mounted(consent, PAGE, page=True),
        LOGIN_PATH: Mounted(log_in, PAGE, page=True),
    }


def _single_sign_on(parts: OAuthParts, login_first: LoginFirst) -> dict[str, Mounted]:
    """One login for every host, and one logout."""
    hosts = OurHosts(parts.settings.issuer, parts.configured.session_hosts)
    handoffs = Handoffs(parts.ephemeral)
    go_on = ContinueEndpoint(hosts, handoffs, parts.sessions, login_first)
    requests = LogoutRequests(parts.find_client, parts.keys, parts.clock, parts.settings.issuer)
    logout = LogoutEndpoint(requests, parts.sessions, parts.standing, parts.changes.settled)
    return {
        LOGOUT_PATH: Mounted(logout, PAGE, page=True),
        LOGIN_START_PATH: Mounted(StartEndpoint(hosts, handoffs, parts.strangers), ("GET",), page=True),
        LOGIN_CONTINUE_PATH: Mounted(go_on, ("GET",), page=True),
        LOGIN_HANDOFF_PATH: Mounted(HandoffEndpoint(hosts, handoffs, parts.sessions), ("GET",), page=True),
    }


def _device(parts: OAuthParts, kept: Kept, login_first: LoginFirst) -> DeviceEndpoint:
    return DeviceEndpoint(
        kept.devices,
        parts.sessions,
        login_first,
        parts.find_client,
        parts.standing,
        parts.consents,
        parts.user_code_throttle,
        parts.configured.vocabulary,
    )


def _account(parts: OAuthParts, login_first: LoginFirst) -> dict[str, Mounted]:
    """What a person looks at and changes of their own."""
    visits = Visits(parts.sessions, login_first)
    overview = AccountEndpoint(
        visits, parts.people, parts.sessions, parts.find_client, parts.configured.vocabulary, parts.clock
    )
    password = PasswordEndpoint(
        visits,
        parts.people,
        parts.changes,
        parts.sessions,
        parts.login_for,
        parts.configured.login,
        parts.standing,
        parts.clock,
    )
    applications = AccountForm(visits, Applications(parts.people, parts.changes).act)
    logins = AccountForm(visits, Logins(parts.people, parts.changes).act)
    browsers = AccountForm(visits, Browsers(parts.sessions, parts.changes).act)
    return {
        ACCOUNT: Mounted(overview, GET, below=True, page=True),
        f"{ACCOUNT}/applications": Mounted(applications, PAGE, page=True),
        f"{ACCOUNT}/logins": Mounted(logins, PAGE, page=True),
        f"{ACCOUNT}/sessions": Mounted(browsers, PAGE, page=True),
        PASSWORD: Mounted(password, PAGE, page=True),
    }
