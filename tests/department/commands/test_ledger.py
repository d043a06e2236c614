"""The ledger's commands on one department: a checkpoint is sent away, and shows that a tail was cut off."""

import json
from pathlib import Path

import psycopg
from joserfc.jwk import ECKey

from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import OWNER
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.ledger.heads import SealedHead, sign_head
from platepost.department.ledger.witness import witness_head, witnessed_head
from platepost.provisioning.trust.keys import signing_jwk
from platepost.wire.verify.noted_heads import NotedHead
from tests.department.commands.installation import CURRENT, Commands, department, give_apps, name_persons, next_code
from tests.department.ledger.asked import checkpoint, handmade
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


def exports_with_bodies(department: Commands, folder: DepartmentFolder) -> None:
    """Export persons, cases and plates: that takes an auditor, and their own factor."""
    name_persons(folder, {"70001": "a.ito"})
    nobody = department("ledger export")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    department("person add", "a.ito", "--name", "Ai Ito", "--role", "auditor")
    department("person add", "b.lee", "--name", "Bo Lee", "--role", "trainer")
    with psycopg.connect(folder.conninfo(OWNER)) as owner:
        owner.execute(CURRENT)
    without = department("ledger export", given="123456\n", SUDO_UID="70001")
    assert "has no authenticator app" in without.stderr
    give_apps(folder)
    wrong = department("ledger export", given="123456\n", SUDO_UID="70001")
    assert (wrong.returncode, wrong.stdout, "This code is wrong" in wrong.stderr) == (1, "", True)
    exported = department("ledger export", given=next_code(folder), SUDO_UID="70001")
    assert '"salt"' in exported.stdout, exported.stderr


def test_sealed_end_names_a_tail_that_is_cut_off(department: Commands, tmp_path: Path) -> None:
    folder = DepartmentFolder(department.folder)
    heads = tmp_path / "heads"
    with time_stamping(tmp_path) as url, PrivateCluster(folder.cluster).in_use():
        settings = {"ledger_heads": (str(heads), "broker"), "witness": url, "witness_root": tmp_path / "root.pem"}
        folder.write_settings(folder.settings.model_copy(update=settings))
        where = {"host": str(folder.cluster), "user": SUPERUSER, "dbname": DATABASE_NAME}
        with psycopg.connect(**where) as superuser:
            for _ in range(2):
                superuser.execute("SELECT ledger_append('intent', NULL, %s)", [handmade()])
        done = department("checkpoint", "--json")  # the keeper does not run: no broker has it
        payload = json.loads(done.stdout)
        assert (payload["number"], payload["records"], payload["problems"]) == (3, 0, []), done
        assert payload["sent"] == {str(heads): "", "broker": "", url: ""}
        assert SealedHead.read(heads.read_bytes()).head == folder.published_head.read_bytes()
        assert department.json("ledger check", "--heads", heads) == {
            "intact": True,
            "entries": 3,
            "heads": 1,
            "problems": [],
            "unanswered": [],
        }
        stranger = ECKey.generate_key("P-256")
        (tmp_path / "head").write_bytes(
            sign_head(checkpoint(NotedHead(7, "ab" * 32), agency="oakdale", custodian="r"), stranger)
        )
        (tmp_path / "oakdale.pem").write_bytes(stranger.as_pem(private=False))
        payload = department.json("ledger witness", tmp_path / "head", "--of", tmp_path / "oakdale.pem")
        assert witnessed_head(payload["signed"].encode(), [signing_jwk(folder.custody_key)])
        assert [path.name for path in folder.witnessed.iterdir()] == ["oakdale.r"]
        # The end that the other department kept and signed, and one that no one known signed.
        own = folder.published_head.read_bytes()
        names, stored = ("oakdale", "r"), tmp_path / "kept"
        of = signing_jwk(folder.custody_key)
        _, signed = witness_head([own], stored, of=of, by=stranger, names=names)
        forged = witness_head([own], tmp_path / "forged", of=of, by=ECKey.generate_key("P-256"), names=names)[1]
        (tmp_path / "signed").write_bytes(signed + b"\n")
        given = ("--witnessed", tmp_path / "signed", "--by", tmp_path / "oakdale.pem")
        checked = department.json("ledger check", *given)
        assert (checked["intact"], checked["heads"]) == (True, 1)
        (tmp_path / "signed").write_bytes(signed + b"\n" + forged + b"\n")
        done = department("ledger check", *given)
        assert (done.returncode, "line 2: a line is not an end that a known witness signed" in done.stdout) == (1, True)
        (tmp_path / "signed").write_bytes(signed + b"\n")
        exported = tmp_path / "ledger.jsonl"
        assert department.json("ledger export", "--outsider", "--to", exported)["lines"] == 5
        assert exported.stat().st_mode & 0o777 == 0o600
        assert [json.loads(line)["event"] for line in exported.read_text("utf-8").splitlines()] == [
            *("law_changed", "intent", "intent", "witnessed", "log_exported")
        ]
        assert run_example(exported) == set()
        exports_with_bodies(department, folder)
        with psycopg.connect(**where) as superuser:
            superuser.execute(CUT)
        heads.write_bytes(heads.read_bytes() + b"{}\n")
        done = department("ledger check", "--heads", heads)
        assert done.returncode == 1
        assert "3 cut: a noted end is not there\n" in done.stdout
        assert f"head: {heads}, line 2: a line is not a signed end of a ledger\n" in done.stdout
        assert "1 entries, 1 ends: 2 problems.\n" in done.stdout
        assert "3 cut: a noted end is not there\n" in department("ledger check", *given).stdout
