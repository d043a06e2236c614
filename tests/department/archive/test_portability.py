"""Everything goes out in open formats and comes in again identical, with its proofs; what was altered is refused."""

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zstandard
from django.db import connection

from platepost.department.archive.portability import (
    MANIFEST_TYPE,
    ExportManifest,
    PortabilityDatabase,
    export_department,
    import_department,
    open_manifest,
)
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.tables import CustodyTables
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import COMMAND, KEEPER, OWNER
from platepost.department.errors import DepartmentError
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.policy.policy import AccessPurpose
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.jose import sign
from platepost.wire.records import Keyring
from platepost.wire.records.signing import read_key
from platepost.wire.verify.verify import Verifier
from tests.department.custody.conftest import Open, clock, database, ended, keys, opened, rows
from tests.department.custody.posts import GROUP, NOW, SIGNER, Post, changed, deliveries
from tests.department.emptying import empty, empty_ledger
from tests.department.lasting import LastingConnections
from tests.department.law import bind
from tests.department.roles import as_role

__all__ = ["clock", "database", "ended", "keys", "opened", "rows"]
KEY = ExampleSigner(b"the custodian's")._key
PERSON = """
INSERT INTO people_person (password, login, name, badge, email, agency, made_at, active_from)
VALUES ('secret', 'a.rivera', 'A. Rivera', '', '', 'demo', now(), now()) RETURNING id
"""
"""A trigger enters it in the ledger; taken in again, it must not be entered again."""
ANSWERED = """
INSERT INTO alerts_step (record_id, revision, step, at, state)
SELECT record_id, 9, 'take', now(), 'taken' FROM alerts_alert;
INSERT INTO alerts_acknowledgment (person, at) VALUES ('a.rivera', now());
INSERT INTO alerts_forgotten VALUES (now(), 'new', 3);
INSERT INTO alerts_decision (record_id, post, hit, number, at, decision)
SELECT record_id, post, hit, 1, now(), 'x' FROM alerts_alert;
INSERT INTO alerts_webhook (agency, url) VALUES ('oakdale-pd', 'https://cad.example/');
INSERT INTO alerts_delivery (webhook_id, decision_id)
SELECT hook.id, fields.id FROM alerts_webhook AS hook, alerts_decision AS fields;
INSERT INTO alerts_sample (week, post, record_id) VALUES (current_date, 'post-1', 1);
INSERT INTO alerts_label (sample_id, person, verdict) SELECT id, 'a.rivera', 'right' FROM alerts_sample;
INSERT INTO lists_entry (plate, category, priority, case_number, purpose, reason, author, expires_at, second_person,
    over_at)
VALUES ('7ABC123', 'bolo', 3, '26-1', 'wanted person', 'x', 'a.rivera', now() + interval '1 day', false, now());
INSERT INTO lists_recovery (plate, person, reason) VALUES ('7ABC123', 'a.rivera', 'found');
INSERT INTO lists_import (source, "system_user", mark, mapping, file, accepted, refused, report)
VALUES ('state', 'root', 'x', '', '\\x00ff', 1, 0, '[]');
INSERT INTO lists_imported VALUES ('7ABC123', 'bolo', 'state', NULL);
INSERT INTO lists_request (kind) VALUES ('delta');
INSERT INTO lists_lead (entry_id, record_id, plate_fold) SELECT id, 1, '7ABC123' FROM lists_entry;
"""
"""What people made of hits, and of lists; the tables that are filled otherwise are left out."""


@pytest.fixture
def other(cluster: PrivateCluster, lasting: LastingConnections, transactional_db: None) -> Iterator[str]:
    """Make another database of the same schema, without records and entries."""
    name = connection.settings_dict["NAME"]
    connection.close()
    with lasting(SUPERUSER, autocommit=True) as superuser:
        empty_ledger(superuser)  # which other tests have damaged
    lasting.end()  # what others use is no template
    with psycopg.connect(host=str(cluster.folder), user=SUPERUSER, dbname="postgres", autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE other_{name} TEMPLATE {name} OWNER {OWNER}")
        yield f"host={cluster.folder} dbname=other_{name}"
        superuser.execute(f"DROP DATABASE other_{name} WITH (FORCE)")


@pytest.fixture
def answered(database: str) -> Iterator[Callable[[], None]]:
    """Add a person, and fill the tables of alerts and lists."""
    with psycopg.connect(database, user=SUPERUSER, autocommit=True) as superuser:

        def fill() -> None:
            superuser.execute(PERSON)
            superuser.execute("SET session_replication_role = replica")
            superuser.execute(ANSWERED)

        yield fill
        filled = [name for name in content(database) if name.startswith(("alerts_", "lists_"))]
        empty(superuser, *({*filled} - {"alerts_transition", "lists_policy"}))


def connected(where: str, bucket: PictureBucket | None = None) -> PortabilityDatabase:
    owner = psycopg.connect(f"{where} user={OWNER}", autocommit=True)
    return PortabilityDatabase(owner, CustodyTables(f"{where} user={KEEPER}", bucket))


def entry(which: str, groups: Any) -> OpenEntry:
    return open_entry(
        person="a", agency="demo", purpose=AccessPurpose("patrol"), query={"export": which}, groups=groups
    )


def of_all_kinds(post: Post) -> list[ReceivedMessage]:
    """Return records of every kind, verdict and class."""
    created = deliveries(*(post.read(text=f"7ABC{number:03}") for number in range(150)))
    created += deliveries(
        post.hit(), post.hit(GROUP), post.read(captured=NOW - timedelta(days=90)), post.read(pictures=False)
    )
    created += deliveries(post.withdrawal(), *post.record(50), post.drop((1000, 1001)))
    created += deliveries(post.enemy().read(), post.change_key(), *post.record(10))
    return [
        *created,
        changed(post.read(), source="//alpr/v1/demo/other"),
        ReceivedMessage("alpr/v1/demo/post-1/read", b"\0{"),
    ]


def content(where: str) -> dict[str, list[str]]:
    """Return every row of every table, but those of Django, as text."""
    with psycopg.connect(where, user=SUPERUSER) as superuser:
        tables = superuser.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname !~ '^(django|auth)_'"
        ).fetchall()
        return {
            table: [
                row
                for (row,) in superuser.execute(
                    f"SELECT (to_jsonb(t) - 'transaction' - 'password')::text FROM {table} t ORDER BY 1"
                )
            ]
            for (table,) in tables
        }


def signed(target: Path, matches: dict[str, Any]) -> None:
    about = {"agency": "demo", "custodian": "records", "version": "0.1.0", "made": NOW}
    payload = ExportManifest(**about, **matches).model_dump_json().encode()
    (target / "manifest.jws").write_bytes(sign(payload, KEY, typ=MANIFEST_TYPE, kid=KEY.thumbprint()))


@pytest.mark.parametrize("why", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_stays_of_an_export_that_was_broken_off(
    database: str, opened: Open, tmp_path: Path, why: BaseException
) -> None:
    """It is not encrypted, and the next one must find no folder."""
    store = opened()
    store.keep(of_all_kinds(Post())[:10])
    store.close()
    target, created = tmp_path / "everything", connected(database)

    def told(_done: int, _all: int | None) -> None:
        assert [*target.rglob("*.zst")]
        raise why

    with as_role(COMMAND), pytest.raises(type(why)):
        export_department(created, target, {}, opened=entry, on_progress=told)
    assert not target.exists()
    target.mkdir()
    with pytest.raises(DepartmentError, match="already exists"):
        export_department(created, target, {}, opened=entry, on_progress=told)
    assert target.exists(), "it is somebody's"
    created.keeper.close()
    created.owner.close()


def test_all_comes_back_identical_and_proved(
    other: str, database: str, opened: Open, answered: Callable[[], None], tmp_path: Path
) -> None:
    messages = of_all_kinds(Post())
    store = opened()
    for begin in range(0, len(messages), 100):
        store.keep(messages[begin : begin + 100])
    store.close()
    (tmp_path / "receipts").write_text("receipted")
    answered()
    entries: list[tuple[int, int | None]] = []
    target = tmp_path / "everything"
    created = connected(database)
    with as_role(COMMAND):
        matches = export_department(
            created,
            target,
            {"receipts": tmp_path / "receipts"},
            opened=entry,
            on_progress=lambda *fields: entries.append(fields),
        )
    created.keeper.close()
    created.owner.close()
    signed(target, matches)
    assert matches["records"] == len(messages)
    assert entries[-1][0] == entries[-1][1]

    manifest = open_manifest(target, [KEY])
    there = connected(other)
    bind(there.owner.execute, "other")  # as another policy file had made the new department
    import_department(there, target, manifest, now=datetime.now(UTC), on_progress=lambda *_: None)
    assert there.owner.execute("SELECT password FROM people_person").fetchall() == [("!",)], "it stays behind"
    before, after = content(database), content(other)
    assert {table: len(lines) for table, lines in after.items()} == {
        table: len(lines) for table, lines in before.items()
    }
    assert after == before
    of_hits = {table: lines for table, lines in after.items() if table.startswith(("alerts_", "lists_"))}
    assert len(of_hits) > 14
    assert [table for table, lines in of_hits.items() if not lines] == []
    assert {row["verdict"] for row in map(json.loads, after["custody_record"])} == {
        *("genuine", "foreign", "forged", "unreadable")
    }
    fields = {
        "keys": lambda _post: Keyring.from_pem(SIGNER.public_pem),
        "receipts": None,
        "state": tmp_path / "verified.json",
    }
    report = CustodyVerification(there.keeper.connection, **fields).run(whole=True)
    assert (report.intact, report.records) == (True, len(messages)), report.problems

    with pytest.raises(DepartmentError, match="import into an empty one"):
        import_department(there, target, manifest, now=datetime.now(UTC), on_progress=lambda *_: None)
    there.keeper.close()
    there.owner.close()
    assert_it_reads_as_it_was_signed(target)
    assert_what_was_altered_is_refused(target)


def assert_it_reads_as_it_was_signed(target: Path) -> None:
    """By another way than the import: the lines are records that `platepost verify` takes."""
    lines = [json.loads(line) for path in sorted((target / "records").iterdir()) for line in zstandard.open(path, "rt")]
    genuine = [line["event"] for line in lines if line["custody"]["verdict"] == "genuine" and "event" in line]
    report = Verifier(Keyring.from_pem(SIGNER.public_pem)).feed_all([json.dumps(event).encode() for event in genuine])
    assert {problem.kind for problem in report.problems} <= {"missing"}
    assert sum("data" in picture for event in genuine for picture in event["data"].get("pictures", ())) > 150


def assert_what_was_altered_is_refused(target: Path) -> None:
    with pytest.raises(DepartmentError, match="not of the expected key"):
        open_manifest(target, [read_key(SIGNER.public_pem)])
    path = target / "ledger.jsonl.zst"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DepartmentError, match=r"ledger\.jsonl\.zst does not match"):
        open_manifest(target, [KEY])
    path.write_bytes(whole)
    shutil.copy(path, target / "added")
    with pytest.raises(DepartmentError, match="added does not match"):
        open_manifest(target, [KEY])
