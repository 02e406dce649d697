"""The settings of browser sessions, with the reason for each default."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sumun.config.plan import SessionSettings
from sumun.config.values import Duration, Section

_DEFAULT = SessionSettings()


class SessionSection(Section):
    """How long a browser stays logged in."""

    idle: Annotated[int, Duration("2s", "30d", seconds=True)] = Field(
        _DEFAULT.idle_seconds,
        description="A login that nobody uses for so long is over. What HAProxy keeps of it lives for a quarter of "
        "this, so a login that is used within two thirds of it always goes on.",
        examples=["1h"],
    )
    absolute: Annotated[int, Duration("2s", "30d", seconds=True)] = Field(
        _DEFAULT.absolute_seconds,
        description="A login is over after so long, however much it is used: a working day, and an evening.",
        examples=["8h"],
    )
