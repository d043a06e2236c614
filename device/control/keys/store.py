"""What a post keeps of the statements about keys: those that lead from the key it was given to the one in force.

One JSON file for each purpose, and for each custodian, written durably before anything relies on it. It is believed for
the signatures in it only; what it says of keys that are no longer believed can only make the post refuse more.
"""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from platepost.common.files import StateFile
from platepost.wire.errors import NotKeptError
from platepost.wire.records import Purpose, RefusedKeys

MOST = 256
"""Statements that a post follows one another without one of the root's, which stands for all before it."""

CUSTODIANS = f"keys-{Purpose.CUSTODY}-"
"""How the files of custodians' keys begin; the custodian's name follows."""


class StoredWithdrawnKey(BaseModel):
    """A key that is no longer believed: retired or revoked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_key: str
    revoked: bool


class StoredKeys(BaseModel):
    """All that is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(default=1, ge=1, le=1)
    given: str | None = None
    """Thumbprint of the key that the post was given; None for a custodian that the root added."""
    statements: Annotated[tuple[str, ...], Field(max_length=MOST)] = ()
    withdrawn: tuple[StoredWithdrawnKey, ...] = ()
    refused: RefusedKeys | None = None


class KeyStore:
    """The file, in a folder of the post's own."""

    def __init__(self, directory: Path, purpose: Purpose, custodian: str | None = None) -> None:
        self._name = f"keys-{purpose}.json" if custodian is None else f"{CUSTODIANS}{custodian}.json"
        self._file = StateFile(directory / self._name, StoredKeys)

    def read(self) -> StoredKeys | None:
        """Return what is kept, None if nothing was kept yet.

        Raises:
            NotKeptError: the file cannot be read, or is not what was written.

        """
        try:
            return self._file.read()
        except (OSError, ValueError) as error:
            raise NotKeptError(f"{self._name} cannot be read") from error

    def write(self, kept: StoredKeys) -> None:
        """Keep it; durable on return.

        Raises:
            NotKeptError: the disk does not take it; what was kept before is there still.

        """
        try:
            self._file.write(kept)
        except OSError as error:
            raise NotKeptError(f"the statement could not be stored: {error.strerror or error}") from error


def stored_custodians(directory: Path) -> tuple[str, ...]:
    """Return the custodians whose keys are kept in a folder, by name; none if it cannot be read."""
    with suppress(OSError):
        return tuple(sorted(path.stem.removeprefix(CUSTODIANS) for path in directory.glob(f"{CUSTODIANS}*.json")))
    return ()
