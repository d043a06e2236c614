from typing import Any

import pytest

from platepost.device.board.tamper import COUNT_SECONDS, TamperMonitor
from platepost.device.faults.flapping import MOST, REST_SECONDS
from platepost.simulator.board.virtual import VirtualBoard
from platepost.wire.faults import Fault


class Trail:
    """An audit log that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str | None, dict[str, Any]]] = []

    def record(self, action: str, *, source: str, reason: str | None = None, details: dict[str, Any]) -> None:
        assert source == "board"
        self.said.append((action, reason, details))


class Watch:
    """A monitor at a board, four times a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.trail = Trail()
        self.board = VirtualBoard()
        self.monitor = TamperMonitor(self.board, self.trail)  # type: ignore[arg-type] # only said to
        self.changes = 0

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            before = self.monitor.faults()
            self.monitor.poll(self.now)
            self.changes += self.monitor.faults() != before
            self.now += 0.25

    def rattle(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            self.board.open_case()
            self.wait(0.25)
            self.board.close_case()
            self.wait(0.25)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_who_opens_and_closes_now_and_then_is_told_each_time_at_once(watch: Watch) -> None:
    for _ in range(3):
        watch.board.open_case()
        watch.wait(0.25)
        assert watch.monitor.faults() == {Fault.TAMPER_OPEN}
        watch.wait(5)
        watch.board.close_case()
        watch.wait(0.25)
        assert not watch.monitor.faults()
        watch.wait(5)
    assert watch.trail.said == [("tamper_opened", None, {}), ("tamper_closed", None, {})] * 3


def test_the_door_is_watched_too(watch: Watch) -> None:
    watch.board.open_door()
    watch.wait(1)
    assert watch.monitor.faults() == {Fault.DOOR_OPEN}
    assert watch.trail.said == [("door_opened", None, {})]


def test_a_loose_switch_counts_as_open_until_it_has_rested_and_its_openings_are_counted(watch: Watch) -> None:
    watch.rattle(100)
    assert watch.monitor.faults() == {Fault.TAMPER_OPEN}
    watch.wait(REST_SECONDS - 1)
    assert watch.monitor.faults() == {Fault.TAMPER_OPEN}
    watch.wait(2)
    assert not watch.monitor.faults()
    said = watch.trail.said
    assert [action for action, _, _ in said] == ["tamper_opened", "tamper_closed"] * MOST
    assert [details for _, _, details in said[:-1]] == [{}] * (2 * MOST - 1)
    assert said[-1][2]["openings"] == 200 - MOST


def test_a_switch_that_never_rests_is_told_once_a_window(watch: Watch) -> None:
    watch.rattle(3600)
    repeated = [details for _, reason, details in watch.trail.said if reason == "repeated"]
    assert len(repeated) == 3600 // COUNT_SECONDS - 1
    assert all(details["seconds"] == COUNT_SECONDS for details in repeated)
    assert len(watch.trail.said) == len(repeated) + 2 * MOST - 1
    assert watch.changes == 2 * MOST - 1
    watch.monitor.stop()
    assert sum(details.get("openings", 1) for action, _, details in watch.trail.said if "opened" in action) == 7200


def test_at_the_end_nothing_is_said_of_a_switch_that_rests(watch: Watch) -> None:
    watch.board.open_case()
    watch.wait(1)
    watch.monitor.stop()
    assert len(watch.trail.said) == 1


def test_pins_that_fail_again_and_again_count_as_failing(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        monkeypatch.setattr(VirtualBoard, "failing", bool(number % 2))
        watch.wait(0.25)
    assert watch.monitor.faults() == {Fault.BOARD_FAILED}
    assert watch.changes == 2 * MOST - 1
