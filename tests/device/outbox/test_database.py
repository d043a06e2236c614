from pathlib import Path

import pytest
import sqlcipher3

from platepost.common.errors import OutboxError
from platepost.device.outbox.database import migrate, named_errors, open_database, schema_versions
from platepost.device.outbox.errors import OutboxFullError, OutboxVersionError
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.pages import PAGE

KEY = bytes(range(32))
NEXT = max(schema_versions()) + 1


def test_the_file_is_encrypted_durable_and_exclusive(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "outbox.db", key=KEY)
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("synchronous", "journal_mode", "locking_mode", "cipher_use_hmac", "user_version", "secure_delete")
    }
    (page,) = connection.execute("PRAGMA cipher_page_size").fetchone()
    connection.close()
    assert settings == {
        "synchronous": 2,
        "journal_mode": "wal",
        "locking_mode": "exclusive",
        "cipher_use_hmac": "1",
        "user_version": max(schema_versions()),
        "secure_delete": 2,
    }
    assert int(page) == PAGE


def test_schema_versions_are_kept_from_the_first() -> None:
    assert list(schema_versions()) == list(range(1, max(schema_versions()) + 1))


def test_migration_runs_each_missing_step_once(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "outbox.db", key=KEY)
    versions = schema_versions() | {NEXT: "CREATE TABLE two (a);", NEXT + 1: "INSERT INTO two VALUES (3);"}
    migrate(connection, versions)
    migrate(connection, versions)
    assert connection.execute("SELECT a FROM two").fetchall() == [(3,)]
    assert connection.execute("PRAGMA user_version").fetchone() == (NEXT + 1,)
    with pytest.raises(OutboxVersionError, match=f"version {NEXT + 1}"):
        migrate(connection, schema_versions())
    connection.close()


def test_a_step_that_fails_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    connection = open_database(path, key=KEY)
    with pytest.raises(OutboxError, match="absent"), named_errors():
        migrate(connection, {NEXT: "CREATE TABLE two (a); INSERT INTO absent VALUES (1);"})
    connection.close()
    connection = open_database(path, key=KEY)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'two'").fetchone() == (0,)
    connection.close()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "outbox.db", key=KEY)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxFullError), named_errors():
        connection.execute("CREATE TABLE much AS SELECT randomblob(100000) AS a")
    connection.close()


def test_other_errors_of_the_library_are_named_too() -> None:
    with pytest.raises(OutboxError), named_errors():
        sqlcipher3.connect("/nonexistent/outbox.db")


def test_systemd_hears_of_an_opening_that_takes_long(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    connection = open_database(path, key=KEY)
    connection.execute(
        "CREATE TABLE much AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000)"
        " SELECT i, zeroblob(6000) AS body FROM n"
    )
    connection.close()
    told: list[bool] = []
    with Outbox(path, key=KEY, on_wait=lambda: told.append(True)) as outbox:
        assert not outbox.set_aside
    assert len(told) >= 5, "at least once for each five megabytes"
