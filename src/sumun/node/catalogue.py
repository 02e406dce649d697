"""Every kind of part that exists: ours, and those of installed distributions."""

from __future__ import annotations

from sumun.login import kinds as login_kinds
from sumun.plugins import Catalogue, installed_kinds


def catalogue() -> Catalogue:
    """What a configuration may name."""
    return Catalogue((*login_kinds.KINDS, *installed_kinds()))
