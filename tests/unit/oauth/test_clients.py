"""Where clients are looked for."""

from __future__ import annotations

import asyncio

import pytest

from sumun.oauth.clients import find_client


@pytest.mark.parametrize("junk", ["", "a\0b", "\u2028", "a b", "x" * 129, "가게", "-a", "'; --"], ids=ascii)
def test_an_id_that_nobody_can_have(junk: str) -> None:
    """It is nobody's, and no database is asked: PostgreSQL takes no NUL in a text, which would be our fault then."""
    asked = []

    async def registered(client_id: str) -> None:
        asked.append(client_id)

    find = find_client({}, registered)
    assert asyncio.run(find(junk)) is None
    assert not asked
    asyncio.run(find("dyn-1"))
    assert asked == ["dyn-1"]
