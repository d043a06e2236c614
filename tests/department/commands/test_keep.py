"""`keep` at a real broker and a real database: from a post's record to the receipt on which the post lets go."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from platepost.department.database.cluster import installed_versions
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DepartmentFolder
from platepost.provisioning.trust.keys import signing_jwk
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.wire.contract.examples import JPEG, LIST, example_sight
from platepost.wire.monitor import Monitor, public_key
from platepost.wire.records import Picture, Read
from platepost.wire.records.topics import ledger_topic
from tests.department.commands.installation import Installed
from tests.department.commands.keeping import SECONDS, Site, site
from tests.department.custody.posts import PASSAGE
from tests.s3_store import CREDENTIALS, S3Store, rclone_path
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]


@pytest.fixture(scope="module")
def street(installed: Installed) -> Iterator[Site]:
    with site() as created:
        created.init(installed)
        created.fleet.add_subscriber("neighbor")
        yield created


def test_records_are_proved_and_receipted_over_kills_and_late_keys(street: Site) -> None:
    created = []
    street.add_post("post-1")
    with street.post("post-1") as post:
        with street.keeping():
            created += post.send(20)
            post.until(20)
            assert set(street.verdicts("post-1").values()) == {"foreign"}, "its key is not exported yet"
            created += post.send(30)
        created += post.send(10)
        street.export()  # while no keeper runs
        with street.keeping() as keeper:
            created += post.send(30)
            pid = street.cluster.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            created += post.send(30)
            fields = post.until(120)
            assert [(stored.first, stored.last, stored.digest) for stored in fields.ranges] == [
                (1, 120, created[-1].digest)
            ]
            assert street.cluster.pid != pid, "the keeper started its database again"
            genuine = {(record.sequence, record.digest): "genuine" for record in created}
            street.until(lambda: street.verdicts("post-1") == genuine)
            assert keeper.stop() == 0
            assert keeper.events[-1]["event"] == "stopped"
    assert not street.cluster.running, "the last program that used the database stopped it"


def test_checkpoints_are_published_for_whoever_keeps_them(street: Site, tmp_path: Path) -> None:
    """The service makes one at its start, and one soon after each entry; an outsider's monitor follows."""
    street.add_post("post-9")  # with it, the broker learns the subscriber's rights
    topic = ledger_topic("riverside", "records")
    folder = DepartmentFolder(street.department.folder)
    (tmp_path / "key.pem").write_bytes(signing_jwk(folder.custody_key).as_pem(private=False))
    monitor = Monitor(public_key(tmp_path / "key.pem"), tmp_path / "seen")
    entering = 'SELECT ledger_append(\'log_exported\', NULL, \'{"person": "a", "what": "entries"}\')'
    arrived = "SELECT head FROM ledger_sent WHERE destination = 'broker' AND at IS NOT NULL"
    with (
        street.keeping() as archive,
        street.hearing(topic) as neighbor,
        psycopg.connect(folder.conninfo(KEEPER), autocommit=True) as keeper,
    ):
        keeper.execute(entering)
        head = neighbor.wait(lambda where, _: where == topic, SECONDS)
        assert head is not None, archive.events
        assert monitor.see(head.decode()) == []
        assert monitor.last is not None
        number = monitor.last["number"]
        keeper.execute(entering)
        later = neighbor.wait(lambda _, body: body != head, SECONDS)
        assert later is not None, archive.events
        assert monitor.see(later.decode()) == []
        assert number <= monitor.last["number"]
        until(lambda: keeper.execute(arrived).fetchall() != [], seconds=SECONDS)
    with street.hearing(topic) as after:
        assert after.wait(lambda where, _: where == topic, SECONDS) is not None, "it is retained"


def test_what_was_receipted_and_is_not_held_is_an_incident(street: Site) -> None:
    """The database is put back to an earlier state; the log of receipts, which lies apart, is not."""
    data, backup = street.cluster.folder / "data", street.top / "backup"
    street.add_post("post-6")
    street.export()
    with street.post("post-6") as post:
        with street.keeping() as keeper:
            post.send(3)
            post.until(3)
            keeper.stop()
        shutil.copytree(data, backup)
        owner = data.stat()
        with street.keeping() as keeper:
            epoch = keeper.until("opened")["epoch"]
            post.send(2)
            post.until(5)
            keeper.stop()
        shutil.rmtree(data)
        backup.rename(data)
        for entry in (data, *data.rglob("*")):
            os.chown(entry, owner.st_uid, owner.st_gid)
        with street.keeping() as keeper:
            assert "post-6" in keeper.until("receipted_not_held")["range"]
            assert "numbers 4 to 5" in keeper.until("receipted_not_held")["range"]
            assert keeper.until("opened")["epoch"] > epoch


def test_it_waits_for_a_database_that_is_away(street: Site) -> None:
    """At the department's own server, which the keeper does not start."""
    settings = DepartmentFolder(street.department.folder).path / "department.toml"
    private = settings.read_text()
    street.cluster.start()
    street.add_post("post-7")
    street.export()
    try:
        stored = [line for line in private.splitlines() if not line.startswith("database")]
        url = f'database = "postgresql://{{role}}@/platepost?host={street.cluster.folder}"'
        settings.write_text("\n".join([*stored, url]))
        with street.keeping() as keeper, street.post("post-7") as post:
            post.send(3)
            post.until(3)
            street.cluster.kill()
            created = post.send(20)
            keeper.until("waiting")
            street.cluster.start()
            keeper.until("storing")
            assert post.until(23).ranges[-1].digest == created[-1].digest
            street.cluster.stop()
            post.send()
            keeper.until("waiting", count=2)
            assert keeper.stop() == 0, "it ends while it waits"
    finally:
        settings.write_text(private)
        street.cluster.stop()


@pytest.mark.skipif(rclone_path() is None, reason="rclone with S3 is missing: make build/rclone")
def test_it_waits_for_a_bucket_that_is_away(street: Site) -> None:
    folder, store = street.department.folder, S3Store(street.top / "s3")
    settings = store.settings(credentials="picture-credentials.toml")
    path = folder / "department.toml"
    without = path.read_text()
    lines = [f'{name} = "{value}"' for name, value in settings.model_dump(mode="json", exclude_unset=True).items()]
    (folder / "picture-credentials.toml").write_text(CREDENTIALS)
    (folder / "picture-credentials.toml").chmod(0o600)
    street.add_post("post-8")
    street.export()
    try:
        path.write_text("\n".join([without, "[picture_bucket]", *lines]))
        with street.keeping() as keeper, street.post("post-8") as post:
            sight = example_sight(PASSAGE, "7ABC123") | {"pictures": [Picture.of("patch", JPEG, width=24, height=12)]}
            read = Read.model_validate(sight | {"hotlist": dict(LIST) | {"result": "no_match"}})
            post.resend(post.recorder.record(read))
            assert settings.bucket in keeper.until("waiting")["reason"]
            post.resend(post.recorder.record(read))
            assert street.verdicts("post-8") == {}
            assert "pictures_unreachable" in {fault["name"] for fault in street.department.json("check")}
            assert settings.bucket in street.department.json("status")["pictures"]
            with store:
                keeper.until("storing")
                post.until(2)
                opened = [event["event"] for event in keeper.events].count("opened")
                assert opened == 2, "it does not say each few seconds that all is well"
                assert len([*store.objects.rglob("*-*-*-*-*")]) == 2 + 1, "and the bucket itself"
                assert not {fault["name"] for fault in street.department.json("check") if "picture" in fault["name"]}
                assert street.department("verify", "--whole").returncode == 0
                assert json.loads(street.department("nightly", "--json").stdout)["steps"]["pictures"] is None
                document = street.department.json("pictures", "--delete")
                assert (document["listed"], document["stray"], document["deleted"]) == (2, 0, True)
                keeper.stop()
                assert "no archive service runs" in street.department("pictures", "--delete").stderr
            assert street.department("verify", "--whole").returncode != 0
            assert "pictures" in street.department.json("status")
    finally:
        path.write_text(without)
