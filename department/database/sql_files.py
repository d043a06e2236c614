"""The functions, views, triggers, policies and rights of the database, each in a file with its text as it is now.

The migrations of an app make and change its tables. Everything else stands in `department/<app>/sql/<name>.sql`, and is
applied as a whole, after the tables of all apps, by the latest migration of this app: see CONTRIBUTING.md.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from platepost.department.errors import DepartmentError

_AFTER = "-- after: "
_LABEL = "database"

_RESET = """
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP POLICY %I ON %s', polname, polrelid::regclass)
        FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid WHERE relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal AND tgparentid = 0
        UNION ALL
        SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            pg_class.oid::regclass, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(grantee::regrole::text) END)
        FROM pg_class CROSS JOIN LATERAL (
            SELECT grantee FROM aclexplode(relacl)
            UNION ALL
            SELECT given.grantee FROM pg_attribute, aclexplode(attacl) AS given WHERE attrelid = pg_class.oid
        ) AS granted
        WHERE relnamespace = 'public'::regnamespace AND grantee <> relowner
        UNION ALL
        SELECT DISTINCT format('REVOKE ALL ON ROUTINE %s FROM %s', pg_proc.oid::regprocedure,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(grantee::regrole::text) END)
        FROM pg_proc, aclexplode(proacl) WHERE pronamespace = 'public'::regnamespace AND grantee <> proowner
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$
"""
"""Takes all policies, triggers and rights away, so that the files alone say which there are."""


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A file of SQL, which can be applied again and again."""

    name: str
    """That of the function, the view or the table that it is about: no two apps have the same."""
    text: str

    @property
    def after(self) -> tuple[str, ...]:
        """The files that must be applied before it, as its first lines name them."""
        lines = takewhile(lambda line: line.startswith(_AFTER), self.text.splitlines())
        return tuple(name for line in lines for name in line.removeprefix(_AFTER).split(", "))


def sql_files() -> list[SqlFile]:
    """Return the files of all apps in the order in which they are applied.

    Raises:
        DepartmentError: as of `in_order`.

    """
    ours = (Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == Path(__file__).parents[1])
    paths = (path for app in ours for path in (app / "sql").glob("*.sql"))
    return in_order(SqlFile(path.stem, path.read_text("utf-8")) for path in paths)


def in_order(files: Iterable[SqlFile]) -> list[SqlFile]:
    """Return files by name, but each after those that it names.

    Raises:
        DepartmentError: two have the same name, one names another that does not exist, or some name one another in a
            circle.

    """
    by_name: dict[str, SqlFile] = {}
    for file in sorted(files, key=lambda file: file.name):
        if file.name in by_name:
            raise DepartmentError(f"two apps have a file {file.name}.sql")
        by_name[file.name] = file
    for file in by_name.values():
        if missing := set(file.after) - by_name.keys():
            raise DepartmentError(f"{file.name}.sql comes after {', '.join(sorted(missing))}: there is no such file")
    order = TopologicalSorter({file.name: file.after for file in by_name.values()})
    try:
        order.prepare()
    except CycleError as error:
        raise DepartmentError(f"files that come after one another: {', '.join(error.args[1])}") from error
    names: list[str] = []
    while order.is_active():
        names += (ready := sorted(order.get_ready()))
        order.done(*ready)
    return [by_name[name] for name in names]


def fingerprint(files: Iterable[SqlFile]) -> str:
    """Return a digest of the files and of their order."""
    return hashlib.sha256(json.dumps([[file.name, file.text] for file in files]).encode()).hexdigest()


class ApplySql(Operation):
    """Has the database become what the SQL files say, and records that.

    Files have one text, that of now. So on a new database the latest of these operations applies all of it, when the
    tables of all apps are there, and those before it do nothing.

    Args:
        fingerprint: of the files, by which is told that they have not changed since this was written.

    """

    reversible = False

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: Django does not model these objects."""

    def database_forwards(self, *_: object, **__: object) -> None:
        """Apply all files, if this is the latest.

        Raises:
            DepartmentError: the files are not those of this migration.

        """
        if self is latest():
            apply_sql()

    def describe(self) -> str:
        """Return what it does, for who runs migrations by hand."""
        return "Apply the SQL files of all apps"


def latest() -> ApplySql:
    """Return the operation of the latest migration that applies the files."""
    graph = MigrationLoader(None).graph
    ((label, name),) = graph.leaf_nodes(_LABEL)
    (operation,) = (operation for operation in graph.nodes[label, name].operations if isinstance(operation, ApplySql))
    return operation


def apply_sql() -> None:
    """Apply all files on Django's connection, in a transaction of the caller's.

    Raises:
        DepartmentError: they are not those of the latest migration.
        DatabaseError: the database refuses one; a note says which.

    """
    files = sql_files()
    if fingerprint(files) != latest().fingerprint:
        raise DepartmentError(
            "a file of SQL was changed without a migration: write one, see CONTRIBUTING.md, with the fingerprint "
            f"{fingerprint(files)}"
        )
    with connection.cursor() as cursor:
        cursor.execute(_RESET)
        for file in files:
            try:
                cursor.execute(file.text)
            except Exception as error:
                error.add_note(f"in {file.name}.sql")
                raise
        cursor.execute(
            "INSERT INTO database_sql (fingerprint) VALUES (%s) ON CONFLICT (one)"
            " DO UPDATE SET fingerprint = excluded.fingerprint",
            [fingerprint(files)],
        )


def recorded_fingerprint() -> str:
    """Return the fingerprint of the files that were applied to the database last, on Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT fingerprint FROM database_sql")
        ((recorded,),) = cursor.fetchall()
    return str(recorded)
