"""The nightly work does each step, destroys backups whose term is over, and says what failed."""

import json
import pwd
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from click.testing import CliRunner

from platepost.department import folder
from platepost.department.cli import department as group
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.session import running_database
from platepost.department.status.nightly import nightly_problems
from tests.department.commands.installation import Commands, own_department
from tests.department.commands.test_backup import new_key
from tests.department.ledger.asked import handmade

__all__ = ["own_department"]


@pytest.mark.parametrize(
    ("user", "group", "name"),
    [
        (0, "0::/system.slice/platepost-department-nightly.service", "platepost-department-nightly"),
        (0, "0::/user.slice/user-0.slice/session-1.scope", "root"),
        (0, "0::/system.slice/somebody-elses.service", "root"),
        (pwd.getpwnam("nobody").pw_uid, "0::/system.slice/platepost-department-nightly.service", "nobody"),
    ],
)
def test_what_root_does_in_a_service_is_in_the_service_s_name(
    user: int, group: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = DepartmentFolder(tmp_path)
    known.__dict__["settings"] = SimpleNamespace(trust_sudo=True, persons={})
    (tmp_path / "cgroup").write_text(f"9:name=systemd:/\n{group}\n")
    monkeypatch.setattr(folder, "_CONTROL_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr("os.getuid", lambda: user)
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert known.caller == name


def test_each_step_is_done_and_what_failed_is_said(own_department: Commands, tmp_path: Path) -> None:
    folder, backups = DepartmentFolder(own_department.folder), tmp_path / "backups"
    backups.mkdir()
    key = new_key(tmp_path / "key.txt")
    settings = own_department.folder / "department.toml"
    settings.write_text(settings.read_text() + f'backups = "{backups}"\nbackup_keys = ["{key}"]\n')
    with running_database(folder):
        with psycopg.connect(host=str(folder.cluster), user=SUPERUSER, dbname=DATABASE_NAME) as superuser:
            superuser.execute("SELECT ledger_append('intent', NULL, %s)", [handmade()])
            for name, days in (("old", 31), ("young", 29), ("away", 40)):
                at = datetime.now(UTC) - timedelta(days=days)
                superuser.execute("INSERT INTO archive_backup VALUES (%s, %s, %s)", [name, f"{name}.backup.age", at])
                (backups / f"{name}.backup.age").touch()
        (backups / "away.backup.age").unlink()
        done = own_department("nightly")
        fields = json.loads(folder.nightly.read_bytes())["steps"]
        assert [step for step, why in fields.items() if why is None] == [
            "journal",
            "readers",
            "verify",
            "holds",
            "public",
            "purges",
            "indexes",
            "accuracy",
            "misuse",
            "certificates",
            "backup",
        ], str(fields)
        assert (done.returncode, "no backup was restored as a test" in fields["restore-test"]) == (1, True)
        assert (folder.holds_aside.read_bytes(), folder.holds_aside.stat().st_mode & 0o077) == (b"", 0)
        left = sorted(path.name for path in backups.iterdir())
        assert (len(left), left[-1], "old.backup.age" in left) == (2, "young.backup.age", False)
        assert own_department.json("status")["nightly"] == {"restore-test": fields["restore-test"]}
        assert own_department.json("public publish")["published"] is False, "the night did it"
        assert own_department("public export", tmp_path / "site").returncode == 0
        assert "Signed copy of" in (tmp_path / "site" / "index.html").read_text()
        with psycopg.connect(folder.conninfo(KEEPER)) as keeper:
            events = keeper.execute("SELECT event FROM ledger_entry ORDER BY number").fetchall()
    assert [event for (event,) in events][-2:] == ["backup_removed", "backed_up"]


def test_end_of_the_certificate_is_said_ahead(own_department: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DepartmentFolder(own_department.folder)
    monkeypatch.setattr("platepost.department.commands.nightly.run_platepost", lambda *_: None)
    monkeypatch.setattr("platepost.department.config.checks.ENDING", timedelta(days=800))
    CliRunner().invoke(group, ["nightly", str(folder.path)])
    fields = nightly_problems(folder.nightly, datetime.now(UTC))["certificates"]
    assert re.fullmatch(r"the custodian's certificate ends on \d{4}-\d\d-\d\d: renew it", fields)
    (folder.identity / "certificate.pem").write_text("damaged")
    CliRunner().invoke(group, ["nightly", str(folder.path)])
    assert str(folder.identity) in nightly_problems(folder.nightly, datetime.now(UTC))["certificates"]


def test_rules_against_misuse_that_did_not_run_are_missed(
    own_department: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DepartmentFolder(own_department.folder)
    monkeypatch.setattr("platepost.department.commands.nightly.run_platepost", lambda *_: None)
    with running_database(folder):
        with psycopg.connect(host=str(folder.cluster), user=SUPERUSER, dbname=DATABASE_NAME) as superuser:
            superuser.execute("SELECT ledger_append('intent', NULL, %s)", [handmade()])
            superuser.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final")
            superuser.execute("UPDATE ledger_entry SET at = at - interval '3 days'")
            superuser.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final")
        CliRunner().invoke(group, ["nightly", str(folder.path)])
        assert "did not run for two days" in nightly_problems(folder.nightly, datetime.now(UTC))["misuse"]
        assert own_department("audit misuse").returncode == 0
        CliRunner().invoke(group, ["nightly", str(folder.path)])
        assert "misuse" not in nightly_problems(folder.nightly, datetime.now(UTC))
