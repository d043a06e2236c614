"""The project's own footage, altered as dirt, vandals and the sun would: that is named, and a sound lens is not."""

import errno
import os
import weakref
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.device.camera.footage.recordings import open_recording
from platepost.device.camera.lens import LensMonitor
from platepost.device.camera.view import View, Views, frame_sharpness, small
from platepost.wire.faults import Fault
from tests.thorough import in_turn

Gray = NDArray[np.uint8]
FOOTAGE = Path(__file__).parents[3] / "simulator" / "footage"
NAMED_WITHIN, HEALED_WITHIN = 40.0, 30.0
"""Seconds, as docs/self-monitoring.md promises."""


@cache
def frames(name: str) -> tuple[Gray, ...]:
    """Every tenth frame of a clip: the street, and the vehicles on it."""
    stills = open_recording(FOOTAGE / name, frames_per_second=None).stills()
    return tuple(still.gray for number, still in zip(range(200), stills, strict=False) if number % 10 == 0)


@lru_cache(maxsize=4)
def altered(name: str, alter: Callable[[Gray], Gray]) -> tuple[Gray, ...]:
    return tuple(alter(frame) for frame in frames(name))


@pytest.fixture(autouse=True)
def measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each picture made small, and its sharpness measured, once: the clips are shown for hours in all."""
    for name, measure in (("small", small), ("frame_sharpness", frame_sharpness)):
        monkeypatch.setattr(f"platepost.device.camera.background.{name}", partial(once, measure))


_measured: dict[tuple[str, int], tuple[Callable[[], Gray | None], object]] = {}


def once(measure: Callable[[Gray], object], frame: Gray) -> object:
    """Return what is measured of a picture: once, for as long as someone keeps the picture."""
    key = (measure.__name__, id(frame))
    kept, _ = _measured.get(key, (lambda: None, None))
    if kept() is not frame:
        _measured[key] = weakref.ref(frame), measure(frame)
    return _measured[key][1]


def sound(frame: Gray) -> Gray:
    return frame


def dusk(frame: Gray) -> Gray:
    return (frame * 0.4).astype(np.uint8)


def cloud(frame: Gray) -> Gray:
    return np.clip(frame * 1.3 + 10, 0, 255).astype(np.uint8)


@cache
def grain(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(4).normal(0, 6, shape).astype(np.float32)


def noise(frame: Gray) -> Gray:
    return np.clip(frame + grain(*frame.shape), 0, 255).astype(np.uint8)


def lorry(frame: Gray) -> Gray:
    """It stands in a third of the picture."""
    covered = frame.copy()
    covered[:, : frame.shape[1] // 4] = 60
    return covered


def spider(frame: Gray) -> Gray:
    covered = frame.copy()
    cv2.circle(covered, (600, 300), 90, 20, -1)
    return covered


def cardboard(frame: Gray) -> Gray:
    return np.full_like(frame, 90)


def paint(frame: Gray) -> Gray:
    covered = frame.copy()
    covered[:, : frame.shape[1] * 6 // 10] = 40
    return covered


def greased(frame: Gray) -> Gray:
    return cv2.GaussianBlur(frame, (0, 0), 2.5).astype(np.uint8)


def defocused(frame: Gray) -> Gray:
    return cv2.GaussianBlur(frame, (0, 0), 1.5).astype(np.uint8)


def turned(frame: Gray) -> Gray:
    height, width = frame.shape
    shift = np.array([[1, 0, 0.04 * width], [0, 1, 0.02 * height]], np.float32)
    return cv2.warpAffine(frame, shift, (width, height), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)


def tilted(frame: Gray) -> Gray:
    height, width = frame.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 8, 1)
    return cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)


@cache
def glare(height: int, width: int) -> NDArray[np.float32]:
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(columns - 0.6 * width, rows - 0.5 * height) / width
    return (400 * np.exp(-((distance / 0.3) ** 2))).astype(np.float32)


def sun(frame: Gray) -> Gray:
    return np.clip(frame + glare(*frame.shape), 0, 255).astype(np.uint8)


class Watch:
    """A lens over endless footage of a second a frame."""

    def __init__(self, clip: str, *, accepted: bool = True) -> None:
        self.clip = clip
        street = frames(clip)[0]
        view = View.of(street, accepted=datetime(2026, 3, 1, tzinfo=UTC), accepted_by="r-alvarez")
        self.lens = LensMonitor(views=Views(day=view) if accepted else None)
        self.clock: Iterator[int] = count()

    def see(self, alter: Callable[[Gray], Gray], *, seconds: float) -> set[str]:
        for _ in range(round(seconds)):
            now = next(self.clock)
            shown = altered(self.clip, alter)
            self.lens.watch(shown[now % len(shown)], float(now))
        return {fault.value for fault in self.lens.faults()}


CLIPS = ("street.mp4", "pass.mp4")


@cache
def settled(clip: str) -> Watch:
    watch = Watch(clip)
    assert watch.see(sound, seconds=60) == set()
    return watch


@pytest.mark.parametrize(("alter", "clip"), in_turn([sound, dusk, cloud, noise, lorry, spider], CLIPS))
def test_a_sound_lens_is_left_in_peace(clip: str, alter: Callable[[Gray], Gray]) -> None:
    watch = Watch(clip)
    watch.see(sound, seconds=20)
    assert watch.see(alter, seconds=120) == set()


AILS = (
    (cardboard, Fault.LENS_BLOCKED),
    (paint, Fault.LENS_BLOCKED),
    (greased, Fault.LENS_BLURRED),
    (defocused, Fault.LENS_BLURRED),
    (turned, Fault.LENS_MOVED),
    (tilted, Fault.LENS_MOVED),
    (sun, Fault.LENS_DAZZLED),
)


@pytest.mark.parametrize(("alter", "fault", "clip"), [(*ails, clip) for ails, clip in in_turn(AILS, CLIPS)])
def test_what_ails_the_lens_is_named_in_time_and_heals(clip: str, alter: Callable[[Gray], Gray], fault: Fault) -> None:
    watch = deepcopy(settled(clip))
    assert watch.see(alter, seconds=NAMED_WITHIN) == {fault.value}
    assert watch.see(sound, seconds=HEALED_WITHIN) == set()


def test_a_vehicle_close_by_or_a_flash_is_no_fault() -> None:
    watch = Watch("street.mp4")
    watch.see(sound, seconds=30)
    assert watch.see(cardboard, seconds=10) == set()
    assert watch.see(sound, seconds=30) == set()
    assert watch.see(sun, seconds=10) == set()
    assert watch.see(sound, seconds=60) == set()


def test_without_an_accepted_view_only_what_is_plain_is_said() -> None:
    assert Watch("street.mp4", accepted=False).see(cardboard, seconds=60) == {"lens_blocked"}
    assert Watch("street.mp4", accepted=False).see(sun, seconds=60) == {"lens_dazzled"}
    assert Watch("street.mp4", accepted=False).see(greased, seconds=60) == set()
    assert Watch("street.mp4", accepted=False).see(turned, seconds=60) == set()


def test_a_black_picture_is_left_to_the_camera_s_own_faults() -> None:
    watch = Watch("street.mp4")
    assert watch.see(np.zeros_like, seconds=60) == set()
    assert watch.see(lambda frame: (frame * 0.03).astype(np.uint8), seconds=60) == set()


def test_accepted_view_that_a_card_did_not_give_once_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    view = View.of(frames("street.mp4")[0], accepted=datetime(2026, 3, 1, tzinfo=UTC), accepted_by="r-alvarez")
    Views(day=view).save(tmp_path)
    watch = Watch("street.mp4")
    watch.lens = LensMonitor(tmp_path)

    def fails(_: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as failing:
        failing.setattr(Path, "read_bytes", fails)
        for second in range(30):
            watch.lens.poll(float(second))
    assert len(caplog.records) == 1
    assert watch.lens.faults() == {Fault.VIEW_DAMAGED}
    watch.lens.poll(30.0)
    assert not watch.lens.faults()
    assert watch.see(turned, seconds=NAMED_WITHIN) == {Fault.LENS_MOVED.value}


def test_damaged_view_is_a_fault_until_there_is_another(tmp_path: Path) -> None:
    """The lens is judged by the one before meanwhile; after a start there is none."""
    view = View.of(frames("street.mp4")[0], accepted=datetime(2026, 3, 1, tzinfo=UTC), accepted_by="r-alvarez")
    Views(day=view).save(tmp_path)
    file = tmp_path / "view.json"
    sound = file.read_bytes()
    lens = LensMonitor(tmp_path)
    named = []
    for second, body in enumerate((sound, sound[:100], sound, sound[:99], None)):
        file.unlink() if body is None else file.write_bytes(body)
        if body is not None:
            os.utime(file, ns=(1, len(body)))
        lens.poll(second * 10.0)
        named.append([*lens.faults()])
    assert named == [[], [Fault.VIEW_DAMAGED], [], [Fault.VIEW_DAMAGED], []]
    file.write_bytes(sound[:100])
    lens = LensMonitor(tmp_path)
    lens.poll(0.0)
    assert lens.faults() == {Fault.VIEW_DAMAGED}
