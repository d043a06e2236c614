"""What is to be sent once more is noted, and forgotten with its record."""

import sqlite3

from platepost.device.outbox import resending


def test_what_is_gone_is_not_sent_once_more() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE record (sequence INTEGER PRIMARY KEY, rank INTEGER, sent INTEGER)")
    connection.executemany("INSERT INTO record VALUES (?, ?, ?)", [(1, 3, 1), (2, 1, 1), (3, 3, 0), (4, 3, 1)])
    resending.prepare(connection)
    resending.add(connection, range(1, 9))
    assert resending.waiting(connection) == {1, 2, 4}, "3 was never sent"
    connection.execute("DELETE FROM record WHERE sequence <= 2")
    assert resending.waiting(connection) == {4}
    resending.acknowledged(connection, 4)
    assert (resending.waiting(connection), resending.end_round(connection)) == (set(), {4})
