"""Fault drills of a whole post's surroundings: each is named, heals when its cause goes, and costs no record.

How soon is tested where it is decided, in tests/device/health; here a frame stands for a second.
"""

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_mock import MockerFixture

from platepost.device.camera import lens
from platepost.device.camera.base import Camera
from platepost.device.camera.footage.recordings import open_recording
from platepost.device.camera.view import View, Views
from platepost.device.frame import Frame
from platepost.device.health import certificate, machine, read_rate
from platepost.device.health.machine import Readings
from platepost.device.health.read_rate import ReadRateMonitor
from platepost.device.rig import Rig
from platepost.device.uplink import uplink
from platepost.device.vision import model_loader
from platepost.device.vision.modelfiles import SUMS, shipped
from platepost.simulator.board.virtual import VirtualBoard
from tests.rigs import SECONDS, Running

CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "street.mp4"
WELL = Readings(celsius=50.0, throttled=0, disk_free=10**10, disk_size=10**10, worn=None)


class StreetCamera(Camera):
    """Shows an empty street forever, altered at will, a second a frame; and so fast that a minute is soon over."""

    name = "street"

    def __init__(self) -> None:
        stills = islice(open_recording(CLIP, frames_per_second=None).stills(), 3)
        self.street = [still.gray for still in stills][-1]
        self.shown: NDArray[np.uint8] = self.street
        self._closed = threading.Event()

    @property
    def patient(self) -> bool:
        return True

    def open(self) -> None:
        self._closed.clear()

    def close(self) -> None:
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        for number in count():
            if self._closed.wait(0.01):
                return
            gray = self.shown
            gray = np.bitwise_xor(gray, np.uint8(number % 2))  # no two frames of a real sensor are equal
            yield Frame(number, datetime.now(UTC), float(number), gray, lambda: np.zeros((90, 160, 3), np.uint8))


class Drill(Running):
    """One running post on an empty street."""

    def __init__(self, tmp_path: Path, mocker: MockerFixture, **vision: str | float) -> None:
        self.camera = StreetCamera()
        self.board = VirtualBoard()
        for module in (lens, certificate, machine, read_rate, uplink):
            mocker.patch.object(module, "READ_SECONDS" if module is lens else "CHECK_SECONDS", 0.0)
        mocker.patch.object(model_loader, "RETRY_SECONDS", 0.0)
        self.readings = WELL
        rig = Rig(
            camera=lambda _settings: self.camera,
            board=lambda _settings: self.board,
            machine=lambda _folder: self.readings,
        )
        super().__init__(tmp_path, rig=rig, camera={"backend": "street"}, vision={"motion_area": 1.0, **vision})
        view = View.of(self.camera.street, accepted=datetime.now(UTC), accepted_by="r-alvarez")
        Views(day=view).save(self.folder / "state")

    def ailing(self) -> set[str]:
        """What the last status names; the test's machine has no time server, and the post no list."""
        return self.present() - {"clock_unsynchronised", "hotlist_missing"}

    def await_state(self, *names: str) -> None:
        end = time.monotonic() + SECONDS
        while self.ailing() != set(names):
            assert time.monotonic() < end, f"{self.ailing()} and not {set(names)}"
            time.sleep(0.05)


@pytest.fixture
def drill(tmp_path: Path, mocker: MockerFixture) -> Iterator[Drill]:
    one = Drill(tmp_path, mocker)
    one.thread.start()
    one.await_state()
    yield one
    one.stop()


def covered(street: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.full_like(street, 90)


def moved(street: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.roll(street, (20, 60), axis=(0, 1))


@pytest.mark.parametrize(("alter", "name"), [(covered, "lens_blocked"), (moved, "lens_moved")])
def test_what_ails_the_lens(drill: Drill, alter: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], name: str) -> None:
    drill.camera.shown = alter(drill.camera.street)
    drill.await_state(name)
    drill.camera.shown = drill.camera.street
    drill.await_state()
    drill.prove_whole()


def test_a_view_that_is_accepted_anew_is_judged_by_at_once(drill: Drill) -> None:
    drill.camera.shown = moved(drill.camera.street)
    drill.await_state("lens_moved")
    view = View.of(drill.camera.shown, accepted=datetime.now(UTC), accepted_by="r-alvarez")
    Views(day=view).save(drill.folder / "state")
    drill.await_state()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"celsius": 84.0}, ("too_hot",)),
        ({"celsius": 84.0, "throttled": 0x4}, ("throttled", "too_hot")),
        ({"throttled": 0x1}, ("under_voltage",)),
        ({"disk_free": 10**6}, ("storage_low",)),
        ({"worn": "errors"}, ("storage_worn",)),
    ],
)
def test_what_ails_the_machine(drill: Drill, changes: dict[str, Any], names: tuple[str, ...]) -> None:
    drill.readings = replace(WELL, **changes)
    drill.await_state(*names)
    drill.readings = WELL
    drill.await_state()
    drill.prove_whole()


def test_a_certificate_near_its_end_until_it_is_renewed(drill: Drill, mocker: MockerFixture) -> None:
    now = datetime.now(UTC)
    soon = SimpleNamespace(not_valid_before_utc=now - timedelta(days=700), not_valid_after_utc=now + timedelta(days=13))
    shown = mocker.patch("platepost.device.health.certificate.certificate", return_value=soon)
    drill.await_state("certificate_expiring")
    shown.return_value = SimpleNamespace(not_valid_before_utc=now, not_valid_after_utc=now + timedelta(days=90))
    drill.await_state()


def test_records_that_wait_for_an_hour(drill: Drill, mocker: MockerFixture) -> None:
    outbox = drill.post._uplink._outbox
    mocker.patch.object(outbox, "oldest_age", return_value=3600.0)
    drill.await_state("queue_old")
    mocker.patch.object(outbox, "oldest_age", return_value=None)
    drill.await_state()


def test_reads_that_stay_away(drill: Drill) -> None:
    (monitor,) = [part for part in drill.post._parts if isinstance(part, ReadRateMonitor)]
    monitor._baseline._expected, monitor._baseline._silent = [21.0] * 3, timedelta(seconds=901)
    drill.await_state("no_reads")
    drill.post._vision.pipeline.counters.reads += 1
    drill.await_state()


@pytest.mark.parametrize(
    ("net", "damage"),
    [*(("reader", damage) for damage in ("garbage", "cut", "flipped", "missing")), ("region", "flipped")],
)
def test_a_damaged_model_is_a_state_and_heals_without_a_restart(
    tmp_path: Path, mocker: MockerFixture, net: str, damage: str
) -> None:
    good = shipped(f"{net}.tflite")
    model = tmp_path / "models" / good.name
    model.parent.mkdir()
    if net == "reader":
        shutil.copy(good.with_suffix(".json"), model.with_suffix(".json"))
    content = good.read_bytes()
    half = len(content) // 2
    model.write_bytes(content)
    (model.parent / SUMS).write_text(f"{hashlib.sha256(content).hexdigest()}  {good.name}\n")
    if damage == "missing":
        model.unlink()
    else:
        damaged = {
            "garbage": b"\0" * 1000,
            "cut": content[:half],
            "flipped": content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :],
        }
        model.write_bytes(damaged[damage])
    one = Drill(tmp_path, mocker, **{net: str(model)})
    one.thread.start()
    try:
        one.await_state("model_damaged")
        assert one.post._camera.capture is None
        model.write_bytes(content)
        one.await_state()
        status = [e["data"] for e in one.records() if e["type"] == "platepost.status.v1"][-1]
        assert {found["name"] for found in status["versions"]["models"]} == {
            "detector",
            "reader",
            "region",
            "vehicle",
        }
        one.prove_whole()
    finally:
        one.stop()


def test_a_disk_that_others_fill(small_disk: Path, mocker: MockerFixture) -> None:
    mocker.patch("platepost.device.outbox.file.REMEMBERED_SECONDS", 5.0)
    one = Drill(small_disk, mocker)
    one.thread.start()
    try:
        one.await_state()
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        one.board.open_case()  # what must be audited now is what the disk does not take
        one.await_state("disk_full", "tamper_open")  # the outbox's reserve takes what must be said
        ballast.unlink()
        one.await_state("tamper_open")
        one.board.close_case()
        one.await_state()
        said = [e["data"]["action"] for e in one.records() if e["type"] == "platepost.audit.v1"]
        assert said.count("tamper_opened") == said.count("tamper_closed") == 1
        one.prove_whole()
    finally:
        one.stop()


def test_a_clock_that_is_set_back(drill: Drill) -> None:
    drill.post._logbook.timekeeper._wall = lambda: time.time() - 3 * 24 * 3600
    drill.await_state("clock_behind")
    drill.post._logbook.timekeeper._wall = time.time
    drill.await_state()
    said = [e["data"]["action"] for e in drill.records() if e["type"] == "platepost.audit.v1"]
    assert said.count("clock_stepped") == 2
    times = [e["time"] for e in drill.records()]
    assert times == sorted(times)
    drill.prove_whole()
