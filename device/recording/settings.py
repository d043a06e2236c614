"""The table `recording` of the configuration."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from platepost.common.settings import Section


class RecordingSettings(Section):
    """Recording what the camera sees: never unless allowed here, and requested by a person with a purpose."""

    allowed: bool = Field(default=False, description="Whether this post may record when a person at the unit asks.")
    recipient_key: Path | None = Field(
        default=None, description="PEM of the public key to which recordings are encrypted; the post cannot open them."
    )
    directory: Path = Field(default=Path("state/recordings"), description="Folder of recordings and requests.")
    color: bool = Field(default=True, description="Whether colors are recorded too; without them it takes half.")
    longest_minutes: float = Field(default=10, gt=0, le=240, description="A recording ends automatically then.")
    largest_megabytes: float = Field(default=2000, gt=0, le=10_000_000, description="And when it is as large as this.")
    total_megabytes: float = Field(
        default=4000, gt=0, le=10_000_000, description="How much disk all recordings may take."
    )
    free_megabytes: float = Field(default=500, ge=0, le=10_000_000, description="What must remain free on the disk.")
    keep_hours: float = Field(default=72, gt=0, le=8760, description="A recording that no one fetched is deleted then.")
    least_purpose: int = Field(default=8, ge=1, le=200, description="Fewest characters of a purpose.")

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if self.allowed and self.recipient_key is None:
            raise ValueError("recording is allowed, but recipient_key is not set")
        return self
