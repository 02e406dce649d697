"""The catalogue of the golden configurations: our own kinds, and one of somebody who uses pydantic's own types."""

from __future__ import annotations

from pydantic import Field, field_validator

from sumun.config.values import Section
from sumun.login.kinds import KINDS
from sumun.plugins import AUTHENTICATOR, Catalogue, Kind


class PlainSettings(Section):
    """Settings of a plug-in that knows nothing of our markers."""

    host: str
    port: int = 389
    tls: bool = True
    bases: list[str] = Field([], max_length=2)
    password: str = Field("", max_length=5)

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str) -> str:
        if host == "nowhere":
            raise ValueError(f"{host} is nowhere")
        return host


def build() -> None:
    """Nothing is built here."""


PLAIN = Kind(AUTHENTICATOR, "plain", f"{__name__}:PlainSettings", f"{__name__}:build")
CATALOGUE = Catalogue([*KINDS, PLAIN])
