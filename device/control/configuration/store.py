"""What a post keeps of its remote configuration: the version in force, the one before, and how it is doing."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from platepost.common.files import StateFile
from platepost.wire.errors import NotKeptError
from platepost.wire.records import RefusedConfiguration, UtcTime

NAME = "configuration.json"


class Applied(BaseModel):
    """One configuration that was taken, as it came."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jws: str
    at: UtcTime


class Trial(BaseModel):
    """A configuration in its first minutes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    starts: int = 0
    """How often the software began since it was applied."""
    before: tuple[str, ...] = ()
    """The faults that were there already."""


class StoredConfiguration(BaseModel):
    """All that is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(default=1, ge=1, le=1)
    highest: int = Field(default=0, ge=0)
    """The highest version ever taken; it stays when that version is reverted, so that the post never takes it again."""
    signer: str | None = None
    """Thumbprint of the key that signed it; None for the one that the post was given."""
    current: Applied | None = None
    previous: Applied | None = None
    """What comes back if `current` fails its trial; None is the post's own file."""
    trial: Trial | None = None
    refused: RefusedConfiguration | None = None

    def with_(self, **changes: object) -> Self:
        """Return the same with other members."""
        return self.model_copy(update=changes)


class ConfigurationStore:
    """The file, in a folder of the post's own."""

    def __init__(self, directory: Path) -> None:
        self._file = StateFile(directory / NAME, StoredConfiguration)

    def read(self) -> StoredConfiguration:
        """Return what is kept, nothing if nothing was kept yet.

        Raises:
            NotKeptError: the file cannot be read, or is not what was written.

        """
        try:
            return self._file.read() or StoredConfiguration()
        except (OSError, ValueError) as error:
            raise NotKeptError(f"{NAME} cannot be read") from error

    def write(self, kept: StoredConfiguration) -> None:
        """Keep it; durable on return.

        Raises:
            NotKeptError: the disk does not take it; what was kept before is there still.

        """
        try:
            self._file.write(kept)
        except OSError as error:
            raise NotKeptError(f"the configuration could not be stored: {error.strerror or error}") from error
