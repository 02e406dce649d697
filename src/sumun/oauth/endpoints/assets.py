"""The stylesheet and the pictures of all pages, for a year: the path names what is in them (RFC 8246)."""

from __future__ import annotations

from sumun.oauth.exchange import Answer, Request
from sumun.pages.assets import ASSETS, Asset

_CACHE = (b"cache-control", b"public, max-age=31536000, immutable")


class AssetEndpoint:
    """Answers with one file."""

    def __init__(self, asset: Asset) -> None:
        kind = (b"content-type", asset.content_type.encode("ascii"))
        same = (b"cross-origin-resource-policy", b"same-origin")
        self._answer = Answer(200, (kind, _CACHE, same), asset.body)

    async def answer(self, request: Request) -> Answer:
        """Always the same."""
        return self._answer


def asset_endpoints() -> dict[str, AssetEndpoint]:
    """Path -> what answers there."""
    return {path: AssetEndpoint(asset) for path, asset in ASSETS.items()}
