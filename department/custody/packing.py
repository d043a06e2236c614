"""Rebuilds the indexes of weeks that ended.

Nothing comes into them any more, and their pages are half-filled as far as rows came in another order than theirs.
"""

from datetime import date
from typing import Any

import psycopg
from psycopg import sql

_PACKED = "its indexes were rebuilt"
"""Stands as a comment on a partition: it is done once."""
_PATIENCE = "1min"
"""For how long it waits for a transaction of someone else."""
# Leaves of a week, by its Monday in their names; as text, since other relations have names that end with digits.
_ENDED = """
SELECT relid::regclass::text FROM custody_parted, pg_partition_tree(table_name::regclass)
JOIN pg_class ON pg_class.oid = relid
WHERE isleaf AND relname ~ '_[0-9]{8}$' AND right(relname, 8) <= to_char(%s::date - 7, 'YYYYMMDD')
AND obj_description(relid, 'pg_class') IS DISTINCT FROM %s ORDER BY 1
"""
# What a building left that was cut off.
_LEFT = """
SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = %s::regclass AND NOT indisvalid AND relname ~ '_cc(new|old)[0-9]*$'
"""


def pack_ended_weeks(connection: psycopg.Connection[Any], *, today: date) -> list[str]:
    """Rebuild the indexes of each week's partitions that ended before a day; return the partitions.

    Keeping and searching go on meanwhile. One that was cut off is done again.

    Args:
        connection: the owner's, autocommit.
        today: in UTC.

    Raises:
        psycopg.Error: the database refuses, or a transaction is open for too long; those before are done.

    """
    connection.execute("SELECT set_config('lock_timeout', %s, false)", [_PATIENCE])
    packed = [table for (table,) in connection.execute(_ENDED, [today, _PACKED]).fetchall()]
    for table in packed:
        for (index,) in connection.execute(_LEFT, [table]).fetchall():
            connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(index)))
        connection.execute(sql.SQL("REINDEX TABLE CONCURRENTLY {}").format(sql.Identifier(table)))
        connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(table), sql.Literal(_PACKED)))
    return packed
