"""Brings a database to the schema of this version."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe
from tempfile import TemporaryDirectory

import psycopg
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from platepost.common.files import write_durably
from platepost.department.audits.household import prepare_key
from platepost.department.database.catalog import changes, present, read_catalog, server_version, write_catalog
from platepost.department.database.cluster import PrivateCluster, installed_versions
from platepost.department.database.roles import KEEPER, OWNER, ensure_database, ensure_roles, role_statements
from platepost.department.database.sql_files import apply_sql
from platepost.department.database.users import settle
from platepost.department.errors import DepartmentError
from platepost.department.folder import DATABASE_NAME, DepartmentFolder, DepartmentSettings, application_name
from platepost.department.ledger.journal import LocalJournal
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.enforced_rules import store_enforced_rules
from platepost.department.policy.policy import DEFAULT, read_policy
from platepost.department.session import (
    FORMER,
    NOT_UPGRADED,
    connected,
    missing_migrations,
    running_database,
    set_up_django,
)
from platepost.department.sharing.laws import bound_law

ROLES_FILE = "roles.sql"
_LOCK_NOT_AVAILABLE = "55P03"


def prepare_roles(folder: DepartmentFolder) -> None:
    """Make roles and database in the private cluster, which runs; on the department's own server, look for them.

    Raises:
        DepartmentError: they are missing on the department's own server; what makes them was written to `roles.sql`.

    """
    if folder.is_private:
        with PrivateCluster(folder.cluster).administered("postgres") as connection:
            ensure_roles(connection)
            ensure_database(connection, DATABASE_NAME)
        return
    try:
        with connected(folder, OWNER):
            return
    except DepartmentError as error:
        statements = folder.path / ROLES_FILE
        write_durably(statements, role_statements().encode())
        raise DepartmentError(
            f"{error}\nHave an administrator of the database server run {statements}, then run the command again"
        ) from error


def upgrade(folder: DepartmentFolder) -> list[str]:
    """Apply the migrations that are missing, as the owner; return their names, in order.

    What was changed by hand in the database's functions, triggers, policies and rights is as this version has it again;
    then the last name is `sql`.

    The records are never locked for longer than the keeper can wait: a migration that gets no lock in five seconds
    gives up, and nothing of it is done.

    Raises:
        DepartmentError: a keeper of another version runs, a table was in use, or the policy is not as it must be.

    """
    prepare_roles(folder)
    with connected(folder, OWNER) as connection:
        refuse_other_keepers(connection)
    set_up_django(folder, OWNER)
    is_new = not any(name.startswith("rights of ") for name in present())
    applied = apply_migrations()
    expected = read_catalog(folder.catalog)
    if expected is None:
        expected = present() if is_new else rebuilt()
        if expected is not None:
            write_catalog(folder.catalog, expected)
    applied += restore_sql(expected or {})
    if not folder.policy.exists():
        write_durably(folder.policy, DEFAULT.read_bytes())
    LocalJournal(folder.journal).prepare()
    if not folder.webhook_key.exists():
        write_durably(folder.webhook_key, token_urlsafe(48).encode())
    # Before a unit runs, so that those that must not reach it find it closed.
    prepare_key(folder.household_key, folder.household_public)
    _bind(folder)
    settle(folder)
    return applied


def _bind(folder: DepartmentFolder) -> None:
    """Have the database enforce the policy: the law, if there are no people yet, and who may enter what alone."""
    policy, settings = read_policy(folder.policy), folder.settings
    law, lists = policy.law.bound(), policy.lists
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_entry WHERE event = 'law_changed'")
        ((entered,),) = cursor.fetchall()
        if not DepartmentPerson.objects.exists() and (not entered or bound_law() != law):
            cursor.execute("SELECT sharing_bind_law(%s, %s, NULL)", [json.dumps(law), folder.caller])
        cursor.execute("SELECT archive_establish(law, floor_days, ceiling_days) FROM ledger_law")
        cursor.execute(
            "UPDATE people_person SET agency = %s FROM ledger_department AS own"
            " WHERE people_person.agency = own.agency AND own.agency <> %s",
            [settings.agency, settings.agency],
        )
        cursor.execute("UPDATE ledger_department SET agency = %s, timezone = %s", [settings.agency, settings.timezone])
        fields = [[*lists.two_persons], [*lists.at_once], [*lists.dispatchers]]
        cursor.execute("UPDATE lists_policy SET two_persons = %s, at_once = %s, dispatchers = %s", fields)
    store_enforced_rules(policy)


def apply_migrations() -> list[str]:
    """Apply the migrations that are missing, on Django's connection; return their names, in order.

    Raises:
        DepartmentError: a table was in use, or the database is of a newer version.

    """
    try:
        missing = missing_migrations()
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise DepartmentError(f"the database did not take the migrations: {str(error).strip()}") from error
        raise DepartmentError("a table was in use for too long; nothing is lost: run the command again") from error
    return missing


_REBUILD_SCHEMA = """
import sys
from platepost.department.session import set_up_apps
set_up_apps()
from platepost.department.config import upgrade
upgrade.rebuild_schema(*sys.argv[1:])
"""


def rebuilt() -> dict[str, str] | None:
    """Return what this version makes of a new database, as `present` does, from a cluster that is thrown away.

    It takes some seconds. None if PostgreSQL of the version of Django's connection is not installed here.

    Raises:
        DepartmentError: it cannot be made.

    """
    number = server_version()
    if number not in installed_versions():
        return None
    with TemporaryDirectory(prefix="platepost-") as name:
        Path(name).chmod(0o711)  # the user as whom root runs the server passes it
        # Django works on one database in a process, and here on the department's.
        result = subprocess.run(
            [sys.executable, "-c", _REBUILD_SCHEMA, name, str(number)], capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise DepartmentError(f"no new database could be made to compare with: {result.stderr.strip()[-500:]}")
        return read_catalog(DepartmentFolder(Path(name)).catalog)


def rebuild_schema(name: str, version: str) -> None:
    """Make a department in an empty folder, with a database of a major version, whose catalog stays there."""
    folder = DepartmentFolder(Path(name))
    folder.write_settings(DepartmentSettings(agency="none", custodian="none", brokers=("localhost:8883",)))
    write_durably(folder.secret_key, token_urlsafe(48).encode())
    cluster = PrivateCluster(folder.cluster, durable=False)
    cluster.initialize(int(version))
    try:
        with cluster.in_use():
            upgrade(folder)
    finally:
        cluster.kill()


def restore_sql(expected: Mapping[str, str]) -> list[str]:
    """Apply the SQL files again where the database is not as expected; return `sql` if they were."""
    if not expected or not changes(expected):
        return []
    with transaction.atomic():
        apply_sql()
    return ["sql"]


def refuse_former_database(folder: DepartmentFolder) -> None:
    """Make sure that a folder's database was not made before the first release, if it answers.

    Raises:
        DepartmentError: it was.

    """
    try:
        with running_database(folder), connected(folder, OWNER) as connection:
            former = connection.execute("SELECT FROM django_migrations WHERE (app, name) = (%s, %s)", FORMER).fetchone()
    except (DepartmentError, psycopg.Error):
        return
    if former is not None:
        raise DepartmentError(NOT_UPGRADED)


def refuse_other_keepers(connection: psycopg.Connection) -> None:
    """Make sure that no keeper of another version is connected.

    Raises:
        DepartmentError: one is.

    """
    running = connection.execute(
        "SELECT DISTINCT application_name FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = %s AND application_name <> %s",
        [KEEPER, application_name(KEEPER)],
    ).fetchall()
    if running:
        raise DepartmentError(
            f"an archive service of another version runs ({', '.join(name for (name,) in running)}): stop it first"
        )
