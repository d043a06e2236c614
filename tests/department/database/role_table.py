"""Writes docs/database-roles.md: what each role of the database may do, by the grants of a new database.

::

    python -m tests.department.database.role_table
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, OWNER, ROLES, WEB
from platepost.department.folder import DATABASE_NAME
from tests.department.releases.dump import new_department

PAGE = Path(__file__).parents[3] / "docs" / "database-roles.md"
_HEAD = f"""# What each database role may do

For administrators and auditors. You can look up every right of every role, read from a new database. `make contract`
writes this page. `platepost department check` compares the rights in your database with those of its version. [What
each role is for](department-reference.md#database-roles).

`read (...)`, `add (...)`, and `change (...)` apply to these columns only. Rows: row security, or the view itself, shows
or accepts only some, such as those that an open entry of the access log covers. The functions are those that a role may
call. `{OWNER}` owns everything and is left out; triggers bind it, too. `{COMMAND}` also has the rights of `{WEB}`.
"""
_VERBS = {"SELECT": "read", "INSERT": "add", "UPDATE": "change", "DELETE": "delete", "USAGE": "use"}
_RIGHTS = """
SELECT given.rolname, c.relname, acl.privilege_type, part.attname::text,
    c.relrowsecurity OR c.relkind = 'v' FROM pg_class AS c
CROSS JOIN LATERAL (
    SELECT c.relacl AS acl, NULL AS attname
    UNION ALL SELECT attacl, attname FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL
) AS part CROSS JOIN LATERAL aclexplode(part.acl) AS acl JOIN pg_roles AS given ON given.oid = acl.grantee
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relkind IN ('r', 'p', 'v', 'S')
ORDER BY c.relname, part.attname NULLS FIRST
"""
_CALLS = """
SELECT given.rolname, p.proname FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS acl
JOIN pg_roles AS given ON given.oid = acl.grantee WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1, 2
"""


def page(connection: psycopg.Connection[Any]) -> str:
    """Return the page, by the grants of a database."""
    rights: dict[tuple[str, str], dict[str, list[str | None]]] = defaultdict(lambda: defaultdict(list))
    limited = dict[str, bool]()
    for role, relation, verb, column, only_some in connection.execute(_RIGHTS).fetchall():
        rights[role, relation][verb].append(column)
        limited[relation] = only_some
    calls: dict[str, list[str]] = defaultdict(list)
    for role, function in connection.execute(_CALLS).fetchall():
        calls[role].append(function)
    text = _HEAD
    for role in ROLES:
        if role == OWNER:
            continue
        text += f"\n## {role}\n| table or view | may | rows |\n|---|---|---|\n"
        for (given, relation), verbs in rights.items():
            if given == role:
                may = ", ".join(_may(name, verbs[verb]) for verb, name in _VERBS.items() if verb in verbs)
                text += f"| `{relation}` | {may} | {'some' if limited[relation] else ''} |\n"
        functions = ", ".join(f"`{name}`" for name in calls[role])
        text += f"\nFunctions: {functions or 'none'}.\n"
    return text


def _may(name: str, columns: list[str | None]) -> str:
    named = [column for column in columns if column is not None]
    return name if None in columns else f"{name} (`{', '.join(named)}`)"


def main() -> None:
    """Write the page."""
    with new_department() as folder:
        where = {"host": str(folder.cluster), "user": SUPERUSER, "dbname": DATABASE_NAME}
        with psycopg.connect(**where) as connection:
            PAGE.write_text(page(connection), "utf-8")


if __name__ == "__main__":
    main()
