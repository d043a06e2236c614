"""Fault drills: a whole post on the stand-ins of camera and board. Each fault has its name, heals, and costs no record.

The times that the page of faults states are shortened here; that they are kept is tested where they are decided.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import pytest

from platepost.device.camera.footage.recordings import open_recording
from platepost.device.camera.picamera2.camera import Picamera2Camera
from platepost.device.camera.tuning import CameraTuning
from platepost.device.rig import Rig
from tests.rigs import SECONDS, Running
from tests.standins import rpi_gpio as GPIO  # noqa: N812 - as RPi.GPIO is called
from tests.standins import standing_in
from tests.standins.picamera2 import sensor
from tests.waiting import until

CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "pass.mp4"
ILLUMINATOR, TAMPER, CAMERA_POWER = 17, 4, 27


class Drill(Running):
    """One running post on the stand-ins."""

    def __init__(self, tmp_path: Path, tuning: CameraTuning) -> None:
        super().__init__(
            tmp_path,
            rig=Rig(camera_tuning=tuning),
            camera={
                "backend": "picamera2",
                "picamera2": {"width": 1280, "height": 720, "frames_per_second": 20},
            },
            board={
                "backend": "rpi",
                "rpi": {
                    "illuminator_pin": ILLUMINATOR,
                    "tamper_pin": TAMPER,
                    "camera_power_pin": CAMERA_POWER,
                    "debounce_milliseconds": 300,
                },
            },
        )
        GPIO.pin(TAMPER).drive_low()

    def wait_for_fault(self, name: str) -> None:
        until(lambda: name in self.present(), name)

    def wait_for_healing(self, *names: str) -> None:
        until(lambda: self.frames_come() and not self.present().intersection(names), f"the end of {names}")

    def frames_come(self) -> bool:
        capture = self.post._camera.capture
        return capture is not None and capture.last_frame is not None


HURRIED = CameraTuning(
    silent_seconds=0.5,
    hung_seconds=1.5,
    frozen_seconds=0.5,
    black_seconds=0.5,
    dwell_seconds=0.2,
    reopenings=(0.05, 0.05),
    cycles=(0.05, 0.05),
    dark_seconds=0.05,
    patience_seconds=0.3,
)
NO_RESTART = pytest.mark.parametrize("tuning", [replace(HURRIED, restarts=0)], ids=["no restart"])


@pytest.fixture
def tuning() -> CameraTuning:
    return HURRIED


@pytest.fixture
def drill(tmp_path: Path, tuning: CameraTuning, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drill]:
    monkeypatch.setattr(Picamera2Camera, "close_seconds", 0.2)
    with standing_in():
        GPIO.pin(CAMERA_POWER).watcher = lambda level: sensor.power(level == GPIO.HIGH)
        made = Drill(tmp_path, tuning)
        made.thread.start()
        until(made.frames_come, "the first frame")
        yield made
        sensor.resume()
        made.prove_whole()


def test_capture_that_hangs_is_silent_then_opened_again(drill: Drill) -> None:
    sensor.hang()
    drill.wait_for_fault("camera_silent")
    drill.wait_for_fault("camera_failed")
    assert drill.audits("camera_failed")[0]["reason"] == "reopen"
    sensor.resume()
    drill.wait_for_healing("camera_silent", "camera_failed", "camera_given_up")
    assert drill.audits("camera_recovered")


def test_a_passage_that_was_under_way_when_capture_hung_is_read(drill: Drill) -> None:
    vehicle = [still.gray for still in islice(open_recording(CLIP).stills(), 85, 105)]
    there_and_back = vehicle + vehicle[::-1]

    def picture(number: int, width: int, height: int) -> bytes:
        return cv2.resize(there_and_back[number % len(there_and_back)], (width, height)).tobytes()

    sensor.picture = picture
    counters = drill.post._vision.pipeline.counters
    until(lambda: counters.sightings >= 4, "a vehicle")
    sensor.hang()
    drill.wait_for_fault("camera_failed")
    reads = [e["data"]["plate_read"] for e in drill.records() if e["type"] == "platepost.read.v1"]
    assert reads == ["6WDN917"]


def test_a_camera_that_only_power_helps_gets_it(drill: Drill) -> None:
    sensor.hang(needs_power_cycle=True)
    drill.wait_for_fault("camera_failed")
    drill.wait_for_healing("camera_silent", "camera_failed", "camera_given_up")
    reasons = [audit["reason"] for audit in drill.audits("camera_failed")]
    assert reasons[:3] == ["reopen", "reopen", "power_cycle"]
    assert [state for _, state in GPIO.pin(CAMERA_POWER).states][:3] == [1, 0, 1]


def test_a_driver_that_hangs_costs_a_restart_and_no_record(drill: Drill) -> None:
    sensor.wedge()
    drill.thread.join(SECONDS)
    assert drill.account is not None
    assert drill.account.ailing
    assert [audit["reason"] for audit in drill.audits("camera_failed")] == ["power_cycle", "restart"]
    assert drill.records()[-1]["data"]["state"] == "offline"


@NO_RESTART
def test_a_camera_that_is_gone_is_given_up_and_taken_again_when_it_is_back(drill: Drill) -> None:
    sensor.unplug()
    drill.wait_for_fault("camera_given_up")
    assert {"reopen", "power_cycle"} == {audit["reason"] for audit in drill.audits("camera_failed")}
    # A watchdog that starves would end what still delivers.
    until(lambda: not drill.post._camera.watching, "the watchdog not to expect frames")
    sensor.resume()
    drill.wait_for_healing("camera_silent", "camera_failed", "camera_given_up")
    assert drill.post._camera.watching


@NO_RESTART
def test_when_all_else_fails_the_unit_is_to_reboot(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def reboot() -> bool:
        asked.append("camera")
        return True

    monkeypatch.setattr(drill.post._camera._recovery, "_reboot", reboot)
    sensor.hang()
    until(lambda: bool(asked), "the wish for a reboot")
    until(lambda: "reboot" in [audit["reason"] for audit in drill.audits("camera_failed")], "its audit")
    assert drill.post._camera.recoveries["reboot"] >= 1


def test_a_sensor_that_repeats_its_frame_is_frozen_then_opened_again(drill: Drill) -> None:
    sensor.freeze()
    drill.wait_for_fault("camera_frozen")
    drill.wait_for_fault("camera_failed")
    assert "same frame" in drill.audits("camera_failed")[0]["details"]["failure"]
    sensor.resume()
    drill.wait_for_healing("camera_frozen", "camera_failed", "camera_given_up")
    assert drill.audits("camera_recovered")


def test_black_frames_are_named_and_nothing_is_opened_again(drill: Drill) -> None:
    sensor.blacken()
    drill.wait_for_fault("camera_black")
    sensor.resume()
    drill.wait_for_healing("camera_black")
    assert not any("same frame" in audit["details"]["failure"] for audit in drill.audits("camera_failed"))


def test_contacts_that_bounce_are_one_opening(drill: Drill) -> None:
    pin = GPIO.pin(TAMPER)
    for _ in range(20):
        pin.drive_high()
        pin.drive_low()
    pin.drive_high()
    drill.wait_for_fault("tamper_open")
    for _ in range(20):
        pin.drive_low()
        pin.drive_high()
    pin.drive_low()
    drill.wait_for_healing("tamper_open")
    assert len(drill.audits("tamper_opened")) == 1
    assert len(drill.audits("tamper_closed")) == 1


def test_pins_that_do_not_obey_are_named_until_they_do(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_channel: int) -> int:
        raise RuntimeError("'GPIO not allocated'")

    with monkeypatch.context() as patch:
        patch.setattr(GPIO, "input", refuse)
        drill.wait_for_fault("board_failed")
    drill.wait_for_healing("board_failed")


def test_at_night_the_illuminator_is_on_and_by_day_off(drill: Drill) -> None:
    sensor.lux = 1.0
    until(lambda: GPIO.pin(ILLUMINATOR).state == GPIO.HIGH, "the illuminator")
    until(lambda: ("Saturation", 0.0) in sensor.controls(), "the night's exposure")
    sensor.lux = 2000.0
    until(lambda: GPIO.pin(ILLUMINATOR).state == GPIO.LOW, "the end of the night")
