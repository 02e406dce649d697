"""What a logout request asks (OpenID Connect RP-Initiated Logout 1.0, 2 and 3), checked.

Nobody is sent to an address that the client has not named, letter by letter. An ID token that is none of ours, or whose
key is gone, is as good as none: then the person is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from sumun.directory.client import RegisteredClient
from sumun.oauth.authorize.request import MAX_STATE
from sumun.oauth.clients import FindClient
from sumun.oauth.id_tokens import Hint, read_hint
from sumun.oauth.page_answers import PageError
from sumun.pages import Fault
from sumun.tokens.signing_keys import KeyRing

PARAMETERS: Final = frozenset(
    {"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}
)
"""Those of section 2."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """client      who asks; None: the person alone
    hint           the ID token that the client shows: in which session it was told who somebody is; None: it shows none
    returns_to     the client's address, as it is sent there, with its `state`; or empty
    carried        what a form of ours has to carry on
    """

    client: RegisteredClient | None
    hint: Hint | None
    returns_to: str
    carried: Mapping[str, str]
    ui_locales: str = ""


class LogoutRequests:
    """Reads them."""

    def __init__(
        self, find_client: FindClient, keys: Callable[[], KeyRing], clock: Callable[[], float], issuer: str
    ) -> None:
        """`clock` gives unix seconds."""
        self._find_client = find_client
        self._keys = keys
        self._clock = clock
        self._issuer = issuer

    async def read(self, given: Mapping[str, str]) -> LogoutRequest:
        """Raises PageError, OutageError."""
        if len(given.get("state", "")) > MAX_STATE:
            raise PageError(Fault.APPLICATION, 400, f"state is longer than {MAX_STATE} characters")
        hint = self._hint(given.get("id_token_hint", ""))
        client_id = given.get("client_id") or ("" if hint is None else hint.client_id)
        if hint is not None and client_id != hint.client_id:
            raise PageError(Fault.APPLICATION, 400, "client_id is not the client of id_token_hint")
        client = await self._find_client(client_id) if client_id else None
        if client_id and (client is None or client.disabled):
            raise PageError(Fault.UNKNOWN_APPLICATION, 400)
        address, state = given.get("post_logout_redirect_uri", ""), given.get("state", "")
        if address and client is None:
            raise PageError(
                Fault.APPLICATION, 400, "post_logout_redirect_uri needs id_token_hint or client_id beside it"
            )
        if address and client is not None and address not in client.post_logout_redirect_uris:
            raise PageError(Fault.BAD_RETURN, 400, "post_logout_redirect_uri is not one of the client's")
        names = ("post_logout_redirect_uri", "state", "ui_locales")
        carried = {name: given[name] for name in names if name in given}
        return LogoutRequest(
            client,
            hint,
            _with_state(address, state),
            carried | ({"client_id": client_id} if client_id else {}),
            given.get("ui_locales", ""),
        )

    def _hint(self, text: str) -> Hint | None:
        return read_hint(text, self._keys(), self._issuer, self._clock()) if text else None


def _with_state(address: str, state: str) -> str:
    if not address or not state:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'state': state})}"
