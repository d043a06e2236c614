"""What to send again although a broker acknowledged it, because no receipt has come.

Noted beside the connection and forgotten with it: after a restart it shows again what custodians have not signed for.
"""

from collections.abc import Iterable

from platepost.device.outbox.database import Connection


def prepare(connection: Connection) -> None:
    """Make the tables for a connection that was opened."""
    connection.execute(
        "CREATE TEMP TABLE again (rank INTEGER, sequence INTEGER, PRIMARY KEY (rank, sequence)) STRICT, WITHOUT ROWID"
    )
    connection.execute("CREATE TEMP TABLE fresh (sequence INTEGER PRIMARY KEY) STRICT")
    # One by one: to look all of them up takes seconds where a hundred thousand wait, and the broker hangs up meanwhile.
    connection.execute(
        "CREATE TEMP TRIGGER gone AFTER DELETE ON main.record BEGIN"
        " DELETE FROM again WHERE rank = old.rank AND sequence = old.sequence; END"
    )


def add(connection: Connection, sequences: Iterable[int]) -> None:
    """Have records that a broker acknowledged sent again, by their `sequence` in the table."""
    connection.executemany(
        "INSERT OR IGNORE INTO again SELECT rank, sequence FROM record WHERE sequence = ? AND sent = 1",
        [(sequence,) for sequence in sequences],
    )


def waiting(connection: Connection) -> set[int]:
    """Return what to send again, by its `sequence` in the table."""
    return {row[0] for row in connection.execute("SELECT sequence FROM again")}


def acknowledged(connection: Connection, sequence: int) -> None:
    """Note that a broker has just acknowledged a record that stays."""
    connection.execute("INSERT OR IGNORE INTO fresh VALUES (?)", (sequence,))
    connection.execute(
        "DELETE FROM again WHERE sequence = ? AND rank = (SELECT rank FROM record WHERE sequence = ?)",
        (sequence, sequence),
    )


def end_round(connection: Connection) -> set[int]:
    """Return what was acknowledged since this was called last."""
    fresh = {row[0] for row in connection.execute("SELECT sequence FROM fresh")}
    connection.execute("DELETE FROM fresh")
    return fresh
