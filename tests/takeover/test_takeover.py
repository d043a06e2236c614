"""A fleet and a unit that former software left behind are taken over by today's; `make.py` made them."""

import json
import logging
import sqlite3
import tarfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from platepost.common.files import StateFile
from platepost.device.camera.recovery import RecoveryMemory
from platepost.device.camera.view import Views
from platepost.device.clock.timekeeper import TimeFloor
from platepost.device.commands.selftest import selftest
from platepost.device.config import load
from platepost.device.control.replay_guard import ReplayGuard
from platepost.device.health.boot_counter import CountedStarts
from platepost.device.health.crash_record import RunState
from platepost.device.health.read_rate import UsualReads
from platepost.device.outbox.database import read_key_file
from platepost.device.outbox.outbox import Outbox
from platepost.device.post import Post
from platepost.provisioning.cli import provision
from platepost.provisioning.control.keys.rotation import declare
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.passphrase import FLEET_PASSPHRASE, NEW_PERSON_PASSPHRASE, PERSONAL_PASSPHRASE
from platepost.simulator.ground.subscriber import Arrival, Subscriber
from platepost.wire.errors import RefusedError
from platepost.wire.records import DEPARTMENT_PURPOSES, CustodianTerms, Keyring, Purpose
from platepost.wire.records.signing import read_key
from platepost.wire.verify.cli import verify
from platepost.wire.verify.verify import Verifier
from tests.end_to_end.day import SECONDS, Day, given, running

BEFORE = Path(__file__).with_name("before.tar.xz")
CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "pass.mp4"


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Lay out what was left, with the passphrase of its people and the clip that its camera shows."""
    with tarfile.open(BEFORE) as archive:
        archive.extractall(tmp_path, filter="fully_trusted")  # noqa: S202 - we packed it
    (tmp_path / "clip.mp4").symlink_to(CLIP)
    for whose in ("PASSPHRASE", "PERSON_PASSPHRASE", "NEW_PERSON_PASSPHRASE"):
        path = tmp_path / whose.lower()
        path.touch(mode=0o600)
        path.write_text("correct horse battery staple\n")
        monkeypatch.setenv(f"PLATEPOST_{whose}_FILE", str(path))
    yield tmp_path
    for source in (FLEET_PASSPHRASE, PERSONAL_PASSPHRASE, NEW_PERSON_PASSPHRASE):
        source.forget()


def test_the_post_s_file_is_read_and_what_is_no_setting_any_more_is_named(
    before: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        configuration = load(before / "unit" / "post.toml")

    assert configuration.records.overview_bytes == 20000
    assert "uplink.protocol" in caplog.text
    assert "uplink.client_id" in caplog.text


def test_the_outbox_gives_back_every_record_of_one_unbroken_chain(before: Path) -> None:
    settings = load(before / "unit" / "post.toml").outbox
    with Outbox(settings.path, key=read_key_file(settings.key_file)) as outbox:
        waiting = outbox.next(999)
        report = Verifier(Keyring.from_files(before / "fleet" / "records" / "post-1.pem")).feed_all(
            envelope.body for envelope in waiting
        )
        assert len(waiting) == outbox.depth() > 5
        assert report.intact, report.problems
        outbox.acknowledge([envelope.sequence or 0 for envelope in waiting])
        assert outbox.depth() == 0
    with Outbox(settings.path, key=read_key_file(settings.key_file)) as outbox:
        assert outbox.depth() == 0
        assert outbox.head.sequence == report.chains[0].last


def test_the_unit_finds_itself_fit(before: Path) -> None:
    result = CliRunner().invoke(selftest, ["--json", "--config", str(before / "unit" / "post.toml")])
    found = {line["point"]: line for line in map(json.loads, result.stdout.splitlines())}

    assert {"recognizer", "keys", "camera", "outbox", "certificate"} <= {
        point for point, finding in found.items() if finding["good"]
    }
    # Three of the list, and one of the delta on it, which was stale the day after it was made.
    assert found["hot list"]["said"].endswith(("4 entries", "older than allowed"))


@pytest.mark.parametrize(
    ("file", "model", "kept"),
    [
        ("camera.json", RecoveryMemory, {"restarts": 1, "taken": {"restart": 1}}),
        ("clock.json", TimeFloor, {"floor": datetime(2026, 11, 27, 12, 6, 49, 26386, UTC)}),
        ("habit.json", UsualReads, {"root": [None] * 8 + [240.0] * 2 + [None] * 158}),
        ("last_words.json", RunState, {"faults": ("falling_behind",), "stopped": False}),
        ("starts.json", CountedStarts, {"bad": 1, "reboots": 0}),
        ("view.json", Views, {}),
    ],
)
def test_what_the_post_remembers_is_read(
    before: Path, file: str, model: type[BaseModel], kept: dict[str, object]
) -> None:
    read = StateFile(before / "unit" / "state" / file, model).read()

    assert read is not None
    assert {name: getattr(read, name) for name in kept} == kept


def test_a_command_that_was_carried_out_is_not_again(before: Path) -> None:
    path = before / "unit" / "state" / "control" / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        ((identifier, command),) = connection.execute("SELECT id, command FROM asked")
    with pytest.raises(RefusedError, match="was already carried out"):
        ReplayGuard(path).take(identifier, command, at=datetime.now(UTC), most=9, within=1)


def test_what_people_did_is_proved_and_goes_on(before: Path) -> None:
    directory = before / "fleet"
    fleet = Fleet.load(directory)
    done = [act.action for act in fleet.acts]
    because = ("--as", "j-stone", "--purpose", "work order 7732")
    given(provision, "person", "add", directory, "m-ito", "--role", "operator", *because)
    given(provision, "post", "add", directory, "post-4", "--camera", "picamera2", *because)

    assert fleet.posts() == ("post-1", "post-2", "post-4")
    assert {entry.name for entry in fleet.people if entry.is_certified()} >= {"j-stone", "m-ito"}
    assert {entry.name for entry in fleet.people if not entry.is_certified()} >= {"k-webb"}
    assert [act.action for act in fleet.acts] == [*done, "person_certified", "post_added"]
    keys = str(directory / "people" / "keys")
    assert CliRunner().invoke(verify, [str(fleet.acts.path), "--key", keys, "--whole"]).exit_code == 0


def test_a_fleet_that_has_no_custodian_gets_one(before: Path) -> None:
    directory = before / "fleet"
    because = ("--as", "j-stone", "--purpose", "the records are to be kept")
    assert Fleet.load(directory).custodians() == ()
    given(provision, "custodian", "add", directory, "records", *because)
    fleet = Fleet.load(directory)
    assert fleet.custodians() == ("records",)
    assert "user records" in fleet.broker.access_list.read_text()
    declare(fleet, fleet.keys(Purpose.CUSTODY, "records"), CustodianTerms(name="records"), "j-stone")
    given(provision, "post", "add", directory, "post-4", "--camera", "picamera2", *because)
    ((terms, _),) = load(fleet.post("post-4") / "post.toml").custody.given
    assert terms.name == "records"


@pytest.mark.end_to_end
def test_post_and_department_go_on_where_they_were(before: Path) -> None:
    unit, directory = before / "unit", before / "fleet"
    in_force = max(int(path.stem) for path in (directory / "hotlist" / "built").iterdir())
    with running("mosquitto", Fleet.load(directory), before / "broker") as (broker, reload), ExitStack() as stack:
        day = Day(directory, broker, reload)
        file = unit / "post.toml"
        file.write_text(file.read_text().replace(load(file).uplink.brokers[0], broker.address))
        keeper = stack.enter_context(
            Subscriber(
                day.fleet.subscriber("keeper"), agency="riverside", broker=broker.address, archive=before / "records"
            )
        )
        with Outbox(unit / "state" / "outbox.db", key=read_key_file(unit / "keys" / "outbox.key")) as outbox:
            first, last = outbox.next(1)[0].sequence, outbox.head.sequence
        post = Post(load(file))
        thread = threading.Thread(target=post.run)
        thread.start()
        stack.callback(thread.join, SECONDS)
        stack.callback(post.stop)

        # What waited comes first, then what is to be told of the run that was killed.
        assert keeper.wait_for(lambda said: bool(audits(said, "died")), timeout=SECONDS)
        assert next(each.event["sequence"] for each in keeper.arrivals if "sequence" in each.event) == first
        # List, configuration and keys are in force as they were.
        assert keeper.wait_for(lambda said: bool(in_service(said, after=last)), timeout=SECONDS)
        (said, *_) = in_service(keeper.arrivals, after=last)
        # It is in force, however old it is by now.
        assert (said["hotlist"]["state"] != "none", said["hotlist"]["version"]) == (True, in_force)
        assert (said["configuration"]["state"], said["configuration"]["version"]) == ("applied", 1)
        verifying = {purpose: day.fleet.keys(purpose).verifying.read_bytes() for purpose in DEPARTMENT_PURPOSES}
        assert {held["purpose"]: held["key"] for held in said["keys"]} == {
            purpose.value: read_key(key).thumbprint() for purpose, key in verifying.items()
        }

        # And what the department does reaches it.
        (before / "less.csv").write_text("plate\n8AAA000\n")
        delta = before / "list.delta"
        given(provision, "hotlist", "delta", "--remove", before / "less.csv", "--fleet", directory, "-o", delta)
        given(provision, "hotlist", "publish", delta, "--fleet", directory, "--broker", broker.address)
        who = ("--as", day.fleet.operator("r-alvarez"), "--purpose", "monthly check", "--broker", broker.address)
        given(provision, "command", "self-test", "post-1", *who)
        post.stop()
        thread.join(SECONDS)
        day.give("post", "revoke", "post-1", *day.at_the_broker)
        assert day.fleet.posts() == ("post-2",)
    report = Verifier(Keyring.from_files(directory / "records" / "post-1.pem")).feed_all(
        (before / "records").read_bytes().splitlines()
    )
    assert report.intact, report.problems


def audits(arrivals: Sequence[Arrival], action: str) -> list[Arrival]:
    return [each for each in arrivals if each.data.get("action") == action]


def in_service(arrivals: Sequence[Arrival], *, after: int) -> list[Any]:
    """What the run after a record says of itself, from when its networks are loaded."""
    said = [each for each in arrivals if each.kind == "platepost.status.v1" and int(each.event["sequence"]) > after]
    return [each.data for each in said if each.data["versions"]["models"]]
