"""Terms, holds and a purge as two persons give the commands."""

import json
import subprocess
from pathlib import Path

import psycopg

from platepost.department.database.roles import KEEPER, OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from tests.department.commands.installation import CURRENT, Commands, department, name_persons

__all__ = ["department"]

CONSENT = ("--resolution", "2026-117", "--resolution-date", "2026-09-08")
ATTORNEY = ("--attorney", "J. Ortiz", "--consent-date", "2026-09-15")


PERSONS = {"root": "0", "a.rivera": "70001", "b.lee": "70002", "nobody": "65534"}
"""The system's user of each."""


def given(
    department: Commands, person: str, group: str, name: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return department(f"{group} {name}", *arguments, SUDO_UID=PERSONS[person])


def test_two_persons_purge_and_a_certificate_says_so(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    name_persons(folder, {number: person for person, number in PERSONS.items()})
    with running_database(folder):
        with psycopg.connect(folder.conninfo(KEEPER)) as keeper:
            keeper.execute("SELECT custody_make_partitions('2024-01-31', '2024-01-31')")
        for login in ("a.rivera", "b.lee"):
            done = given(department, "root", "person", "add", login, "--name", login, "--role", "records_manager")
            assert done.returncode == 0, done.stderr
        assert "No CLETS certificate" in given(department, "a.rivera", "purge", "plan", *CONSENT, *ATTORNEY).stderr
        assert "No one has this username" in given(department, "nobody", "hold", "lift", "7", "--because", "x").stderr
        with psycopg.connect(folder.conninfo(OWNER)) as owner:
            owner.execute(CURRENT)
        shown = json.loads(given(department, "a.rivera", "retention", "show", "--json").stdout)
        assert {term["class"]: (term["kept"], term["due"]) for term in shown}["no_hit"] == (366, 1)
        assert "keeps these records longer" in given(department, "a.rivera", "retention", "set", "no_hit", "365").stderr
        assert "resolution" in given(department, "a.rivera", "purge", "plan", *CONSENT).stderr
        forever = ("--kind", "litigation", "--case", "CV-9", "--reason", "claim", "--review", "9999-12-31")
        assert "years 1970 to 2999" in given(department, "a.rivera", "hold", "place", *forever).stderr
        planned = json.loads(given(department, "a.rivera", "purge", "plan", *CONSENT, *ATTORNEY, "--json").stdout)
        plan = planned[0]["plan"]
        # Of what may be covert there is always a part, which says nothing.
        assert {part["class"] for part in planned} == {
            "no_hit",
            "hit",
            "log",
            "held",
            "decision",
            "list_entry",
            "lookback",
        }
        assert "another person" in given(department, "a.rivera", "purge", "approve", plan).stderr
        assert "no second person" in given(department, "b.lee", "purge", "run", plan).stderr
        given(department, "b.lee", "purge", "run")
        assert {part["gone"] for part in department.json("purge show", plan)} == {False}, "nobody approved it"
        for command in (("approve", plan), ("run",)):
            done = given(department, "b.lee", "purge", *command)
            assert done.returncode == 0, done.stderr
        with psycopg.connect(folder.conninfo(KEEPER)) as keeper:
            refused = keeper.execute(
                "SELECT event, value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event LIKE '%_refused'"
                " AND field IN ('why', 'lacks') ORDER BY number"
            ).fetchall()
        assert [event for event, _ in refused] == ["access_refused"] * 2 + ["archive_refused"] * 4
        assert "no second person" in refused[-1][1]
        assert json.loads(given(department, "b.lee", "purge", "certificate", plan).stdout)["certificate"]
        (file,) = folder.purges.glob("*.jsonl")
        assert Path(file).stat().st_mode & 0o077 == 0
        verified = department.json("verify")
        assert (verified["intact"], verified["problems"]) == (True, [])
