"""Whether this post was accepted: until then, a post that must be accepted reads nothing, and its status says so.

`platepost accept` writes the statement, last of all and in one step; it is signed with the post's own record key, so
that one post's acceptance is worth nothing on another.
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platepost.common.errors import RecordError
from platepost.common.files import write_durably
from platepost.device.enrollment.settings import AcceptanceSettings
from platepost.device.part import Part
from platepost.wire.errors import RefusedError
from platepost.wire.faults import Fault
from platepost.wire.jose import open_signed, sign
from platepost.wire.records import Source
from platepost.wire.records.settings import RecordSettings
from platepost.wire.records.signing import read_key

log = logging.getLogger(__name__)

TYPE = "platepost-acceptance+jws"


class Statement(BaseModel):
    """That a post was accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Literal["accepted"] = "accepted"
    agency: str
    post: str
    accepted: datetime
    accepted_by: str
    report: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the report."""


def write_statement(path: Path, statement: Statement, signing_key: Path) -> None:
    """Put a post in service. Raises OSError and RecordError."""
    key = read_key(signing_key.read_bytes())
    write_durably(path, sign(statement.model_dump_json().encode(), key, typ=TYPE, kid=key.thumbprint()))


class Acceptance(Part):
    """What a running post knows of its acceptance; looked at again when the file changes."""

    def __init__(self, settings: AcceptanceSettings, source: Source, records: RecordSettings) -> None:
        self._path = settings.file
        self._source = source
        self._records = records
        self._checked: tuple[int, int] | None = None
        self._statement: Statement | None = None

    @property
    def missing(self) -> bool:
        """Whether the post must be accepted, and is not."""
        return self._path is not None and self.statement is None

    def faults(self) -> tuple[Fault, ...]:
        """Name it if the acceptance is missing."""
        return (Fault.NOT_ACCEPTED,) if self.missing else ()

    @property
    def statement(self) -> Statement | None:
        """What was signed at the acceptance; None if nothing good was."""
        if self._path is None:
            return None
        try:
            stat = self._path.stat()
        except OSError:
            self._checked, self._statement = None, None
            return None
        if self._checked != (stat.st_mtime_ns, stat.st_size):
            self._checked = (stat.st_mtime_ns, stat.st_size)
            self._statement = self._read(self._path)
        return self._statement

    def _read(self, path: Path) -> Statement | None:
        try:
            message = path.read_bytes()
            signed = open_signed(message, typ=TYPE, key=self._key)
            statement = Statement.model_validate_json(signed.payload)
        except OSError:  # what the disk does not give now, it may give the next time
            self._checked = None
            return None
        except (RefusedError, RecordError, ValidationError, ValueError) as error:
            log.warning("the acceptance is not taken: %s", error)
            return None
        if (statement.agency, statement.post) != (self._source.agency, self._source.post):
            log.warning("the acceptance is that of %s of %s", statement.post, statement.agency)
            return None
        self._go_along(path, statement, signed.header.get("kid"))
        return statement

    def _go_along(self, path: Path, statement: Statement, signer: object) -> None:
        """Sign the acceptance again if the key changes now and vouches for the new one; it would end with the former.

        What the disk does not take is tried again at the next start: the former key is as good until it is removed.
        """
        try:
            if signer != read_key(self._records.signing_key.read_bytes()).thumbprint():
                write_statement(path, statement, self._records.signing_key)
        except (OSError, RecordError) as error:
            log.warning("the acceptance is not signed with the new key yet: %s", error)

    def _key(self, header: dict[str, Any]) -> ECKey:
        """Find the key that a statement may be signed with: the post's own, or the one before while it is kept."""
        keys = [read_key(path.read_bytes()) for path in self._records.key_files]
        return next((key for key in keys if key.thumbprint() == header.get("kid")), keys[0])
