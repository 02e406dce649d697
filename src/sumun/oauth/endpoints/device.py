"""The page where people type the code of a device (`/oauth/device`, RFC 8628 3.3), log in, and decide.

    GET                 nobody is logged in: log in first; a code is known: the question; else: type the code
    GET ?user_code=...  the same with the code that the device put into the address (`verification_uri_complete`)
    POST user_code      the code was typed: the question, or: there is no such code
    POST decision       allow, all, refuse; other: log in as somebody else

A code waits for its person in a cookie of their browser, so it stands in no address of ours and in no store. It is
never taken as an answer: whoever opens another's link is shown the code, the application and all it asks for, each time
anew (5.4, against people who send a link to their own device). Guesses are few, for people who are logged in only
(5.1): what is guessed is another's device, which would then act in the guesser's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import parse_qs

from sumun.access.handover import OUR_COOKIES
from sumun.config.plan import Sentence
from sumun.directory import StoredGrant
from sumun.directory.client import RegisteredClient
from sumun.identity import Standing
from sumun.login.throttle import Attempt, LoginThrottle, RateLimited
from sumun.oauth.authorize.consent import ABOUT, Wanted, wanted
from sumun.oauth.authorize.remembered import allowed_by
from sumun.oauth.clients import FindClient, ReadStanding, registered_itself, shown_name
from sumun.oauth.csrf import FormKey, demand_own_form
from sumun.oauth.device.requests import LIFETIME_SECONDS, Approval, DeviceRequests, FoundRequest
from sumun.oauth.device.user_codes import LONGEST_TYPED, read_user_code, shown
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.login_first import LoginFirst
from sumun.oauth.messages import MAX_BOXES, Form, read_form
from sumun.oauth.page_answers import PageError, locale_of, page_answer
from sumun.oauth.paths import DEVICE_PATH
from sumun.pages import (
    ConsentPage,
    DeviceCodePage,
    DeviceDonePage,
    DeviceTrouble,
    Fault,
    Frame,
    Person,
    asked_permissions,
    page_headers,
    render_consent,
    render_device_code,
    render_device_done,
    ticked,
)
from sumun.pages.frame import Hidden
from sumun.sessions import Session, Sessions
from sumun.sessions.cookie import SESSION, drop_cookie, set_cookie

_CODE_COOKIE: Final = OUR_COOKIES + "device"
_CODE: Final = "user_code"


class Consents(Protocol):
    """What this needs of `authorize.remembered.RememberedConsents`."""

    async def of(self, user_id: str, client_id: str) -> StoredGrant | None:
        """What this person lets this client do; None: nothing. Raises OutageError."""
        ...

    async def chose(self, user_id: str, client_id: str, about: Wanted, chosen: Wanted) -> StoredGrant:
        """They were asked about this and allowed what they chose; the grant after that. Raises OutageError."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request that waits for a person, under a code that they know."""

    user_code: str
    found: FoundRequest
    client: RegisteredClient


class DeviceEndpoint:
    """Shows the pages, and does what they send."""

    def __init__(
        self,
        requests: DeviceRequests,
        sessions: Sessions,
        login_first: LoginFirst,
        find_client: FindClient,
        standing: ReadStanding,
        consents: Consents,
        guesses: LoginThrottle,
        vocabulary: Mapping[str, Sentence],
    ) -> None:
        """`guesses` counts wrong codes; `vocabulary`: permission -> words, of the configuration."""
        self._requests = requests
        self._sessions = sessions
        self._login_first = login_first
        self._find_client = find_client
        self._standing = standing
        self._consents = consents
        self._guesses = guesses
        self._vocabulary = vocabulary

    async def answer(self, request: Request) -> Answer:
        """One request. Raises PageError, ForgedFormError, OutageError."""
        session = await self._sessions.find(request.cookie(SESSION))
        form = read_form(request.content_types, request.body, MAX_BOXES) if request.method == "POST" else None
        code = _code_of(request, form)
        if session is None:
            return _with(await self._login_first.answer(request, DEVICE_PATH), _kept(code))
        if form is None:
            return await self._shown(request, session, code) if code else self._typed(request, session)
        if "decision" in form:
            return await self._decided(request, session, form, code)
        demand_own_form(request, form, _purpose(session))
        return await self._shown(request, session, code)

    async def _shown(self, request: Request, session: Session, code: str) -> Answer:
        """The question, if the code is good."""
        looked = await self._looked_up(request, session, read_user_code(code))
        if isinstance(looked, RateLimited):
            return self._too_many_guesses(request, session, looked)
        if looked is None:
            return self._typed(request, session, DeviceTrouble.UNKNOWN, 404, code=code)
        return await self._question(request, session, looked)

    async def _decided(self, request: Request, session: Session, form: Form, code: str) -> Answer:
        user_code = read_user_code(code)
        if user_code is None:
            raise PageError(Fault.EXPIRED, 400)
        demand_own_form(request, form, _purpose(session, user_code))
        if form["decision"] == "other":
            return _with(await self._login_first.answer(request, DEVICE_PATH), _kept(code))
        # Who knows the key of their own browser's forms makes forms for whatever code: a decision is a guess, too.
        looked = await self._looked_up(request, session, user_code)
        if isinstance(looked, RateLimited):
            return self._too_many_guesses(request, session, looked)
        if looked is None:
            raise PageError(Fault.EXPIRED, 400)
        approval = None
        if form["decision"] != "refuse":
            about = self._about(await self._person(session), looked.found)
            if form.get(ABOUT) != about.digest:  # their rights have changed since the page was shown
                return await self._question(request, session, looked)
            chosen = about if form["decision"] == "all" else about.chosen(ticked(form))
            if not chosen:
                return await self._question(request, session, looked, nothing_ticked=True)
            approval = await self._approval(session, looked.client, about, chosen)
        if not await self._requests.decide(user_code, looked.found, approval):
            raise PageError(Fault.EXPIRED, 400)
        done = DeviceDonePage(Frame(locale_of(request)), shown_name(looked.client), approval is not None)
        return page_answer(render_device_done(done), (*page_headers(), drop_cookie(_CODE_COOKIE)))

    async def _looked_up(
        self, request: Request, session: Session, user_code: str | None
    ) -> _Waiting | RateLimited | None:
        """What waits under this code; None: nothing. Each look is a guess until it is known to be none."""
        attempt = Attempt(f"user code by {session.user_id}", request.source)
        admitted = await self._guesses.count(attempt)
        if isinstance(admitted, RateLimited):
            return admitted
        found = None if user_code is None else await self._requests.waiting(user_code)
        client = None if found is None else await self._find_client(found.request.client_id)
        if user_code is None or found is None or client is None or client.disabled:
            return None
        await self._guesses.take_back(attempt)
        return _Waiting(user_code, found, client)

    async def _person(self, session: Session) -> Standing:
        standing = await self._standing(session.subject)
        if standing is None or standing.disabled:  # since the session was found, a moment ago
            raise PageError(Fault.NOT_ALLOWED, 403)
        return standing

    def _about(self, person: Standing, found: FoundRequest) -> Wanted:
        return wanted(found.request.scopes, found.request.openid, self._vocabulary, person.roles)

    async def _approval(
        self, session: Session, client: RegisteredClient, about: Wanted, chosen: Wanted
    ) -> Approval:
        grant = await self._consents.chose(session.user_id, client.id, about, chosen)
        return Approval(
            session.user_id,
            session.who.login_epoch,
            chosen.scopes,
            chosen.openid,
            grant.id,
            session.who.at,
            session.who.methods,
            session.who.context,
        )

    async def _question(
        self,
        request: Request,
        session: Session,
        waiting: _Waiting,
        *,
        nothing_ticked: bool = False,
    ) -> Answer:
        user_code, found, client = waiting.user_code, waiting.found, waiting.client
        key, locale = FormKey.of(request), locale_of(request)
        person = await self._person(session)
        about = self._about(person, found)
        before = allowed_by(await self._consents.of(session.user_id, client.id)).texts
        page = ConsentPage(
            Frame(locale, DEVICE_PATH),
            DEVICE_PATH,
            (
                Hidden(_CODE, user_code),
                Hidden(ABOUT, about.digest),
                key.field(_purpose(session, user_code)),
            ),
            shown_name(client),
            Person(session.user_id, person.name),
            asked_permissions(about.texts, self._vocabulary, locale, before),
            unknown=registered_itself(client),
            device_code=shown(user_code),
            nothing_ticked=nothing_ticked,
        )
        headers = (*page_headers(), *key.cookies, *_kept(user_code))
        return page_answer(render_consent(page), headers, 400 if nothing_ticked else 200)

    def _too_many_guesses(self, request: Request, session: Session, limited: RateLimited) -> Answer:
        seconds = limited.retry_after_seconds
        return self._typed(request, session, DeviceTrouble.THROTTLED, 429, seconds)

    def _typed(
        self,
        request: Request,
        session: Session,
        trouble: DeviceTrouble = DeviceTrouble.NONE,
        status: int = 200,
        wait_seconds: int = 0,
        code: str = "",
    ) -> Answer:
        """The page with the field. `code` is what was typed, to be mended."""
        key = FormKey.of(request)
        page = DeviceCodePage(
            Frame(locale_of(request), DEVICE_PATH),
            DEVICE_PATH,
            (key.field(_purpose(session)),),
            code=code[:LONGEST_TYPED],
            trouble=trouble,
            wait_seconds=wait_seconds,
        )
        headers = (*page_headers(), *key.cookies, drop_cookie(_CODE_COOKIE))
        if wait_seconds:
            headers = (*headers, (b"retry-after", b"%d" % wait_seconds))
        return page_answer(render_device_code(page), headers, status)


def _code_of(request: Request, form: Form | None) -> str:
    """What was typed, what stands in the address, or what waits in the cookie; empty: none of them."""
    if form is not None:
        return form.get(_CODE, "")
    asked = parse_qs(request.query.decode("latin-1")).get(_CODE, [])
    return asked[0] if asked else request.cookie(_CODE_COOKIE) or ""


def _kept(code: str) -> tuple[tuple[bytes, bytes], ...]:
    """The cookie that keeps a code until its person has logged in; nothing for what is no code."""
    user_code = read_user_code(code)
    return () if user_code is None else (set_cookie(_CODE_COOKIE, user_code, LIFETIME_SECONDS),)


def _with(answer: Answer, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    return Answer(answer.status, (*answer.headers, *headers), answer.body)


def _purpose(session: Session, user_code: str = "") -> str:
    """What a form is for: this session, and in the question this code."""
    return f"device {session.id} {user_code}"
