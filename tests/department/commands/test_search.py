"""`search` goes the way of every search: into the ledger first, and with a purpose and a case."""

import json
import subprocess
from datetime import UTC, datetime

import psycopg

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import AUDITOR, OWNER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.session import running_database
from tests.department.commands.installation import CURRENT, Commands, department, give_apps, name_persons, next_code
from tests.department.planting import planting

__all__ = ["department"]

AT = datetime(2026, 1, 28, 12, tzinfo=UTC)
SEARCHER = "70001"
"""The system's user of a.rivera."""
DRILL = ("--purpose", "drill", "--case", "D-7")


def given(department: Commands, pattern: str, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    code = code or next_code(DepartmentFolder(department.folder))
    return department("search", *arguments, given=f"{pattern}\n{code}", SUDO_UID=SEARCHER, LOGNAME="b.lee")


def test_drill_finds_and_is_in_the_ledger(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    name_persons(folder, {SEARCHER: "a.rivera"})
    with running_database(folder):
        department("person add", "a.rivera", "--name", "Ana Rivera", "--role", "records_manager")
        department("person add", "b.lee", "--name", "Bo Lee", "--role", "operator")
        assert "No CLETS certificate" in given(department, "7ab?12*", *DRILL, code="123456\n").stderr
        with psycopg.connect(folder.conninfo(OWNER)) as owner:
            owner.execute(CURRENT)
        assert "has no authenticator app" in given(department, "7ab?12*", *DRILL, code="123456\n").stderr
        give_apps(folder)
        superuser = {"host": str(folder.cluster), "user": SUPERUSER, "dbname": DATABASE_NAME}
        with psycopg.connect(**superuser) as keeper, planting(keeper):
            keeper.execute("SELECT custody_make_partitions('2026-01-28', '2026-01-28')")
            keeper.execute(
                "INSERT INTO custody_read VALUES (1, 'no_hit', %(at)s, 'post-1', NULL, 'p', %(at)s, '7ABO123',"
                " '7AB0123', '7AB0123', 0.9, NULL, 'main', NULL, %(at)s, %(at)s, '{}', 'approaching')",
                {"at": AT},
            )
        matches = given(department, "7ab?12*", *DRILL, "--reads", "--json")
        assert matches.returncode == 0, matches.stderr
        payload = json.loads(matches.stdout)
        (plate,), (read,) = payload["plates"], payload["reads"]
        assert (plate["plate"], plate["reads"], plate["why"][:10]) == ("7ABO123", 1, "same, same")
        assert (read["record_id"], payload["more"]) == (1, False)
        in_words = given(department, "", *DRILL, "--post", "post-1", "--since", "2026-01-28", "--until", "2026-01-29")
        assert "7ABO123" in in_words.stdout
        refused = given(department, "7A*", *DRILL)
        assert refused.returncode != 0
        assert "three known characters" in refused.stderr
        assert "7A*" not in refused.stderr
        assert given(department, "7AB0123", "--purpose", "drill").returncode == 2
        used = next_code(folder)
        assert given(department, "7AB0123", *DRILL, code=used).returncode == 0
        assert "was used before" in given(department, "7AB0123", *DRILL, code=used).stderr
        root = department("search", *DRILL, given=f"7AB0123\n{used}", SUDO_UID="0", LOGNAME="a.rivera")
        assert "root may not do this: No one has this username" in root.stderr, "the environment names nobody"
        with psycopg.connect(folder.conninfo(AUDITOR)) as auditor:
            rows = auditor.execute(
                "SELECT event, field, value FROM ledger_entry JOIN ledger_body USING (entry) ORDER BY number"
            ).fetchall()
    assert ("intent", "purpose", '"drill"') in rows
    assert ("intent", "case", '"D-7"') in rows
    assert ("intent", "query", json.dumps({"plate": "7ab?12*"})) in rows
    assert ("shown", "plates", '["7AB0123"]') in rows
    assert sum(event == "intent" and field == "query" for event, field, _ in rows) == 3
    assert {value for event, field, value in rows if (event, field) == ("intent", "person")} == {'"a.rivera"'}
    assert ("log_on_failed", "person", '"a.rivera"') in rows
