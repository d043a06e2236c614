"""Where pictures lie: beside their records in the database. A store of objects may take the place of these functions.

They are `bytea` in the partitions of their records, and go when the records go. A picture is put only if its bytes are
those that its record names, so its digest is the one that was signed. The rights and the row security of the
connection's role hold.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import psycopg

from department.custody.errors import CustodyError
from department.custody.record import PictureBytes, RecordRow
from department.database.copy import copy_into


def put_pictures(connection: psycopg.Connection[Any], pictures: Iterable[tuple[RecordRow, PictureBytes]]) -> None:
    """Keep pictures of records, durable when the transaction is. One that is kept already stays.

    Once a transaction: by the temporary table `new_picture`, which its end empties.
    """
    rows = ((*record.where, record.covert_group, *picture) for record, picture in pictures)
    copy_into(connection, "new_picture", rows)
    connection.execute("INSERT INTO custody_picture TABLE new_picture ON CONFLICT DO NOTHING")


def pictures_of(connection: psycopg.Connection[Any], records: Sequence[int]) -> dict[int, tuple[PictureBytes, ...]]:
    """Return the pictures of records, by the records' ids, as far as they are kept.

    Raises:
        CustodyError: the bytes of one are not those that were kept.

    """
    # Planned once a session, where the session allows it: with weekly partitions that takes longer than all else.
    rows = psycopg.Cursor(connection).execute(
        "SELECT record_id, kind, media_type, width, height, sha256, body FROM custody_picture"
        " WHERE record_id = ANY (%s) ORDER BY record_id, kind DESC",
        [list(records)],
        prepare=True,
    )
    found: dict[int, tuple[PictureBytes, ...]] = {}
    for record, *of_picture in rows:
        picture = PictureBytes(*of_picture)
        if sha256(picture.body).digest() != picture.sha256:
            raise CustodyError(f"a picture of record {record} is damaged")
        found[record] = (*found.get(record, ()), picture)
    return found
