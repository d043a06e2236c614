"""Taking back what newer software left, once software runs again that can read it.

An update that has changed the outbox's form and is undone leaves a file that the former software sets aside. When the
update comes again, or its successor, the records in that file still wait for their custodians.
"""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import sqlcipher3

from platepost.common.errors import OutboxError
from platepost.device.outbox import rows
from platepost.device.outbox.database import (
    Connection,
    companions,
    database_files,
    named_errors,
    open_database,
    schema_versions,
    version_of,
)
from platepost.device.outbox.errors import OutboxDamagedError
from platepost.device.outbox.quarantine import Quarantined, remove
from platepost.device.outbox.rebuild import MOST_RANGES

log = logging.getLogger(__name__)

REASON = "newer_version"
"""What such a file was set aside for."""
_TOGETHER = 8 * 1024 * 1024
"""Bytes of records that are committed at a time."""


def take_back(connection: Connection, path: Path, *, key: bytes, on_wait: Callable[[], None]) -> int:
    """Put the records of what was set aside of the outbox at `path` in front of its own; return how many there were.

    Their chains have ended: they go as records of former chains. A file that this software cannot read stays. Cut off,
    the same again takes what is left; a record that is here already is not taken twice. Never raises.
    """
    taken = 0
    for aside in sorted(path.parent.glob(f"{path.stem}.{REASON}-*{path.suffix}")):
        version = version_of(aside, key=key)  # first: to look at all of a large file at every start would take minutes
        if version is None or version > max(schema_versions()):
            continue
        try:
            taken_rows = _take_all(connection, aside, key=key, on_wait=on_wait)
        except OutboxDamagedError as error:
            log.error("%s is damaged: %s", aside.name, error)
            _call_damaged(aside)
        except OutboxError as error:
            log.warning("%s will be moved back later: %s", aside.name, error)
        else:
            log.warning("%d records of %s wait again", taken_rows, aside.name)
            remove(Quarantined(path=aside, reason=REASON))
            taken += taken_rows
    return taken


def _take_all(connection: Connection, aside: Path, *, key: bytes, on_wait: Callable[[], None]) -> int:
    try:
        source = open_database(aside, key=key, on_wait=on_wait)
    finally:
        with suppress(OSError):
            for file in companions(aside):
                file.unlink(missing_ok=True)
    try:
        with named_errors():
            return _take(connection, source, on_wait)
    finally:
        source.close()


def _call_damaged(aside: Path) -> None:
    """Have it kept, and not be tried at every start."""
    with suppress(OSError):
        for file in database_files(aside):
            file.rename(file.with_name(file.name.replace(REASON, "damaged", 1)))


def _take(connection: Connection, source: Connection, on_wait: Callable[[], None]) -> int:
    (count,) = source.execute("SELECT count(*) FROM record").fetchone()
    sql = "SELECT min(sequence) FROM record WHERE sequence > ?"
    place = min(0, connection.execute(sql, (rows.COVERT,)).fetchone()[0] or 0) - count
    connection.execute("BEGIN IMMEDIATE")
    try:
        taken = size = 0
        for *values, sent, chain, number in source.execute(
            "SELECT record.id, rank, type, topic, record.digest, record.time, expires, body, size, has_pictures, sent,"
            " coalesce(standing.chain, chain.id), coalesce(standing.number, record.sequence)"
            " FROM chain CROSS JOIN record LEFT JOIN standing ON standing.sequence = record.sequence"
            " ORDER BY record.sequence"
        ):
            place += 1
            if connection.execute("SELECT 1 FROM record WHERE id = ?", values[:1]).fetchone():
                continue
            standing = (str(chain), int(number))
            rows.insert_values(
                connection, place - 1, tuple(values), number=int(number), standing=standing, sent=bool(sent)
            )
            taken, size = taken + 1, size + len(values[7])
            if size > _TOGETHER:
                connection.execute("COMMIT")
                connection.execute("BEGIN IMMEDIATE")
                on_wait()
                size = 0
        _account(connection, source)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlcipher3.Error):
            connection.execute("ROLLBACK")
        raise
    return taken


def _account(connection: Connection, source: Connection) -> None:
    """Take over what custodians have signed for, and what was lost or dropped and is not told yet."""
    for table, width in (("kept", 4), ("released", 3)):
        marks = ",".join("?" * width)
        sql = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"
        connection.executemany(sql, source.execute(f"SELECT * FROM {table}").fetchall())
    losses = source.execute("SELECT chain, records, ranges, complete FROM loss ORDER BY place").fetchall()
    gaps = source.execute("SELECT first, last FROM gap ORDER BY first").fetchall()
    if gaps:
        (chain,) = source.execute("SELECT id FROM chain").fetchone()
        count, listed = sum(last - first + 1 for first, last in gaps), json.dumps(gaps[:MOST_RANGES])
        losses.append((chain, count, listed, len(gaps) <= MOST_RANGES))
    connection.executemany("INSERT INTO loss (chain, records, ranges, complete) VALUES (?, ?, ?, ?)", losses)
    (pictures,) = source.execute("SELECT pictures_pending FROM dropped").fetchone()
    connection.execute("UPDATE dropped SET pictures_pending = pictures_pending + ?", (pictures,))
