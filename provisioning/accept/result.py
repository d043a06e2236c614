"""What each step of an acceptance came to, kept on the unit until the whole is done: an interruption costs nothing."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from device.durable import write_durably

FILE = "acceptance.progress.json"
GOOD_FOR = timedelta(hours=12)
"""How long a step that went well need not be done again."""


class Picture(BaseModel):
    """One picture of the report."""

    model_config = ConfigDict(frozen=True)

    caption: str
    jpeg: str
    """Base64."""

    @classmethod
    def of(cls, caption: str, jpeg: bytes) -> "Picture":
        """Take the bytes of a JPEG."""
        return cls(caption=caption, jpeg=base64.b64encode(jpeg).decode("ascii"))


class Result(BaseModel):
    """One line of the checklist."""

    model_config = ConfigDict(frozen=True)

    point: str
    good: bool
    said: str
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    pictures: tuple[Picture, ...] = ()


class Progress(BaseModel):
    """The steps done so far; another configuration or another technician begins anew."""

    configuration: str
    technician: str
    began: datetime = Field(default_factory=lambda: datetime.now(UTC))
    steps: dict[str, tuple[Result, ...]] = Field(default_factory=dict)

    @classmethod
    def resume(cls, folder: Path, *, configuration: str, technician: str) -> "Progress":
        """Take up what was begun, or begin: what is too old, failed or not to be read is done again."""
        fresh = cls(configuration=configuration, technician=technician)
        try:
            found = cls.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError):
            return fresh
        if (found.configuration, found.technician) != (configuration, technician):
            return fresh
        since = datetime.now(UTC) - GOOD_FOR
        kept = {
            step: results
            for step, results in found.steps.items()
            if all(result.good and result.at > since for result in results)
        }
        return found.model_copy(update={"steps": kept}) if kept else fresh

    def done(self, step: str) -> bool:
        """Say whether a step went well already."""
        return step in self.steps and all(result.good for result in self.steps[step])

    def note(self, folder: Path, step: str, results: Sequence[Result]) -> None:
        """Keep what a step came to. Raises OSError."""
        self.steps[step] = tuple(results)
        write_durably(folder / FILE, self.model_dump_json().encode())

    @staticmethod
    def forget(folder: Path) -> None:
        """Begin anew next time."""
        (folder / FILE).unlink(missing_ok=True)
