"""A backup comes back whole and proved, opens for nobody else, and a restore test says what is wrong."""

import json
import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from platepost.department.archive import backup
from platepost.department.archive.backup import restore
from platepost.department.cli import department as group
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import AUDITOR
from platepost.department.errors import DepartmentError
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.session import running_database
from tests.age_keys import new_key
from tests.department.commands.filled import fleet_post, keep
from tests.department.commands.installation import Commands, own_department
from tests.department.ledger.asked import handmade
from tests.department.planting import planting
from tests.s3_store import PREFIX, S3Store

__all__ = ["own_department"]
ROW = """
INSERT INTO custody_audit (record_id, class, retained_from, post, kind, at, person, outcome)
VALUES (1, 'doubtful', now(), 'post-1', 'boot', now(), 'somebody', 'ok')
"""


def given(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(argument) for argument in arguments])


def test_backup_comes_back_whole_and_for_its_holder_alone(own_department: Commands, tmp_path: Path) -> None:
    folder, top = DepartmentFolder(own_department.folder), own_department.folder.parent
    key, other = tmp_path / "key.txt", tmp_path / "other.txt"
    public = new_key(key)
    new_key(other)
    post = fleet_post(own_department)
    folder.receipts.write_bytes(b"")
    for left in ("riverside-20260101T030000Z.backup.age.part", "oakdale-20260101T030000Z.backup.age.part"):
        (tmp_path / left).write_bytes(b"cut off")
    with running_database(folder):
        keep(folder, [post.read() for _ in range(20)])
        with psycopg.connect(host=str(folder.cluster), user=SUPERUSER, dbname=DATABASE_NAME) as superuser:
            superuser.execute("SELECT ledger_append('intent', NULL, %s)", [handmade()])
        created = given("backup", folder.path, tmp_path, "--to", public, "--json")
        assert created.exit_code == 0, created.output
        payload = json.loads(created.stdout)
        keep(folder, [post.read()])  # later than the backup
        assert given("backup", folder.path, payload["file"], "--to", public).exit_code == 1
        with psycopg.connect(folder.conninfo(AUDITOR)) as auditor:
            entered = auditor.execute("SELECT value FROM ledger_body WHERE field = 'digest'").fetchall()
        assert entered == [(json.dumps(payload["sha256"]),)]
    file = Path(payload["file"])
    opened = subprocess.run(["age", "-d", "-i", key, file], check=True, capture_output=True).stdout
    assert opened[:16] not in file.read_bytes(), "what is compressed is encrypted"
    assert [path.name for path in tmp_path.glob("*.part")] == ["oakdale-20260101T030000Z.backup.age.part"]

    back = given("restore-test", file, top / "back", "--key", key, "--keep", "--json")
    assert back.exit_code == 0, back.output
    report = json.loads(back.stdout)
    counts = (report["intact"], report["records"], report["entries"], report["head"])
    assert counts == (True, 20, 2, payload["head"]), "the law of `init` is an entry, too"
    assert (report["agency"], report["bytes"]) == ("riverside", file.stat().st_size)
    assert DepartmentFolder(top / "back").settings == folder.settings
    assert not (top / "back" / "receipts").exists(), "the log of receipts is never restored"

    with pytest.raises(DepartmentError, match=r"^age: this key does not open the file: it is for another key$"):
        restore(file, other, top / "not-mine")
    spoiled = bytearray(file.read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    (tmp_path / "spoiled").write_bytes(spoiled)
    (tmp_path / "cut").write_bytes(file.read_bytes()[:-1])
    for name in ("spoiled", "cut"):
        with pytest.raises(DepartmentError, match="age: "):
            restore(tmp_path / name, key, top / name)


def test_program_that_does_not_end_is_killed_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "age").write_text("#!/bin/sh\nexec sleep 3600 >&-\n")
    (tmp_path / "age").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(backup, "END_SECONDS", 0.2)
    with pytest.raises(DepartmentError, match="age did not end within 0 s and was killed"):
        restore(tmp_path / "some.age", tmp_path / "key.txt", tmp_path / "back")


def test_restore_test_names_what_is_wrong(own_department: Commands, tmp_path: Path) -> None:
    folder, top = DepartmentFolder(own_department.folder), own_department.folder.parent
    public, post = new_key(tmp_path / "key.txt"), fleet_post(own_department)
    folder.receipts.write_bytes(b"")
    with running_database(folder):
        keep(folder, [post.read()])
        where = {"host": str(folder.cluster), "user": SUPERUSER, "dbname": DATABASE_NAME}
        with psycopg.connect(**where) as superuser, planting(superuser):
            superuser.execute(ROW)
        created = given("backup", folder.path, tmp_path / "second.age", "--to", public)
        assert created.exit_code == 0, created.output
    tried = given("restore-test", tmp_path / "second.age", top / "try", "--key", tmp_path / "key.txt")
    assert tried.exit_code == 1
    assert "projection: custody_audit has a row that it does not make" in tried.output.replace("\n", " ")
    assert not (top / "try").exists(), "without --keep nothing stays"


def test_its_own_folder_is_no_place_for_a_backup(own_department: Commands) -> None:
    refused = given("backup", own_department.folder, own_department.folder / "backup.age", "--to", "age1")
    assert "keep a backup on another disk" in str(refused.exception)


def test_missing_folder_becomes_no_file(own_department: Commands, tmp_path: Path) -> None:
    refused = given("backup", own_department.folder, tmp_path / "not-mounted", "--to", "age1")
    assert "there is no such folder" in str(refused.exception)
    assert not (tmp_path / "not-mounted").exists()


def test_pictures_in_a_bucket_are_not_in_it_and_read_from_there(
    own_department: Commands, s3_store: S3Store, tmp_path: Path
) -> None:
    folder, top = DepartmentFolder(own_department.folder), own_department.folder.parent
    public, post = new_key(tmp_path / "key.txt"), fleet_post(own_department)
    with S3Store(s3_store.directory / "of-a-backup") as store, running_database(folder):
        settings = store.settings(credentials=store.directory / "credentials.toml")
        table = "".join(f'{name} = "{fields}"\n' for name, fields in settings.model_dump(exclude_unset=True).items())
        path = folder.path / "department.toml"
        path.write_text(f"{path.read_text()}[picture_bucket]\n{table}")
        folder = DepartmentFolder(folder.path)
        keep(folder, [post.read() for _ in range(3)])
        created = given("backup", folder.path, tmp_path / "third.age", "--to", public)
        assert f"{settings.bucket} at {settings.endpoint} are not in it" in created.output.replace("\n", " ")
        next((store.objects / settings.bucket / PREFIX).iterdir()).unlink()
        trial = ("restore-test", tmp_path / "third.age", top / "try", "--key", tmp_path / "key.txt")
        tried = given(*trial)
        assert tried.exit_code == 1
        assert tried.output.count("its patch is missing in the picture bucket") == 1
        assert "purge replay" in tried.output
    away = given(*trial, "--keep")
    assert "does not answer" in str(away.exception)
    assert f"prove it by `verify {top / 'try'} --whole`" in str(away.exception)
    assert (top / "try" / "database").exists()


def test_old_backups_go_though_no_new_one_can_be_made(own_department: Commands, tmp_path: Path) -> None:
    folder = DepartmentFolder(own_department.folder)
    with running_database(folder):
        with psycopg.connect(host=str(folder.cluster), user=SUPERUSER, dbname=DATABASE_NAME) as superuser:
            for days, name in ((50, "older"), (40, "old"), (1, "elsewhere")):
                query = "INSERT INTO archive_backup VALUES (%s, %s, now() - %s * interval '1 day')"
                superuser.execute(query, [name, f"{name}.backup.age", days])
        for name in ("older", "old"):
            (tmp_path / f"{name}.backup.age").touch()
        refused = given("backup", folder.path, tmp_path, "--to", "age1nobody")
        assert "age: " in str(refused.exception)
        with psycopg.connect(folder.conninfo(AUDITOR)) as auditor:
            entered = auditor.execute("SELECT event FROM ledger_entry ORDER BY number DESC LIMIT 1").fetchone()
    assert [path.name for path in tmp_path.iterdir()] == ["old.backup.age"], "the newest that lies there is kept"
    assert entered == ("backup_removed",)
