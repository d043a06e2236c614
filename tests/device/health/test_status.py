from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device.clock.kernel import clock_quality
from device.faults.fault import Fault
from device.health import status as module
from device.health.status import Vitals
from device.outbox import Backlog
from device.records import Health, Place, Versions
from device.records.contract.examples import example_status


def test_status_says_the_end_of_a_renewed_certificate() -> None:
    example = example_status("online", "01a20eee-0349-756c-a767-c205969791ee")
    first = datetime(2026, 3, 1, tzinfo=UTC)
    vitals = Vitals(
        place=Place(site="Bridge Street"),
        versions=Versions(software="0.1.0", configuration="3f0c9a517b2e", models=()),
        certificate_expires=first,
    )

    def told() -> datetime | None:
        return vitals.status(clock=clock_quality(), hotlist=example.hotlist).certificate_expires

    assert told() == first
    vitals.renewed(first + timedelta(days=700))
    assert told() == first + timedelta(days=700)


def test_news_of_reads_make_a_status_every_ten_minutes_at_most(mocker: MockerFixture) -> None:
    clock = mocker.patch.object(module, "monotonic", return_value=1000.0)
    reads: list[datetime] = []
    example = example_status("online", "01a20eee-0349-756c-a767-c205969791ee")
    vitals = Vitals(
        place=Place(),
        versions=Versions(software="0.1.0", configuration="3f0c9a517b2e"),
        certificate_expires=None,
        last_read=lambda: reads[-1] if reads else None,
    )
    vitals.noticed(example.hotlist)
    vitals.status(clock=clock_quality(), hotlist=example.hotlist)
    clock.return_value = 1700.0
    assert not vitals.noticed(example.hotlist), "nothing was read"
    reads.append(datetime(2026, 3, 1, tzinfo=UTC))
    assert vitals.noticed(example.hotlist)
    assert vitals.status(clock=clock_quality(), hotlist=example.hotlist).last_read == reads[0]
    reads.append(datetime(2026, 3, 2, tzinfo=UTC))
    clock.return_value = 2299.0
    assert not vitals.noticed(example.hotlist)
    clock.return_value = 2301.0
    assert vitals.noticed(example.hotlist)


def health_of(mocker: MockerFixture, **counted: Any) -> Health:  # noqa: ANN401
    vitals = Vitals(
        place=Place(), versions=Versions(software="0.1.0", configuration="3f0c9a517b2e"), certificate_expires=None
    )
    pipeline = mocker.Mock(detect_milliseconds=deque(), read_milliseconds=deque())
    pipeline.counters.frames = 9
    return vitals.health(
        clock=clock_quality(),
        hotlist=example_status("online", "01a20eee-0349-756c-a767-c205969791ee").hotlist,
        pipeline=pipeline,
        **{"capture": None, "dropped_before": 0, "lost_before": 0} | counted,
        recoveries={},
        backlog=Backlog(0, 0, 0, 0, None, 0, 0),
        connected=True,
        disk=Path(),
    )


@pytest.mark.parametrize(("free", "told"), [(None, None), (2**24 - 1, 0), (2**33 + 41_076, 2**33)])
def test_free_space_is_said_too_coarsely_to_tell_of_a_record(
    free: int | None, told: int | None, mocker: MockerFixture
) -> None:
    mocker.patch.object(module, "disk_free", return_value=free)
    assert health_of(mocker).disk_free_bytes == told


@pytest.mark.parametrize(("running", "told"), [((3, 5), (10, 25)), (None, (7, 20))], ids=["open", "closed"])
def test_health_counts_the_frames_of_captures_that_have_ended(
    mocker: MockerFixture, running: tuple[int, int] | None, told: tuple[int, int]
) -> None:
    capture = None if running is None else mocker.Mock(dropped=running[0], lost=running[1], last_frame=None)
    health = health_of(mocker, capture=capture, dropped_before=7, lost_before=20)
    assert (health.frames_dropped, health.frames_lost) == told


def test_since_is_when_the_state_began_and_of_offline_when_that_was_said() -> None:
    months = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5, 6, 7)]
    now = iter(months)
    example = example_status("online", "01a20eee-0349-756c-a767-c205969791ee")
    vitals = Vitals(
        place=Place(),
        versions=Versions(software="0.1.0", configuration="3f0c9a517b2e"),
        certificate_expires=None,
        now=lambda: next(now),
    )
    told = {"clock": clock_quality(), "hotlist": example.hotlist}
    vitals.changed(())
    assert vitals.status(**told).since == months[0]
    assert vitals.offline(**told).since == months[1], "of the will, which is signed at every connection"
    assert not vitals.changed(())
    assert vitals.status(**told).since == months[0], "it is well since then"
    vitals.changed({Fault.CAMERA_SILENT})
    assert vitals.status(**told).since == months[2]
    assert vitals.offline(**told).since == months[3]
