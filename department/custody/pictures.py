"""Where pictures are stored: beside their records in the database, or in a bucket, of which the database has the names.

Their rows are in the partitions of their records, and go when the records go. A picture is put only if its bytes are
those that its record names, so its digest is the one that was signed. The rights and the row security of the
connection's role hold: what it may not see, it does not fetch.

An object that no row names is in `custody_unnamed_object`: from before it is put until the commit of the row that names
it, and from the commit of the purge that drops the row until it is deleted. So a crash leaves none over that is not
known. No name is used twice. There are objects that the database does not know where it was lost, and came back from a
backup.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg

from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.errors import CustodyError, PictureStoreError
from platepost.department.custody.record import PictureBytes, RecordRow
from platepost.department.database.queries import copy_into, insert_rows
from platepost.department.ledger.catalog import LedgerEvent

UNDER_WAY = timedelta(hours=1)
"""After which an object that was to be named is not being put any more."""
_AT_ONCE = 200
"""Objects that one request deletes: some stores take their time for each."""


PICTURES = (
    "SELECT record_id, kind, media_type, width, height, sha256, body, object FROM custody_picture"
    " WHERE record_id = ANY (%s) AND kind = coalesce(%s, kind) ORDER BY record_id, kind DESC"
)
"""SQL of the pictures of records. Its values: the records' ids, and a kind; of all kinds where that is None."""


def announce_objects(connection: psycopg.Connection[Any], count: int) -> list[UUID]:
    """Return new names of objects, which are known before anything is put; in no transaction."""
    names = [uuid4() for _ in range(count)]
    connection.execute("INSERT INTO custody_unnamed_object SELECT unnest(%s::uuid[])", [names])
    return names


def put_pictures(
    connection: psycopg.Connection[Any],
    pictures: Sequence[tuple[RecordRow, PictureBytes]],
    bucket: PictureBucket | None,
    names: Sequence[UUID],
) -> Callable[[], object]:
    """Begin to keep pictures of records. One that is kept already stays.

    Once a transaction: by the temporary table `new_picture`, which its end empties.

    Args:
        connection: within a transaction.
        pictures: with the records that they are of.
        bucket: where they are to be stored; in the database if None.
        names: those that were announced for this transaction, as many as there are pictures or more.

    Returns:
        What is to be called before the commit: then they are as durable as that.

    Raises:
        PictureStoreError: also when called; the bucket does not take them.

    """
    if bucket is None:
        rows = [(*_columns(*picture), picture[1].body, None) for picture in pictures]
    else:
        named = zip(pictures, names[: len(pictures)], strict=True)
        rows = [(*_columns(*picture), None, name) for picture, name in named]
    ending = "ON CONFLICT DO NOTHING RETURNING object"
    new = insert_rows(connection, "custody_picture", "new_picture", rows, ending).fetchall()
    if bucket is None:
        return lambda: None
    bodies = {name: picture.body for (_, picture), name in zip(pictures, names, strict=False)}
    put = bucket.put({name: bodies[name] for (name,) in new})

    def finished() -> None:
        put()
        cursor = connection.execute("DELETE FROM custody_unnamed_object WHERE object = ANY (%s)", [list(names)])
        if cursor.rowcount != len(names):
            raise PictureStoreError("storing took too long, and the pictures were deleted: it is tried again")

    return finished


def pictures_of(
    connection: psycopg.Connection[Any],
    records: Sequence[int],
    bucket: PictureBucket | None,
    *,
    kind: str | None = None,
    lacking: dict[int, str] | None = None,
) -> dict[int, tuple[PictureBytes, ...]]:
    """Return the pictures of records, by the records' ids, as far as they are kept.

    Args:
        connection: of a role that may see them.
        records: the ids.
        bucket: where some are.
        kind: which of them; all if None.
        lacking: takes by record why a picture that is kept cannot be shown; without it, that is an error.

    Raises:
        PictureStoreError: the bucket does not answer.
        CustodyError: the bytes of one are not those that were kept, or it is missing.

    """
    # Planned once a session, where the session allows it: with weekly partitions that takes longer than all else.
    rows = psycopg.Cursor(connection).execute(PICTURES, [list(records), kind], prepare=True)
    return with_bodies(rows.fetchall(), bucket, lacking=lacking)


def with_bodies(
    listed: Sequence[tuple[Any, ...]], bucket: PictureBucket | None, *, lacking: dict[int, str] | None = None
) -> dict[int, tuple[PictureBytes, ...]]:
    """Return the pictures of the rows of `PICTURES`, by the records' ids; errors are those of `pictures_of`."""
    away: PictureStoreError | None = None
    try:
        bodies = objects_of(bucket, (name for *_, name in listed))
    except PictureStoreError as error:
        bodies, away = {}, error
    pictures: dict[int, tuple[PictureBytes, ...]] = {}
    for record, *of_picture, body, name in listed:
        if name is not None:
            body = bodies.get(name)  # noqa: PLW2901 - the same, from elsewhere
        picture = PictureBytes._make([*of_picture, body or b""])
        problem: CustodyError | None = None
        if body is None:
            problem = away or CustodyError(f"a picture of record {record} is missing in the picture bucket")
        elif sha256(body).digest() != picture.sha256:
            problem = CustodyError(f"a picture of record {record} is damaged")
        if problem is None:
            pictures[record] = (*pictures.get(record, ()), picture)
        elif lacking is None:
            raise problem
        else:
            lacking[record] = "the store that has it does not answer" if problem is away else str(problem)
    return pictures


def objects_of(bucket: PictureBucket | None, names: Iterable[UUID | None]) -> dict[UUID, bytes]:
    """Return the objects of rows, as far as they are there. Raises PictureStoreError: there is no bucket, or no answer.

    Args:
        bucket: where they are stored.
        names: what the rows say; None is of one that is in the database.

    """
    requested = [name for name in names if name is not None]
    if not requested:
        return {}
    return _needed(bucket).get(requested)


def delete_unnamed(connection: psycopg.Connection[Any], bucket: PictureBucket | None) -> int:
    """Delete the objects that no picture names: what purges let go, and what was put without a commit; return how many.

    Args:
        connection: of a role that may delete in `custody_unnamed_object`, autocommit.
        bucket: where they are stored.

    Raises:
        PictureStoreError: the bucket does not answer, or there is none. A later call goes on.
        psycopg.Error: the database refuses.

    """
    count, last = 0, UUID(int=0)
    while True:
        with connection.transaction():
            rows = connection.execute(
                "DELETE FROM custody_unnamed_object WHERE object IN (SELECT object FROM custody_unnamed_object"
                " WHERE object > %s AND since < clock_timestamp() - %s ORDER BY object LIMIT %s) RETURNING object",
                [last, UNDER_WAY, _AT_ONCE],
            )
            deleted = [name for (name,) in rows]
            if not deleted:
                return count
            _needed(bucket).delete(deleted)
        count, last = count + len(deleted), max(deleted)


class StrayObjects(NamedTuple):
    """Objects of a bucket that the database does not know."""

    listed: int
    """How many objects there are, known or not, put at any time."""
    stray: int
    """How many are not known."""
    size: int
    """Their bytes."""
    first: datetime | None
    """When the first of them was put; None where there are none."""
    last: datetime | None


def find_stray(
    connection: psycopg.Connection[Any], bucket: PictureBucket, *, before: datetime, deleted_by: str | None = None
) -> StrayObjects:
    """Find the objects that neither a picture nor `custody_unnamed_object` names: those of a lost database.

    Once a session: by temporary tables.

    Args:
        connection: of the owner, autocommit.
        bucket: what is gone through.
        before: only those that were put before this moment.
        deleted_by: who deletes them, with all that `delete_unnamed` deletes, as the ledger says then; no one if None.

    Raises:
        PictureStoreError: the bucket does not answer. What it had to delete is known then, and goes at night.
        psycopg.Error: the database refuses; also where it would hide a picture from this role.

    """
    connection.execute("SET row_security = off")  # an error, in the place of a row that is not seen
    connection.execute("CREATE TEMPORARY TABLE listed_object (object uuid, put_at timestamptz, size bigint)")
    listed = 0
    for page in bucket.listed():
        copy_into(connection, "listed_object", page)
        listed += len(page)
    connection.execute("ANALYZE listed_object")
    # Listed first, known afterward: a name is known before its object is put.
    connection.execute("CREATE TEMPORARY TABLE stray_object (LIKE listed_object)")
    connection.execute(_STRAY, [before])
    fetched = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0)::bigint, min(put_at), max(put_at) FROM stray_object"
    )
    objects = StrayObjects(listed, *fetched.fetchall()[0])
    if deleted_by is not None and objects.stray:
        fields = {"person": deleted_by, "count": objects.stray, "size": objects.size, "before": before.isoformat()}
        with connection.transaction():  # from its end on they go, if not now then at night
            connection.execute(
                "INSERT INTO custody_unnamed_object (object, since) SELECT object, put_at FROM stray_object"
                " ON CONFLICT DO NOTHING"
            )
            event = LedgerEvent.PICTURES_DELETED.value
            connection.execute("SELECT ledger_append(%s, NULL, %s)", [event, json.dumps(fields)])
        delete_unnamed(connection, bucket)
    return objects


_STRAY = """
INSERT INTO stray_object SELECT * FROM listed_object AS listed WHERE put_at < %s
AND NOT EXISTS (SELECT FROM custody_picture AS stored WHERE stored.object = listed.object)
AND NOT EXISTS (SELECT FROM custody_unnamed_object AS unnamed WHERE unnamed.object = listed.object)
"""


def _columns(record: RecordRow, picture: PictureBytes) -> tuple[Any, ...]:
    """Return the values of a picture's row except for where its bytes are."""
    return (*record.where, record.covert_group, *picture[:-1])


def _needed(bucket: PictureBucket | None) -> PictureBucket:
    if bucket is None:
        raise PictureStoreError("pictures lie in a bucket, and department.toml names no `picture_bucket`")
    return bucket
