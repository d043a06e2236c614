from pathlib import Path

import pytest

from platepost.common.systemd import Notifier
from platepost.device.health.boot_counter import FILE, PAUSES, REBOOT, REBOOT_UPTIMES, WELL_SECONDS, BootCounter
from tests.clocks import SteppedClock


def begun(folder: Path, clock: SteppedClock, *, uptime: float = 0.0) -> BootCounter:
    counter = BootCounter(folder, Notifier({}), clock=clock, uptime=lambda: uptime)
    counter.begin()
    return counter


def test_deaths_in_a_row_are_counted_and_slow_the_post_down(tmp_path: Path) -> None:
    clock = SteppedClock(50.0)
    pauses = []
    for _ in range(len(PAUSES) + 2):
        counter = begun(tmp_path, clock)
        before = clock.now
        while counter.waiting:
            clock.now += 1
        pauses.append(clock.now - before)
    assert pauses == [*PAUSES, PAUSES[-1], PAUSES[-1]]


def test_a_run_that_lives_begins_the_count_anew(tmp_path: Path) -> None:
    clock = SteppedClock(50.0)
    for _ in range(4):
        counter = begun(tmp_path, clock)
    assert counter.often
    counter.poll(fit=True)
    clock.now += PAUSES[3]
    assert not counter.waiting
    counter.poll(fit=False)
    clock.now += WELL_SECONDS - 1
    counter.poll(fit=True)
    assert counter.often
    clock.now += 1
    counter.poll(fit=True)
    assert not counter.often
    assert begun(tmp_path, clock).bad == 0


def test_a_run_that_is_told_to_stop_is_not_counted(tmp_path: Path) -> None:
    for _ in range(10):
        counter = begun(tmp_path, SteppedClock(50.0))
        counter.stopped()
    assert counter.bad == 0


def test_a_machine_that_lost_its_power_before_the_camera_was_opened_says_nothing_of_the_post(tmp_path: Path) -> None:
    def start(machine: str) -> BootCounter:
        counter = BootCounter(tmp_path, Notifier({}), machine=machine)
        counter.begin()
        return counter

    for day in range(9):
        waiting = start(f"boot {day}")
    assert (waiting.bad, waiting.often) == (0, False)
    for dies in range(1, 4):  # the software, while the machine goes on
        assert start("boot 8").bad == dies
    start("boot 9").opens()
    assert start("boot 10").bad == 4, "what the camera was opened in counts, whoever took the power away"


def test_a_restart_that_was_asked_for_counts_though_the_camera_is_opened_meanwhile(tmp_path: Path) -> None:
    counter = BootCounter(tmp_path, Notifier({}), uptime=lambda: 1e6, machine="boot 1")
    counter.begin()
    assert counter.ask_for_reboot()
    counter.opens()
    again = BootCounter(tmp_path, Notifier({}), machine="boot 2")
    assert (again.bad, again.reboots) == (1, 1)


def test_the_machine_is_started_anew_at_ever_longer_intervals(tmp_path: Path) -> None:
    clock = SteppedClock(50.0)
    for _ in range(5):
        begun(tmp_path, clock)
    for least in (*REBOOT_UPTIMES, REBOOT_UPTIMES[-1]):
        early = begun(tmp_path, clock, uptime=least - 1)
        assert not early.reboot_due()
        assert not early.ask_for_reboot()
        late = begun(tmp_path, clock, uptime=least)
        assert late.reboot_due()
        assert late.ask_for_reboot()
        assert (tmp_path / REBOOT).exists()
    begun(tmp_path, clock)
    assert not (tmp_path / REBOOT).exists()


def test_few_bad_starts_are_no_reason_to_start_the_machine_anew(tmp_path: Path) -> None:
    for _ in range(5):
        assert not begun(tmp_path, SteppedClock(50.0), uptime=1e6).reboot_due()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"bad": "x", "reboots": 0}', b'{"bad": -3, "reboots": -1}', b"\xff"])
def test_a_damaged_counter_counts_from_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert begun(tmp_path, SteppedClock(50.0)).bad == 0


def test_a_restart_of_the_machine_that_stops_the_post_in_order_counts_all_the_same(tmp_path: Path) -> None:
    counter = BootCounter(tmp_path, Notifier({}), uptime=lambda: 1e6)
    counter.begin()
    assert counter.ask_for_reboot()
    counter.stopped()
    assert BootCounter(tmp_path, Notifier({})).reboots == 1
    again = BootCounter(tmp_path, Notifier({}), uptime=lambda: REBOOT_UPTIMES[0])
    again.begin()
    assert not again.ask_for_reboot(), "the second one must wait longer"
