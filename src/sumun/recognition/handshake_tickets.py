"""Tickets: a token's stand-in for one WebSocket handshake, for browsers, which cannot send a token with it.

A ticket stands in a URL, and URLs are logged. So it opens one WebSocket, within half a minute, and nothing else; it is
worth what its token is worth at that moment, and what it opened ends with the token.
"""

from __future__ import annotations

from typing import Final

import msgspec

from sumun.recognition.handle import Handle, Tagged, tagged
from sumun.tokens import format as token_format
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.tickets import TicketStore

LIFETIME_SECONDS: Final = 30

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Tagged).decode


class HandshakeTickets:
    """Gives tickets out, and takes each back once."""

    def __init__(self, store: TicketStore) -> None:
        """`store` stays the caller's to close."""
        self._store = store

    async def issue(self, handle: Handle, token_id: str, lifetime_seconds: int) -> str | None:
        """A new ticket for the token behind the handle; None: it has got too many of late.

        Raises StoreUnavailableError.
        """
        ticket = token_format.new(token_format.TICKET_PREFIX)
        meaning = _encode(tagged(handle))
        taken = await self._store.put(token_format.digest(ticket), meaning, token_id, lifetime_seconds * 1000)
        return ticket if taken else None

    async def redeem(self, ticket: str) -> Handle | None:
        """The handle that the ticket was issued for, once; None: spent, over, or never issued. Junk asks no store.

        Raises StoreUnavailableError.
        """
        if not token_format.is_wellformed(ticket, token_format.TICKET_PREFIX):
            return None
        meaning = await self._store.redeem(token_format.digest(ticket))
        try:
            return None if meaning is None else _decode(meaning).handle
        except msgspec.MsgspecError:
            # Another version wrote it: our outage, of the caller nothing is known.
            raise StoreUnavailableError("a ticket in the store cannot be read") from None
