from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import OutboxError
from platepost.device.health import heartbeat as module
from platepost.device.health.heartbeat import Heartbeat
from platepost.device.outbox.outbox import Backlog
from platepost.device.vision.pipeline import Counters
from platepost.wire.records import ClockQuality, Health, HotListState
from platepost.wire.records.settings import RecordSettings
from tests.clocks import SteppedClock

SETTINGS = RecordSettings(signing_key=Path("key.pem"), health_seconds=60)


class Pulse:
    """A heartbeat, and what it sent."""

    def __init__(self, mocker: MockerFixture, **supervisor: Any) -> None:
        self.logbook: Any = mocker.Mock(clock=SteppedClock(), run="01a20eee-0349-756c-a767-c205969791ee")
        self.logbook.timekeeper.quality.return_value = ClockQuality(source="kernel", synchronised=True)
        pipeline = mocker.Mock(detect_milliseconds=deque(), read_milliseconds=deque(), counters=Counters(frames=9))
        reporter = mocker.Mock(reads_withheld=0)
        reporter.hotlist.state.return_value = HotListState(state="current", version=1)
        self.uplink: Any = mocker.Mock()
        self.uplink.backlog.return_value = Backlog(0, 0, 0, 0, None, None, 0, 0)
        self.uplink.state.return_value = SimpleNamespace(connected=True)
        camera = {"capture": None, "dropped": 0, "lost": 0, "recoveries": {}} | supervisor
        self.heart = Heartbeat(
            self.logbook,
            pipeline,
            reporter,
            supervisor=mocker.Mock(**camera),
            uplink=self.uplink,
            settings=SETTINGS,
            folder=Path(),
        )

    def beats(self, *moments: float) -> list[bool]:
        found = []
        for now in moments:
            self.uplink.send_now.reset_mock()
            self.heart.poll(now)
            found.append(bool(self.uplink.send_now.called))
        return found

    def health(self) -> Health:
        self.heart.poll(0.0)
        said: Health = self.logbook.recorder.unchained.call_args.args[0]
        return said


def test_health_is_due_at_once_and_then_as_often_as_configured(mocker: MockerFixture) -> None:
    pulse = Pulse(mocker)
    assert pulse.beats(100.0, 100.0, 159.9, 160.0, 160.1) == [True, False, False, True, False]
    tables: Any = mocker.Mock()
    tables.table.return_value = SETTINGS.model_copy(update={"health_seconds": 1})
    pulse.heart.adjust(tables)
    assert pulse.beats(219.9, 220.0, 220.9, 221.0) == [False, True, False, True]


def test_health_waits_for_an_outbox_that_cannot_tell_what_waits(mocker: MockerFixture) -> None:
    pulse = Pulse(mocker)
    pulse.uplink.backlog.side_effect = OutboxError("disk I/O error")
    assert pulse.beats(0.0) == [False]
    pulse.uplink.backlog.side_effect = None
    pulse.logbook.recorder.unchained.side_effect = OutboxError("disk I/O error")
    assert pulse.beats(60.0) == [False]


@pytest.mark.parametrize(("free", "told"), [(None, None), (2**24 - 1, 0), (2**33 + 41_076, 2**33)])
def test_free_space_is_said_too_coarsely_to_tell_of_a_record(
    free: int | None, told: int | None, mocker: MockerFixture
) -> None:
    mocker.patch.object(module, "disk_free", return_value=free)
    assert Pulse(mocker).health().disk_free_bytes == told


@pytest.mark.parametrize(("running", "told"), [((3, 5), (10, 25)), (None, (7, 20))], ids=["open", "closed"])
def test_health_counts_the_frames_of_captures_that_have_ended(
    mocker: MockerFixture, running: tuple[int, int] | None, told: tuple[int, int]
) -> None:
    capture = None if running is None else mocker.Mock(dropped=running[0], lost=running[1], last_frame=None)
    health = Pulse(mocker, capture=capture, dropped=7, lost=20).health()
    assert (health.frames_dropped, health.frames_lost) == told
