"""The OAuth server: which endpoint stands at which path.

OAuthParts ── Kept ──▶ for_programs, for_people ──▶ {path: Mounted} ──▶ OAuthApp
"""

from __future__ import annotations

from sumun.oauth.app import GET, Mounted, OAuthApp
from sumun.oauth.endpoints.assets import asset_endpoints
from sumun.oauth.for_people import for_people
from sumun.oauth.for_programs import for_programs
from sumun.oauth.kept import Kept
from sumun.oauth.parts import OAuthParts
from sumun.oauth.resources import Resources

__all__ = ["OAuthParts", "oauth_app"]


def oauth_app(parts: OAuthParts) -> OAuthApp:
    """The application for one configuration; a new configuration gets a new one."""
    kept = Kept.of(parts)
    resources = Resources(parts.configured.resources, parts.settings.audience, parts.settings.origins)
    return OAuthApp(
        {
            **{path: Mounted(asset, GET) for path, asset in asset_endpoints().items()},
            **for_programs(parts, kept, resources),
            **for_people(parts, kept, resources),
        },
        origins=parts.configured.origins,
    )
