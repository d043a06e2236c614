from pathlib import Path

import pytest

from platepost.device.board.rpi import STEP_SECONDS
from platepost.device.board.settings import RpiSettings
from platepost.device.camera.tuning import UNIT
from platepost.device.health import machine
from platepost.device.post import POLL_SECONDS
from platepost.device.vision import model_loader
from platepost.wire.faults import DESCRIPTIONS, Fault, reasons, severity, worst
from platepost.wire.records import PerceivedSeverity, Reason

ROOT = Path(__file__).parents[2]


def test_every_fault_is_described_in_code_and_for_technicians() -> None:
    assert set(DESCRIPTIONS) == set(Fault)
    for description in DESCRIPTIONS.values():
        assert all((description.cause, description.effect, description.healed_by, description.remedy))


def test_a_status_takes_every_message() -> None:
    assert {reason.name for reason in reasons(Fault)} == {fault.value for fault in Fault}


def test_reasons_come_in_one_order() -> None:
    assert [reason.name for reason in reasons({Fault.TAMPER_OPEN, Fault.CAMERA_SILENT})] == [
        "camera_silent",
        "tamper_open",
    ]


def test_a_status_says_how_bad_each_fault_is() -> None:
    said = {reason.name: reason.wire()["severity"] for reason in reasons(Fault)}
    assert said == {fault.value: description.severity.value for fault, description in DESCRIPTIONS.items()}
    assert (said["camera_silent"], said["tamper_open"], said["hotlist_stale"]) == ("critical", "critical", "critical")
    assert (said["storage_low"], said["clock_unsynchronised"]) == ("major", "minor")


def test_the_word_of_the_post_counts_and_the_name_where_an_older_one_says_none() -> None:
    minor = Reason(name="camera_silent", message="x", severity=PerceivedSeverity.MINOR)
    assert severity(minor) is PerceivedSeverity.MINOR
    assert severity(Reason(name="camera_silent", message="x")) is PerceivedSeverity.CRITICAL
    unknown = Reason(name="never_heard_of", message="x")
    assert severity(unknown) is PerceivedSeverity.MAJOR
    assert worst([minor, unknown]) is PerceivedSeverity.MAJOR
    assert worst([]) is None


@pytest.mark.parametrize(
    ("fault", "named_after", "stated"),
    [
        (Fault.CAMERA_SILENT, UNIT.silent_seconds, "six seconds"),
        (Fault.CAMERA_FROZEN, UNIT.frozen_seconds, "six seconds"),
        (Fault.CAMERA_BLACK, UNIT.black_seconds, "eleven seconds"),
        (Fault.CAMERA_FAILED, UNIT.hung_seconds, "a second, or eleven if it hangs"),
    ],
)
def test_what_is_stated_of_the_camera_is_decided_so(fault: Fault, named_after: float, stated: str) -> None:
    seconds = {"six": 6, "eleven": 11}
    assert DESCRIPTIONS[fault].within == stated
    assert next(number for word, number in seconds.items() if word in stated) == named_after + 1


def test_what_is_stated_of_the_machine_is_decided_so() -> None:
    named = {Fault.TOO_HOT, Fault.THROTTLED, Fault.UNDER_VOLTAGE, Fault.STORAGE_LOW, Fault.STORAGE_WORN}
    assert {DESCRIPTIONS[fault].within for fault in named} == {"five seconds"}
    assert machine.CHECK_SECONDS == 5
    assert "within ten seconds" in DESCRIPTIONS[Fault.MODEL_DAMAGED].healed_by
    assert model_loader.RETRY_SECONDS == 10


def test_what_is_stated_of_the_switches_is_decided_so() -> None:
    assert {DESCRIPTIONS[fault].within for fault in (Fault.TAMPER_OPEN, Fault.DOOR_OPEN)} == {"a second"}
    assert RpiSettings().debounce_milliseconds / 1000 + 2 * STEP_SECONDS + 2 * POLL_SECONDS < 1
