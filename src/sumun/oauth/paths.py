"""Paths that more than one file of this server names."""

from __future__ import annotations

from typing import Final

AUTHORIZE_PATH: Final = "/oauth/authorize"
CONSENT_PATH: Final = "/oauth/consent"
LOGIN_PATH: Final = "/login"
PAR_PATH: Final = "/oauth/par"
