"""The database is what the SQL files say, and a file changes with a migration alone."""

import re

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from platepost.department.database import sql_files
from platepost.department.database.catalog import changes, present
from platepost.department.database.roles import KEEPER, WEB
from platepost.department.database.sql_files import (
    ApplySql,
    SqlFile,
    apply_sql,
    fingerprint,
    in_order,
    latest,
    recorded_fingerprint,
)
from platepost.department.errors import DepartmentError

FILES = sql_files.sql_files()


def execute(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)


def test_latest_migration_has_the_fingerprint_of_the_files(db: None) -> None:
    assert latest().fingerprint == fingerprint(FILES), "a file was changed without a migration: see CONTRIBUTING.md"
    assert recorded_fingerprint() == fingerprint(FILES)


def test_models_have_no_change_without_a_migration(db: None) -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_says_what_it_is_about_and_has_its_name(file: SqlFile) -> None:
    lines = file.text.splitlines()
    assert lines[len([line for line in lines if line.startswith("-- after: ")])].startswith("-- ")
    defined = re.findall(r"^CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW) (\w+)", file.text, re.MULTILINE)
    assert defined in ([], [file.name])


def test_every_function_and_view_has_a_file(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " UNION SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
        )
        assert {name for (name,) in cursor.fetchall()} <= {file.name for file in FILES}


@pytest.mark.parametrize(
    "change",
    [
        "CREATE OR REPLACE FUNCTION ledger_today() RETURNS date LANGUAGE sql STABLE AS 'SELECT NULL::date'",
        "CREATE OR REPLACE VIEW alerts_settled AS SELECT sample_id, verdict FROM alerts_label",
        "DROP TRIGGER alerts_final ON alerts_alert",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final",
        "CREATE TRIGGER extra BEFORE INSERT ON alerts_alert FOR EACH ROW EXECUTE FUNCTION alerts_final()",
        "DROP POLICY status ON custody_status",
        f"CREATE POLICY extra ON custody_hit TO {WEB} USING (true)",
        "ALTER TABLE custody_record DISABLE ROW LEVEL SECURITY",
        f"GRANT DELETE ON custody_read TO {KEEPER}",
        f"GRANT SELECT (file) ON lists_import TO {WEB}",
        f"REVOKE INSERT ON custody_read FROM {KEEPER}",
        f"GRANT EXECUTE ON FUNCTION archive_kept TO {WEB}",
        "GRANT EXECUTE ON FUNCTION archive_kept TO PUBLIC",
        f"GRANT UPDATE ON SEQUENCE custody_record_id TO {WEB}",
    ],
)
def test_what_was_changed_is_seen_and_is_as_the_files_say_again(db: None, change: str) -> None:
    before = present()
    execute(change)
    assert len(changes(before)) == 1
    apply_sql()
    assert changes(before) == []


def test_earlier_migration_leaves_it_to_the_latest(db: None) -> None:
    before = present()
    execute("DROP TRIGGER alerts_final ON alerts_alert")
    ApplySql("the fingerprint of a former version").database_forwards()
    assert changes(before) == ["trigger alerts_final of alerts_alert"]
    latest().database_forwards()
    assert changes(before) == []


def test_file_that_was_changed_without_a_migration_is_not_applied(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [*FILES, SqlFile("more", "SELECT 1")]
    monkeypatch.setattr(sql_files, "sql_files", lambda: changed)
    with pytest.raises(DepartmentError, match=fingerprint(changed)):
        apply_sql()


def test_file_that_the_database_refuses_is_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [SqlFile("wrong", "SELECT FROM nothing")]
    monkeypatch.setattr(sql_files, "sql_files", lambda: changed)
    monkeypatch.setattr(sql_files, "latest", lambda: ApplySql(fingerprint(changed)))
    with pytest.raises(DatabaseError) as refused:
        apply_sql()
    assert refused.value.__notes__ == ["in wrong.sql"]


def test_files_come_by_name_and_after_those_that_they_name() -> None:
    files = [SqlFile("a", "-- after: c, d\n-- after: b\n"), *(SqlFile(name, "") for name in "dcb")]
    assert [file.name for file in in_order(files)] == ["b", "c", "d", "a"]
    assert [file.name for file in in_order(reversed(files))] == ["b", "c", "d", "a"]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("a", ""), ("a", "")], "two apps have a file a.sql"),
        ([("a", "-- after: b\n")], "a.sql comes after b: there is no such file"),
        ([("a", "-- after: b\n"), ("b", "-- after: a\n")], "after one another: (a, b, a|b, a, b)"),
    ],
)
def test_files_without_an_order_are_refused(files: list[tuple[str, str]], why: str) -> None:
    with pytest.raises(DepartmentError, match=why):
        in_order(SqlFile(*file) for file in files)
