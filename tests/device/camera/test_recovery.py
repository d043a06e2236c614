from pathlib import Path

import pytest

from platepost.device.camera.recovery import HEALED_SECONDS, Recovery, RecoveryAction
from platepost.device.camera.tuning import UNIT


def take(recovery: Recovery, times: int, *, switchable: bool = True, stuck: bool = False) -> list[str]:
    return [recovery.failed(switchable=switchable, stuck=stuck).action.value for _ in range(times)]


UNTIL_RESTART = ["reopen", "reopen", "power_cycle", "power_cycle", "restart"]


def test_the_actions_come_in_their_order(tmp_path: Path) -> None:
    assert take(Recovery(tmp_path / "camera.json"), 5) == UNTIL_RESTART


def test_power_that_no_pin_switches_is_passed_over() -> None:
    assert take(Recovery(), 3, switchable=False) == ["reopen", "reopen", "restart"]


def test_a_driver_that_hangs_is_not_opened_again_but_its_power_cycled_once() -> None:
    assert take(Recovery(), 2, stuck=True) == ["power_cycle", "restart"]
    assert take(Recovery(), 1, stuck=True, switchable=False) == ["restart"]


def test_after_two_restarts_the_unit_is_to_reboot_and_restarts_count_anew(tmp_path: Path) -> None:
    asked: list[int] = []

    def reboot() -> bool:
        asked.append(1)
        return True

    memory = tmp_path / "camera.json"
    assert take(Recovery(memory, reboot=reboot), 5)[-1] == "restart"
    assert take(Recovery(memory, reboot=reboot), 5)[-1] == "restart"
    assert not asked
    assert take(Recovery(memory, reboot=reboot), 5)[-1] == "reboot"
    again = Recovery(memory, reboot=reboot, boot=lambda: "another")
    assert take(again, 5) == UNTIL_RESTART
    assert again.taken == {"reopen": 8, "power_cycle": 8, "restart": 3, "reboot": 1}


def test_a_dead_camera_is_tried_every_five_minutes_while_no_reboot_is_allowed(tmp_path: Path) -> None:
    memory = tmp_path / "camera.json"
    for _ in range(2):
        take(Recovery(memory), 5)
    recovery = Recovery(memory, reboot=lambda: False)
    take(recovery, 4)
    assert not recovery.exhausted
    steps = [recovery.failed(switchable=True) for _ in range(20)]
    assert {(step.action, step.pause) for step in steps} == {(RecoveryAction.POWER_CYCLE, UNIT.patience_seconds)}
    assert recovery.exhausted


def test_a_minute_of_frames_leads_back_to_the_ground(tmp_path: Path) -> None:
    memory = tmp_path / "camera.json"
    take(Recovery(memory), 5)
    recovery = Recovery(memory)
    recovery.delivers(now=100)
    recovery.delivers(now=100 + HEALED_SECONDS)
    for _ in range(2):
        assert take(Recovery(memory), 5)[-1] == "restart"


def test_frames_for_less_than_a_minute_do_not(tmp_path: Path) -> None:
    recovery = Recovery(tmp_path / "camera.json")
    recovery.failed()
    recovery.delivers(now=10)
    recovery.delivers(now=10 + HEALED_SECONDS - 1)
    recovery.failed()
    assert recovery.failures == 2
    recovery.delivers(now=10 + HEALED_SECONDS)
    assert recovery.failures == 2
    recovery.delivers(now=10 + 2 * HEALED_SECONDS)
    assert recovery.failures == 0


def test_the_pause_after_a_failure_is_no_minute_of_frames(tmp_path: Path) -> None:
    """A camera that gives some pictures after each opening is given up as a dead one is."""
    memory = tmp_path / "camera.json"
    now, recovery, actions = 0.0, Recovery(memory), []
    for _ in range(30):
        now += 2
        for frame in range(5):
            recovery.delivers(now=now + frame)
        step = recovery.failed()
        actions.append(step.action.value)
        now += 15 + step.pause
        if step.action is RecoveryAction.RESTART:
            recovery = Recovery(memory)
    assert actions == ["reopen", "reopen", "restart"] * 2 + ["reopen"] * 24
    assert recovery.exhausted


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"restarts": "x", "taken": [], "boot": 1}', b"\xff"])
def test_a_damaged_memory_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "camera.json").write_bytes(content)
    assert take(Recovery(tmp_path / "camera.json"), 5) == UNTIL_RESTART


def test_a_memory_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert take(Recovery(tmp_path / "file" / "camera.json"), 5) == UNTIL_RESTART


def test_a_camera_of_the_network_is_only_asked_again_and_ever_more_rarely(tmp_path: Path) -> None:
    recovery = Recovery(tmp_path / "camera.json", reboot=lambda: pytest.fail("no reboot helps"))
    steps = [recovery.failed(attached=False) for _ in range(8)]
    assert {step.action for step in steps} == {RecoveryAction.REOPEN}
    assert [step.pause for step in steps] == [1, 3, 10, 30, 60, 60, 60, 60]
    assert recovery.exhausted
