"""The tables `control` and `software` of the configuration."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from platepost.common.settings import Remote, Section

SoftwareVersion = Annotated[str, StringConstraints(pattern=r"^[0-9][0-9A-Za-z.+~]{0,62}$")]
"""A version as Debian's packages have it, without revision and epoch."""


class ControlSettings(Section):
    """Who may configure and command this post remotely."""

    directory: Path = Field(description="Folder in which what was applied and what was asked is kept.")
    configuration_key: Path = Field(description="PEM of the public key that signs this post's configuration.")
    operators_ca: Path = Field(description="PEM of the authority that certifies those who may command this post.")
    trial_minutes: float = Field(
        default=5, gt=0, le=1440, description="How long a new configuration is watched; if it fails, the last returns."
    )


class SoftwareSettings(Section):
    """Which software the department ordered. Root installs it, if its makers signed it."""

    version: Remote[SoftwareVersion | None] = Field(
        default=None, description="Version to run; without one the post keeps the software that it has."
    )
    window_begin: Remote[int] = Field(
        default=0, ge=0, le=23, description="Hour of the day, UTC, from which on it may be installed."
    )
    window_hours: Remote[int] = Field(default=24, ge=1, le=24, description="For how many hours from then.")
