"""A post whose clock is years off, against a real mosquitto whose clock is right."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Arrival, Subscriber
from tests.verifier.second import agreed
from tests.waiting import until

FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(FAKETIME is None, reason="faketime is missing: make tools"),
]
NOBODY_VOUCHES = "00000000,,0,0,0,0,0,0,0,0,1,1,0.0,Not synchronised"
SECONDS = 90.0


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="demo")


@pytest.fixture
def broker(fleet: Fleet, tmp_path: Path) -> Iterator[Broker]:
    fleet.add_subscriber("keeper", reads=READS)
    with Broker(fleet, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def subscriber(fleet: Fleet, broker: Broker, tmp_path: Path) -> Iterator[Subscriber]:
    archive = tmp_path / "records.jsonl"
    with Subscriber(fleet.subscriber("keeper"), agency="demo", broker=broker.address, archive=archive) as listening:
        yield listening


class Unit:
    """`platepost run` under another clock; its steady clock is this machine's, as after a board's boot."""

    def __init__(self, fleet: Fleet, broker: Broker, tmp_path: Path, clip: Path) -> None:
        more = {"hotlist": {"in_service_without_list": True}, "uplink": {"drain_seconds": 5}}
        camera = {"path": str(clip), "loop": True}
        settings = PostSettings(brokers=(broker.address,), camera="footage", camera_settings=camera, more=more)
        self.folder = fleet.add_post("post-1", settings)
        self.log = tmp_path / "post.log"
        programs = tmp_path / "bin"
        programs.mkdir()
        (programs / "chronyc").write_text(f'#!/bin/sh\necho "{NOBODY_VOUCHES}"\n')
        (programs / "chronyc").chmod(0o755)
        self.environment = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, clock: datetime) -> None:
        program = [str(Path(sys.executable).with_name("platepost")), "-v", "run", "--config", "post.toml"]
        assert FAKETIME is not None
        faked = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"@{clock:%Y-%m-%d %H:%M:%S}", "TZ": "UTC"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                program, cwd=self.folder, env=self.environment | faked, stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def wait_for(self, text: str) -> None:
        said = lambda: self.log.read_text(errors="replace")  # noqa: E731
        until(lambda: text in said(), text, report=lambda: said()[-3000:])


@pytest.fixture
def unit(fleet: Fleet, broker: Broker, tmp_path: Path, sparse_clip: Path) -> Iterator[Unit]:
    made = Unit(fleet, broker, tmp_path, sparse_clip)
    yield made
    made.stop()


def born(arrivals: tuple[Arrival, ...], number: int) -> bool:
    return len({a.data["boot"] for a in arrivals if a.kind == "platepost.status.v1"}) == number


def test_in_1970_it_connects_says_so_and_records_go_on_from_the_floor(
    unit: Unit, subscriber: Subscriber, fleet: Fleet, tmp_path: Path
) -> None:
    for number, clock in enumerate((datetime(1970, 1, 2, tzinfo=UTC), datetime(2001, 9, 9, tzinfo=UTC)), start=1):
        unit.start(clock)
        assert subscriber.wait_for(partial(born, number=number), timeout=SECONDS), unit.log.read_text()
        unit.stop()
    statuses = [a for a in subscriber.arrivals if a.kind == "platepost.status.v1" and a.data["state"] == "degraded"]
    for status in statuses:
        reasons = {reason["name"] for reason in status.data["reasons"]}
        assert {"clock_behind", "clock_unsynchronised"} <= reasons
        clock = status.data["clock"]
        assert (clock["source"], clock["synchronised"]) == ("chrony", False)
        told = datetime.fromisoformat(status.event["time"])
        assert told > datetime.now(UTC) - timedelta(days=2), "the certificate had begun by then"
        assert (told - timedelta(seconds=clock["held_seconds"])).year in {1970, 2001}, "and the clock itself is told"

    lines = (tmp_path / "records.jsonl").read_bytes().splitlines()
    assert not agreed(lines, fleet.record_key("post-1").read_bytes())
    chained = sorted((e for e in map(json.loads, lines) if "sequence" in e), key=lambda e: e["sequence"])
    times = [event["time"] for event in chained]
    assert times == sorted(times), "time never goes back within the chain"


def test_three_years_ahead_it_connects_says_so_and_dates_nothing_by_it(
    unit: Unit, subscriber: Subscriber, fleet: Fleet, tmp_path: Path
) -> None:
    ahead = timedelta(days=3 * 365)
    for number, clock in enumerate((datetime.now(UTC) + ahead, datetime.now(UTC)), start=1):
        unit.start(clock)
        assert subscriber.wait_for(partial(born, number=number), timeout=SECONDS), unit.log.read_text()
        unit.stop()
    first, *_, last = (a for a in subscriber.arrivals if a.kind == "platepost.status.v1" and "sequence" in a.event)
    assert {"clock_ahead", "clock_unsynchronised"} <= {reason["name"] for reason in first.data["reasons"]}
    told = datetime.fromisoformat(first.event["time"])
    assert timedelta() < datetime.now(UTC) - told < timedelta(days=2), "it goes on from the certificate's beginning"
    assert (told - timedelta(seconds=first.data["clock"]["held_seconds"])).year == (datetime.now(UTC) + ahead).year
    assert "held_seconds" not in last.data["clock"], "and is right again as soon as the clock is"
    assert datetime.now(UTC) - datetime.fromisoformat(last.event["time"]) < timedelta(minutes=5)
    lines = (tmp_path / "records.jsonl").read_bytes().splitlines()
    assert not agreed(lines, fleet.record_key("post-1").read_bytes())
