"""The account on one page (`GET /account`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter

from sumun.config.plan import Sentence
from sumun.directory import LastingLogin, StoredGrant
from sumun.oauth.account.people import AccountReader, keeps_password_here
from sumun.oauth.account.visit import ACCOUNT, Visit, Visits
from sumun.oauth.clients import FindClient, shown_name
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.page_answers import PageError, parameter
from sumun.pages import (
    AccountPage,
    Fault,
    GrantedApplication,
    LoggedInApplication,
    Notice,
    Person,
    SeenSession,
    asked_permissions,
    render_account,
)
from sumun.sessions import Session, Sessions


class AccountEndpoint:
    """Shows it."""

    def __init__(
        self,
        visits: Visits,
        people: AccountReader,
        sessions: Sessions,
        find_client: FindClient,
        vocabulary: Mapping[str, Sentence],
        clock: Callable[[], float],
    ) -> None:
        """`vocabulary`: permission -> words; `clock`: unix seconds."""
        self._visits = visits
        self._people = people
        self._sessions = sessions
        self._find_client = find_client
        self._vocabulary = vocabulary
        self._clock = clock

    async def answer(self, request: Request) -> Answer:
        """One request. Raises PageError (another path below the account's), OutageError."""
        if request.path != ACCOUNT:
            raise PageError(Fault.NOT_FOUND, 404)
        visit = await self._visits.of(request)
        if isinstance(visit, Answer):
            return visit
        user = await self._people.user(visit.user_id)
        applications = [
            await self._application(visit, grant) for grant in await self._people.grants(visit.user_id)
        ]
        logins = [
            await self._login(client_id, list(each))
            for client_id, each in _by_client(await self._people.lasting_logins(visit.user_id))
        ]
        page = AccountPage(
            visit.frame(ACCOUNT),
            visit.hidden,
            Person(visit.user_id, "" if user is None else user.display_name),
            tuple(applications),
            tuple(logins),
            _shown(await self._sessions.of_user(visit.user_id), visit.session),
            self._clock(),
            password_here=user is not None and keeps_password_here(user),
            notice=_notice(request),
        )
        return visit.shown(render_account(page))

    async def _application(self, visit: Visit, grant: StoredGrant) -> GrantedApplication:
        client = await self._find_client(grant.client_id)
        words = (*map(str, grant.scopes), *grant.openid)
        return GrantedApplication(
            grant.id,
            grant.client_id if client is None else shown_name(client),
            asked_permissions(words, self._vocabulary, visit.locale),
            grant.created_at_ms / 1000,
        )

    async def _login(self, client_id: str, logins: list[LastingLogin]) -> LoggedInApplication:
        client = await self._find_client(client_id)
        return LoggedInApplication(
            client_id,
            client_id if client is None else shown_name(client),
            len(logins),
            min(one.created_at_ms for one in logins) / 1000,
            max(one.used_at_ms for one in logins) / 1000,
        )


def _by_client(logins: list[LastingLogin]) -> Iterator[tuple[str, Iterator[LastingLogin]]]:
    return groupby(sorted(logins, key=attrgetter("client_id")), attrgetter("client_id"))


def _shown(sessions: list[Session], current: Session) -> tuple[SeenSession, ...]:
    """This browser first, then the one that was used last."""
    return tuple(
        SeenSession(
            one.id,
            one.id == current.id,
            one.user_agent,
            one.source,
            one.created_at_ms / 1000,
            one.last_seen_ms / 1000,
        )
        for one in sorted(sessions, key=lambda one: (one.id != current.id, -one.last_seen_ms))
    )


def _notice(request: Request) -> Notice | None:
    said = parameter(request, "done")
    return Notice(said) if said in tuple(Notice) else None
