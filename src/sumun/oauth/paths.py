"""Paths that more than one file of this server names."""

from __future__ import annotations

from typing import Final

AUTHORIZE_PATH: Final = "/oauth/authorize"
CONSENT_PATH: Final = "/oauth/consent"
DEVICE_AUTHORIZATION_PATH: Final = "/oauth/device_authorization"
DEVICE_PATH: Final = "/oauth/device"
LOGIN_PATH: Final = "/login"
LOGIN_START_PATH: Final = "/login/start"
LOGIN_CONTINUE_PATH: Final = "/login/continue"
LOGIN_HANDOFF_PATH: Final = "/login/handoff"
LOGOUT_PATH: Final = "/oauth/logout"
REGISTER_PATH: Final = "/oauth/register"
PAR_PATH: Final = "/oauth/par"
