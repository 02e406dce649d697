"""The keys of clients that publish them: when they are fetched, and how long they are believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sumun.login.fetched_keys import (
    FRESH_SECONDS,
    MOST_KEYS,
    PAUSE_SECONDS,
    STALE_SECONDS,
    FetchedKeys,
    KeySetUnavailableError,
    read_key_set,
)
from sumun.tokens.signing_keys import SigningKey
from tests.unit.login.key_sets import Web

URI = "https://partner.example/jwks.json"


def jwk(kid: str = "", **changes: Any) -> dict[str, Any]:
    """A public key of this name."""
    public = {**SigningKey.generate("ES256").public_jwk, **changes}
    return {**public, "kid": kid} if kid else {k: v for k, v in public.items() if k != "kid"}


def page(*keys: dict[str, Any]) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": keys}).encode()


class World:
    """A client that publishes, a clock that stands still, and what is known of both."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.web = Web({URI: page(jwk("one"))})
        self.keys = FetchedKeys(self.web.fetch, lambda: self.now)

    async def kids(self, kid: str | None = "one") -> list[str]:
        """The names of the keys that are known when a client names this one."""
        found = json.loads(await self.keys.of(URI, kid, private=False))
        return [one["kid"] for one in found["keys"]]


def story(check: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def whole() -> None:
            await check(World())

        asyncio.run(whole())

    run.__doc__ = check.__doc__
    return run


@story
async def test_fetched_once(world: World) -> None:
    """Many who ask at once, and all who ask while it is fresh, cost one fetch; then it is fetched anew."""
    assert await asyncio.gather(*(world.kids() for _ in range(20))) == [["one"]] * 20
    world.now += FRESH_SECONDS - 1
    assert await world.kids(None) == ["one"]
    assert world.web.asked == [(URI, False)]
    world.now += 1
    assert await world.kids() == ["one"]
    assert len(world.web.asked) == 2


@story
async def test_a_key_that_is_new(world: World) -> None:
    """A client that names a key that is not known has rotated: it is good at once; the one that it took out is gone."""
    await world.kids()
    world.web.pages[URI] = page(jwk("two"))
    world.now += PAUSE_SECONDS
    assert await world.kids("two") == ["two"]


@story
async def test_names_that_are_made_up(world: World) -> None:
    """Whatever is named, the client is not asked more often than now and then."""
    for number in range(100):
        assert await world.kids(f"made-up-{number}") == ["one"]
        world.now += PAUSE_SECONDS / 50
    assert len(world.web.asked) <= 3


@story
async def test_nobody_answers(world: World) -> None:
    """What was fetched is believed for a while; then, and when nothing was, it is an outage; and it comes back by itself."""
    await world.kids()
    kept = world.web.pages.pop(URI)
    world.now += STALE_SECONDS - 1
    assert await world.kids() == ["one"]
    world.now += 1
    with pytest.raises(KeySetUnavailableError):
        await world.kids()
    world.web.pages[URI] = kept
    with pytest.raises(KeySetUnavailableError):
        await world.kids()  # the last try was a moment ago
    world.now += PAUSE_SECONDS
    assert await world.kids() == ["one"]


@story
async def test_nonsense_is_no_answer(world: World) -> None:
    """What is no set of keys takes nothing away from what is known."""
    await world.kids()
    world.web.pages[URI] = b"<html>"
    world.now += FRESH_SECONDS
    assert await world.kids() == ["one"]
    other = FetchedKeys(world.web.fetch, lambda: world.now)
    with pytest.raises(KeySetUnavailableError):
        await other.of(URI, None, private=False)


@story
async def test_private_is_handed_on(world: World) -> None:
    """Whether an address may be a private one is the operator's word, for each client: nobody profits of another's."""
    await world.keys.of(URI, None, private=True)
    assert world.web.asked == [(URI, True)]
    await world.keys.of(URI, None, private=False)
    assert world.web.asked == [(URI, True), (URI, False)]


def test_keys_that_we_cannot_use() -> None:
    """They are passed over, as RFC 7517 5 has it: another type, for encryption, private; what is left counts."""
    good = jwk("good")
    others = [jwk("enc", use="enc"), {**jwk("private"), "d": "A" * 43}, {"kty": "oct", "k": "AAAA"}, 17]
    assert read_key_set(json.dumps({"keys": [*others, good]}).encode()) == [good]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 1}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "k": "AAAA"}]}',
        b"\xff",
        b'{"keys": [], "keys": []}',
    ],
)
def test_no_key_set(content: bytes) -> None:
    """Whatever else is there is an error, and an empty set is, too."""
    with pytest.raises(ValueError, match="to be a JWK Set"):
        read_key_set(content)


def test_too_many_keys() -> None:
    """More than a client can have reason to publish are an error."""
    keys = [jwk(str(number)) for number in range(MOST_KEYS + 1)]
    assert len(read_key_set(page(*keys[1:]))) == MOST_KEYS
    with pytest.raises(ValueError, match="21 keys"):
        read_key_set(page(*keys))
