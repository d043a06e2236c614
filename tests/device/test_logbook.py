"""What a post writes down, without a camera or a broker, read from its own outbox."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from platepost.common.errors import OutboxError
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.config import Configuration, parse
from platepost.device.logbook import Logbook
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.wire.faults import Fault
from platepost.wire.records import ClockQuality, Recorder, new_identifier
from tests.rigs import post_table


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    folder = fleet.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    table = post_table(without_list=True, camera={"backend": "scripted"}, board={"backend": "virtual"})
    return parse(table, folder=folder)


def opened(configuration: Configuration, outbox: Outbox) -> Logbook:
    timekeeper = Timekeeper(configuration.outbox.path.with_name("clock.json"))
    source = configuration.post.source
    recorder = Recorder.of(configuration.records, outbox, source, now=timekeeper.now)
    records = RetryingRecorder(recorder, stop=Event())
    return Logbook(outbox, records, timekeeper, run=new_identifier(), settings=configuration.records)


@pytest.fixture
def logbook(configuration: Configuration) -> Iterator[Logbook]:
    with Outbox.of(configuration.outbox) as outbox:
        yield opened(configuration, outbox)


def said(logbook: Logbook) -> list[dict[str, Any]]:
    return [envelope.event["data"] for envelope in logbook.outbox.next(100)]


def test_an_outbox_that_was_set_aside_is_audited_once(configuration: Configuration) -> None:
    configuration.outbox.path.write_bytes(b"no outbox at all" * 512)
    with Outbox.of(configuration.outbox) as outbox:
        logbook = opened(configuration, outbox)
        logbook.poll(0.0)
        logbook.poll(1.0)
        assert [(data["action"], data["outcome"]) for data in said(logbook)] == [("outbox_set_aside", "failure")]
        assert logbook.faults() == {Fault.OUTBOX_SET_ASIDE}


def test_the_account_of_what_is_gone_is_taken_again_when_it_cannot_be_stored(
    logbook: Logbook, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[ClockQuality] = []

    def full(*, clock: ClockQuality) -> None:
        tried.append(clock)
        raise OutboxError("the disk is full")

    monkeypatch.setattr(logbook.recorder, "account_for_losses", full)
    seconds = configuration.records.health_seconds
    for now in (0.0, seconds - 1, seconds):
        logbook.poll(now)
    assert len(tried) == 2
    assert said(logbook) == []


def test_the_time_is_kept_at_the_end(logbook: Logbook, configuration: Configuration) -> None:
    kept = configuration.outbox.path.with_name("clock.json")
    assert not kept.exists()
    logbook.stop()
    assert kept.exists()


def test_nothing_in_the_audit_trail_is_null(logbook: Logbook) -> None:
    logbook.audit.record("boot", details={"version": "0.1.0", "configuration": None, "bad_starts": 0})
    (boot,) = said(logbook)
    assert boot["details"] == {"version": "0.1.0", "bad_starts": 0}
