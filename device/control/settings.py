"""The table `control` of the configuration."""

from pathlib import Path

from pydantic import Field

from platepost.common.settings import Section


class ControlSettings(Section):
    """Who may configure and command this post remotely."""

    directory: Path = Field(description="Folder in which what was applied and what was asked is kept.")
    configuration_key: Path = Field(description="PEM of the public key that signs this post's configuration.")
    operators_ca: Path = Field(description="PEM of the authority that certifies those who may command this post.")
    trial_minutes: float = Field(
        default=5, gt=0, le=1440, description="How long a new configuration is watched; if it fails, the last returns."
    )
