"""The stylesheet and the pictures of the pages."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

from sumun.pages.assets import ASSETS, MARK, PRESS, STYLESHEET
from tests.conversations.oauth.oauth_server import oauth_server


def test_assets_are_kept_for_a_year(tmp_path: Path) -> None:
    """Each file is found under a path with the hash of its bytes, and may be kept for good; another hash is 404."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            for asset in ASSETS.values():
                answer = await server.call("GET", asset.path)
                assert (answer.status, answer.body) == (200, asset.body)
                assert hashlib.sha256(answer.body).hexdigest()[:12] in asset.path
                assert answer.headers["content-type"] == asset.content_type
                assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
                assert answer.headers["x-content-type-options"] == "nosniff"
            changed = re.sub(r"-[0-9a-f]{12}\.", "-000000000000.", STYLESHEET.path)
            assert (await server.call("GET", changed)).status == 404

    asyncio.run(story())


def test_nothing_comes_from_elsewhere() -> None:
    """No file names an address of another site; what the stylesheet shows besides is in it."""
    for asset in (STYLESHEET, MARK, PRESS):
        text = asset.body.decode()
        assert not re.search(r"@import|https?:(?!//www\.w3\.org/2000/svg)|<script|expression\(", text)
        assert all(
            address.startswith('"data:image/svg+xml,') for address in re.findall(r"url\(([^)]{1,20})", text)
        )
