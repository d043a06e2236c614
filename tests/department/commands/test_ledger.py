"""The ledger's commands on one department: an end is sealed and sent away, and names a tail that is cut off."""

import json
from pathlib import Path

import psycopg

from department.database.cluster import SUPERUSER, PrivateCluster
from department.folder import DATABASE_NAME, DepartmentFolder
from department.ledger.heads import SealedHead
from tests.department.commands.installation import Commands, department
from tests.department.ledger.asked import hand_made
from tests.department.ledger.test_second_verifier import run_example
from tests.department.ledger.time_stamping import time_stamping

__all__ = ["department"]
CUT = """
ALTER TABLE ledger_entry DISABLE TRIGGER USER;
ALTER TABLE ledger_body DISABLE TRIGGER USER;
DELETE FROM ledger_body WHERE entry IN (SELECT entry FROM ledger_entry WHERE number > 1);
DELETE FROM ledger_entry WHERE number > 1;
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final
"""


def test_sealed_end_names_a_tail_that_is_cut_off(department: Commands, tmp_path: Path) -> None:
    folder = DepartmentFolder(department.folder)
    heads = tmp_path / "heads"
    with time_stamping(tmp_path) as url, PrivateCluster(folder.cluster).in_use():
        settings = {"ledger_heads": (str(heads), "broker"), "witness": url, "witness_root": tmp_path / "root.pem"}
        folder.write_settings(folder.settings.model_copy(update=settings))
        where = {"host": str(folder.cluster), "user": SUPERUSER, "dbname": DATABASE_NAME}
        with psycopg.connect(**where) as superuser:
            superuser.execute("SELECT ledger_append('intent', NULL, %s)", [hand_made()])
        for name, kind, code in (("oakdale-pd", "in_state", 0), ("fbi", "federal", 1)):
            done = department("ledger agency", name, "--kind", kind, "--allow", "--note", "agreement 12")
            assert done.returncode == code, done.stderr
        assert "the law allows nothing on behalf of fbi" in done.stderr
        assert department.json("ledger seal")["number"] == 2
        assert SealedHead.read(heads.read_bytes()).head == folder.published_head.read_bytes()
        assert department.json("ledger check", "--heads", heads) == {
            "intact": True,
            "entries": 3,
            "heads": 1,
            "problems": [],
            "unanswered": [],
        }
        exported = tmp_path / "ledger.jsonl"
        exported.write_text(department("ledger export", "--outsider").stdout, "utf-8")
        assert [json.loads(line)["event"] for line in exported.read_text("utf-8").splitlines()] == [
            *("intent", "agency_set", "sealed", "log_exported")
        ]
        assert run_example(exported) == set()
        assert '"salt"' in department("ledger export").stdout
        done = department("ledger erase", "--until", "2020-01-01")
        assert done.stdout == "0 fields erased.\n", done.stderr
        with psycopg.connect(**where) as superuser:
            superuser.execute(CUT)
        heads.write_bytes(heads.read_bytes() + b"{}\n")
        done = department("ledger check", "--heads", heads)
        assert done.returncode == 1
        assert "2 cut: a noted end is not there\n" in done.stdout
        assert f"head: {heads}, line 2: a line is no signed end of a ledger\n" in done.stdout
        assert "1 entries, 1 ends: 2 problems.\n" in done.stdout
