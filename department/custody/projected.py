"""The rows that people see, as they are in the database: one of each projection for a record, or none."""

from datetime import datetime
from typing import Any, TypeAlias

import psycopg

from platepost.department.custody.projections import Projection, Row
from platepost.department.custody.record import RecordRow

Place: TypeAlias = tuple[int, str, datetime]
"""What a row is found by: the record's id, its class, and from when it is retained."""


def placed(stored: RecordRow, row: Row) -> Row:
    """Return a row with what all projections have of its record: the values of `Projection.all_columns`."""
    return (*stored.where, stored.post, stored.covert_group, *row)


def found_rows(
    connection: psycopg.Connection[Any], projection: Projection, *, after: int, end: int
) -> dict[Place, Row]:
    """Return the rows of records whose ids are higher than `after` and no higher than `end`."""
    select = f"SELECT {', '.join(projection.all_columns)} FROM {projection.table}"  # noqa: S608 - our own names
    rows = connection.execute(f"{select} WHERE record_id > %s AND record_id <= %s", [after, end])
    return {(row[0], row[1], row[2]): row for row in rows}
