"""What a post says in each of its reads, such as where it stands: kept once, and named by number."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg

from platepost.department.custody.codec import constants_form, constants_of
from platepost.department.custody.record import CustodyRecord, RecordVerdict
from platepost.wire.records.envelope import TYPES
from platepost.wire.records.read import Read


class EncodedRecord(NamedTuple):
    """A record's last columns, as `RecordRow` has them."""

    codec: int
    body: bytes
    constants: int | None = None
    parts: bytes | None = None


class ConstantsTable:
    """Enters what is new. What it remembers is worth nothing once a transaction has failed.

    Args:
        connection: the keeper's.

    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._latest: dict[str, tuple[object, int, bytes]] = {}
        """Of each post, what it said last, the number of that, and the parts."""

    def encode(self, record: CustodyRecord, *, verdict: str, key: str | None, group: str | None) -> EncodedRecord:
        """Return a record as it is to be stored, without what its post says each time if it is an open, genuine read.

        Args:
            record: the record.
            verdict: what it is.
            key: thumbprint of the key that signed it.
            group: the covert group that it belongs to.

        Raises:
            psycopg.Error: the database refuses.

        """
        is_read = record.event is not None and verdict == RecordVerdict.GENUINE and record.type == TYPES[Read]
        if record.event is None or not is_read or key is None or group is not None:
            return EncodedRecord(*record.encoded())
        fields = (record.topic, record.type, key, constants_of(record.event))
        latest = self._latest.get(record.post)
        if latest is None or latest[0] != fields:
            latest = self._latest[record.post] = fields, *self._entered(*fields)
        _, number, parts = latest
        return EncodedRecord(*record.encoded(parts), number, parts)

    def _entered(self, topic: str, kind: str, key: str, constants: Iterable[dict[str, Any]]) -> tuple[int, bytes]:
        parts = constants_form(constants)
        digest = sha256(b"\n".join((topic.encode(), kind.encode(), key.encode(), parts))).digest()
        self._connection.execute(
            "INSERT INTO custody_constants (digest, topic, type, key, parts) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [digest, topic, kind, key, parts],
        )
        select = "SELECT number FROM custody_constants WHERE digest = %s"
        ((number,),) = self._connection.execute(select, [digest]).fetchall()
        return number, parts
