"""Where pictures lie: beside their records in the database. A store of objects may take its place by this interface.

A picture is put only if its bytes are those that its record names, so its digest is the one that was signed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import psycopg

from department.custody.errors import CustodyError
from department.custody.record import Filing, PictureBytes


@dataclass(frozen=True, slots=True)
class FiledPicture:
    """A picture and the record that it belongs to."""

    record: int
    """The record's id."""
    filing: Filing
    """The record's: the picture goes when the record goes."""
    picture: PictureBytes


class PictureStore(Protocol):
    """Keeps pictures."""

    def put(self, pictures: Iterable[FiledPicture]) -> None:
        """Keep pictures, durable when the transaction is that keeps their records. One that is kept already stays."""
        ...

    def get(self, record: int) -> tuple[PictureBytes, ...]:
        """Return the pictures of a record, as far as they are kept.

        Raises:
            CustodyError: the bytes of one are not those that were kept.

        """
        ...


class DatabasePictures:
    """Pictures as `bytea`, in the partitions of their records.

    Args:
        connection: within whose transaction it works; the role's rights and row security hold.

    """

    COLUMNS = (
        *("record_id", "class", "retained_from", "covert_group"),
        *("kind", "media_type", "width", "height", "sha256", "body"),
    )
    TYPES = ("int8", "text", "timestamptz", "text", "text", "text", "int4", "int4", "bytea", "bytea")

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def put(self, pictures: Iterable[FiledPicture]) -> None:
        """See `PictureStore`. Once a transaction: by the temporary table `new_picture`, which its end empties."""
        with self._connection.cursor() as cursor:
            with cursor.copy("COPY new_picture FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(self.TYPES)
                for filed in pictures:
                    at, one = filed.filing, filed.picture
                    where = (filed.record, at.retention, at.retained_from, at.covert_group)
                    copy.write_row((*where, one.kind, one.media_type, one.width, one.height, one.sha256, one.body))
            cursor.execute("INSERT INTO custody_picture TABLE new_picture ON CONFLICT DO NOTHING")

    def get(self, record: int) -> tuple[PictureBytes, ...]:
        """See `PictureStore`."""
        rows = self._connection.execute(
            "SELECT kind, media_type, width, height, sha256, body FROM custody_picture WHERE record_id = %s"
            " ORDER BY kind DESC",
            [record],
        )
        found = tuple(PictureBytes(*row) for row in rows)
        if any(sha256(picture.body).digest() != picture.sha256 for picture in found):
            raise CustodyError(f"a picture of record {record} is damaged")
        return found
