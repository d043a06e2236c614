"""Migrations: applied as far as they are missing, never at the price of those who work."""

import psycopg
import pytest
from django.db import DatabaseError, connection

from platepost.department.config.upgrade import apply_migrations, rebuilt, refuse_other_keepers, restore_sql
from platepost.department.database.catalog import present
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import KEEPER
from platepost.department.errors import DepartmentError
from platepost.department.folder import application_name
from platepost.department.session import missing_migrations, require_schema


def test_nothing_is_missing_after_all_were_applied(db: None) -> None:
    require_schema()
    assert apply_migrations() == []


def test_missing_migration_is_named(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'database'")
    assert missing_migrations()[0] == "database.0001_initial"
    with pytest.raises(DepartmentError, match="upgrade"):
        require_schema()


def test_database_of_a_newer_version_is_refused(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('web', '0999_later', now())")
    with pytest.raises(DepartmentError, match=r"newer version.*web\.0999_later"):
        apply_migrations()


def test_database_that_was_made_before_the_first_release_is_refused(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('people', '0002_rights', now())")
    for looks in (apply_migrations, missing_migrations, require_schema):
        with pytest.raises(DepartmentError, match=r"before 0\.1\.0.*new folder with `platepost department init`"):
            looks()


def test_what_this_version_makes_of_a_new_database_is_what_is_here(db: None) -> None:
    assert rebuilt() == present(), "`check` compares with it where the folder has no catalog of this version"


def test_what_was_changed_by_hand_is_as_this_version_has_it_again(db: None) -> None:
    before = present()
    assert restore_sql(before) == []
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER ledger_entry_is_final ON ledger_entry")
    assert restore_sql(before) == ["sql"]
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="the ledger is never changed"):
        cursor.execute("DELETE FROM ledger_entry")


def test_table_in_use_is_waited_for_in_vain(db: None, cluster: PrivateCluster) -> None:
    name = connection.settings_dict["NAME"]
    with (
        psycopg.connect(host=str(cluster.folder), user=SUPERUSER, dbname=name) as other,
        connection.cursor() as cursor,
    ):
        other.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(DepartmentError, match="in use"):
            apply_migrations()


def test_keeper_of_another_version_is_named(cluster: PrivateCluster) -> None:
    where = {"host": str(cluster.folder), "dbname": "postgres"}
    with psycopg.connect(**where, user=SUPERUSER, autocommit=True) as own:
        with psycopg.connect(**where, user=KEEPER, application_name=application_name(KEEPER)):
            refuse_other_keepers(own)
        with (
            psycopg.connect(**where, user=KEEPER, application_name=f"{KEEPER} 0.0.9"),
            pytest.raises(DepartmentError, match=r"platepost_keeper 0\.0\.9"),
        ):
            refuse_other_keepers(own)
