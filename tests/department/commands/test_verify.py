"""`verify` says whether the custody is whole, and its exit code says the same."""

import json

import psycopg

from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from tests.department.commands.installation import Commands, department
from tests.department.ledger.asked import handmade
from tests.department.planting import planting

__all__ = ["department"]
ROW = """
INSERT INTO custody_audit (record_id, class, retained_from, post, kind, at, person, outcome)
VALUES (1, 'doubtful', now(), 'post-1', 'boot', now(), 'somebody', 'ok')
"""
ALTERED = """
ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final;
UPDATE ledger_entry SET at = at - interval '1 day' WHERE number = 1;
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final
"""


def test_exit_code_says_whether_it_is_whole(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    with PrivateCluster(folder.cluster).in_use():
        done = department("verify")
        assert (done.returncode, done.stdout) == (0, "0 records and 1 entries of the ledger: nothing is wrong.\n"), done
        with psycopg.connect(
            host=str(folder.cluster), user=SUPERUSER, dbname=DATABASE_NAME, autocommit=True
        ) as superuser:
            superuser.execute("SELECT ledger_append('intent', NULL, %s)", [handmade()])
            superuser.execute("SELECT nextval('custody_record_id')")
            superuser.execute(ALTERED)
            with planting(superuser):
                superuser.execute(ROW)
            superuser.execute(
                "INSERT INTO custody_record (id, class, retained_from, kept_at, topic, post, digest, type, verdict,"
                " reason, names, codec, body) VALUES (2, 'doubtful', now(), now(), 'alpr/v1/riverside/post-1/read',"
                " 'post-1', sha256('a'), '', 'unreadable', '', false, 0, 'b')"
            )
        done = department("verify", "--json")
        payload = json.loads(done.stdout)
        kinds = {(problem["kind"], problem.get("number"), problem.get("record")) for problem in payload["problems"]}
        assert kinds == {("projection", None, 1), ("altered", None, 2), ("ledger", 1, None)}
        assert (done.returncode, payload["intact"], payload["records"], payload["entries"]) == (1, False, 1, 2)
        done = department("verify", "--whole")
        assert done.returncode == 1
        assert "post-1: altered: its bytes are not those that were kept\n" in done.stdout
        assert "1 records and 2 entries of the ledger: 3 problems.\n" in done.stdout


def test_damaged_state_is_named(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    folder.checked.write_text("damaged")
    done = department("verify")
    assert done.returncode == 1
    assert "delete it to start over" in done.stderr
    folder.checked.unlink()
