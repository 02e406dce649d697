"""What the OAuth server is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sumun.config.plan import TokenSettings
from sumun.identity import Permission
from sumun.login.fetched_keys import FetchedKeys
from sumun.login.throttle import LoginThrottle
from sumun.oauth.account.people import AccountReader, ChangesAccounts
from sumun.oauth.authorize.remembered import RememberedConsents
from sumun.oauth.caller import Recognises
from sumun.oauth.clients import FindClient, ReadStanding
from sumun.oauth.configured import Configured
from sumun.oauth.endpoints.register import ChangesClients, RegistrationParts
from sumun.oauth.endpoints.revoke import Revokes
from sumun.oauth.endpoints.ws_ticket import IssuesTickets, Remembers
from sumun.oauth.grants.authorization_code import EndsFamilies
from sumun.oauth.grants.password import LoginFor
from sumun.oauth.grants.refreshing import RefreshTokens
from sumun.oauth.grants.token_exchange import IsDenied
from sumun.oauth.issue import FindGrant, KeepsTokens
from sumun.oauth.presented import ReadsTokens
from sumun.oauth.proofs import JudgesProofs
from sumun.oauth.strangers import Strangers
from sumun.sessions import Sessions
from sumun.tokens.ephemeral import EphemeralStore
from sumun.tokens.signing_keys import KeyRing


class ChangesThings(Revokes, EndsFamilies, ChangesAccounts, ChangesClients, Protocol):
    """What the OAuth server needs of `changes.Changes`."""


class RecognisesAndRemembers(Recognises, Remembers, Protocol):
    """What the OAuth server needs of `recognition`."""


class Tokens(KeepsTokens, ReadsTokens, Protocol):
    """What the OAuth server needs of the token store."""


@dataclass(frozen=True, slots=True)
class OAuthParts:
    """What the OAuth server is made of. It owns none of it.

    find_client      configured and registered clients (`clients.find_client`)
    standing         what is true of any subject, configured clients too, read after the call
    remembered       the same as this process remembers it (`standings.RememberedStandings.of`)
    login_for        the login with these authenticators (`login.pipeline.Logins.login_for`)
    client_throttle  for the secrets of clients: of this process's own (`login.throttle_memory`)
    user_code_throttle   for codes of devices that people guess: one count for all nodes
    fetched_keys     the keys of clients that publish them
    strangers        counts what whoever is not known lets wait in `ephemeral`, for all nodes
    refresh          refresh tokens, under this configuration
    grant_of         what a person allowed a client, by its id, read after the call
    is_denied        whether the directory denies the JWT of this id, read after the call
    keys             today's signing keys; raises OutageError when they are not known for certain: an empty ring would
                     publish that there are none, and take every JWT for someone else's
    bundles          today's roles and what they bundle
    consents         what people allow clients
    people           their accounts
    configured       what else the configuration says
    registration     of clients that register themselves; None: nobody does
    clock            unix seconds
    """

    settings: TokenSettings
    find_client: FindClient
    standing: ReadStanding
    remembered: ReadStanding
    login_for: LoginFor
    client_throttle: LoginThrottle
    user_code_throttle: LoginThrottle
    fetched_keys: FetchedKeys
    strangers: Strangers
    store: Tokens
    changes: ChangesThings
    recogniser: RecognisesAndRemembers
    possession: JudgesProofs
    tickets: IssuesTickets
    ephemeral: EphemeralStore
    sessions: Sessions
    refresh: RefreshTokens
    grant_of: FindGrant
    is_denied: IsDenied
    keys: Callable[[], KeyRing]
    bundles: Callable[[], Mapping[str, frozenset[Permission]]]
    clock: Callable[[], float]
    consents: RememberedConsents
    people: AccountReader
    configured: Configured
    registration: RegistrationParts | None = None
