"""What damage cost, kept in the outbox until it is in the audit trail."""

import json

from device.outbox.database import Connection
from device.records import Lost, SequenceRange


def take_loss(connection: Connection) -> Lost | None:
    """Return the oldest loss that is not accounted for and mark it as accounted, within the caller's transaction."""
    row = connection.execute(
        "SELECT place, chain, records, ranges, complete FROM loss ORDER BY place LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    place, chain, records, ranges, complete = row
    connection.execute("DELETE FROM loss WHERE place = ?", (place,))
    return Lost(
        chain=chain,
        records=records,
        sequences=tuple(SequenceRange(first=first, last=last) for first, last in json.loads(ranges)),
        complete=bool(complete),
    )


def add_loss(connection: Connection, chain: str, number: int) -> None:
    """Note that a record of a former chain is given up; those of one chain are told together."""
    row = connection.execute("SELECT place, ranges FROM loss WHERE chain = ?", (chain,)).fetchone()
    if row is None:
        connection.execute(
            "INSERT INTO loss (chain, records, ranges, complete) VALUES (?, 1, ?, 1)",
            (chain, json.dumps([[number, number]])),
        )
        return
    place, ranges = row[0], json.loads(row[1])
    if ranges and ranges[-1][1] == number - 1:
        ranges[-1][1] = number
    else:
        ranges.append([number, number])
    connection.execute("UPDATE loss SET records = records + 1, ranges = ? WHERE place = ?", (json.dumps(ranges), place))
