"""The certificate of a purge: what went, by whose word, and the ends by which what remains is proved without a gap.

It is a compact JWS by the custodian's key. The records that went are named by lines of JSON beside it, one for each run
that the records' own hashes join: `[post, chain, first, last, previous, digest, proven]`. The certificate has how many
lines there are and the SHA-256 of all of them, each ended by a newline, in the order of their text's bytes.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import psycopg
from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, ValidationError

from platepost.common.errors import RecordError
from platepost.department.custody.errors import CustodyError
from platepost.wire.jose import sign
from platepost.wire.records.jws import read_compact

TYPE = "platepost-purge+jwt"
LARGEST = 1_000_000
"""Bytes of the largest certificate."""
_AT_ONCE = 10_000
_LINES = """
SELECT line FROM (
    SELECT json_build_array(
        post, chain, first, last, encode(previous, 'hex'), encode(digest, 'hex'), proven
    )::text AS line
    FROM custody_purged WHERE plan = %s AND covert_group IS NOT DISTINCT FROM %s
) AS lines ORDER BY line COLLATE "C"
"""


class Certified(BaseModel):
    """A part of a certificate."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PurgedLines(Certified):
    """What lines beside the certificate say."""

    count: int
    sha256: str


class PurgedPart(Certified):
    """What went of one class, by the time from which its records were kept."""

    retention: str
    begins: str
    """UTC, or `-infinity`, where records went one by one."""
    ends: str
    records: int
    reads: int
    hits: int
    pictures: int
    held: int
    """Records that stay beside, for someone holds them or others are judged by them."""


class PurgeCertificate(Certified):
    """What a purge did."""

    version: int = 1
    plan: UUID
    replays: UUID | None
    """The plan that went before, in a database that was restored since."""
    agency: str
    custodian: str
    law: str
    covert_group: str | None
    """Of what this is: of a covert group's records, or, with None, of all others."""
    planned_by: str
    approved_by: str
    resolution: str | None
    resolution_date: date | None
    attorney: str | None
    consent_date: date | None
    review: str | None
    begun_at: datetime
    done_at: datetime
    parts: tuple[PurgedPart, ...]
    ranges: PurgedLines
    held: PurgedLines
    """Ids of the records that were held, a line each, in ascending order."""

    def signed(self, key: ECKey) -> str:
        """Return it as a compact JWS."""
        return sign(self.model_dump_json().encode(), key, typ=TYPE, kid=key.thumbprint()).decode("ascii")


def read_certificate(text: str, keys: Sequence[ECKey]) -> PurgeCertificate:
    """Read a certificate.

    Args:
        text: the compact JWS.
        keys: the custodian's, one of which must have signed it.

    Raises:
        CustodyError: none has, or it is no certificate.

    """
    try:
        payload, _ = read_compact(text.encode(), typ=TYPE).payload_by(keys, largest=LARGEST)
        return PurgeCertificate.model_validate_json(payload)
    except (RecordError, ValidationError, UnicodeError) as error:
        raise CustodyError("the certificate is not signed by the custodian, or is damaged") from error


def certifying_keys(folder: Path) -> list[ECKey]:
    """Return the public keys beside the certificates in a folder."""
    return [ECKey.import_key(path.read_text("ascii")) for path in sorted(folder.glob("*.pem"))]


def range_lines(connection: psycopg.Connection, plan: UUID, group: str | None) -> Iterator[bytes]:
    """Yield the lines of what went by a plan, of a covert group or of all others; within a transaction."""
    with connection.cursor("purged_lines") as cursor:
        cursor.itersize = _AT_ONCE
        for (line,) in cursor.execute(_LINES, [plan, group]):
            yield line.encode()


def summed(lines: Iterable[bytes]) -> PurgedLines:
    """Count lines, and return their digest."""
    count, digest = 0, sha256()
    for line in lines:
        count += 1
        digest.update(line + b"\n")
    return PurgedLines(count=count, sha256=digest.hexdigest())


def id_lines(ids: Iterable[int]) -> Iterator[bytes]:
    """Yield the lines of records' ids."""
    return (json.dumps(number).encode() for number in sorted(ids))
