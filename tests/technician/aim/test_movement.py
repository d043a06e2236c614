"""The project's footage, with the camera moved or not: what is a move, and what only looks different."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache, lru_cache, partial
from itertools import islice

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.device.camera.background import SAMPLE_SECONDS, BackgroundModel
from platepost.device.camera.footage.recordings import open_recording
from platepost.device.camera.view import frame_sharpness, small
from platepost.technician.aim.movement import MovementDetector
from tests.device.camera.test_lens import FOOTAGE, cloud, dusk, lorry, noise, once, sound, spider
from tests.thorough import in_turn

Gray = NDArray[np.uint8]
CLIPS = ("street.mp4", "rush_hour.mp4")


@cache
def frames(name: str) -> tuple[Gray, ...]:
    stills = open_recording(FOOTAGE / name, frames_per_second=None).stills()
    return tuple(still.gray for number, still in zip(range(240), stills, strict=False) if number % 8 == 0)


@pytest.fixture(autouse=True)
def measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each picture made small, and its sharpness measured, once: the clips are shown over and over."""
    for name, measure in (("small", small), ("frame_sharpness", frame_sharpness)):
        monkeypatch.setattr(f"platepost.device.camera.background.{name}", partial(once, measure))


@lru_cache(maxsize=4)
def altered(name: str, alter: Callable[[Gray], Gray]) -> tuple[Gray, ...]:
    return tuple(alter(frame) for frame in frames(name))


def turned(zoom: float, right: float = 0.0, down: float = 0.0) -> Callable[[Gray], Gray]:
    def turn(frame: Gray) -> Gray:
        height, width = frame.shape
        way = cv2.getRotationMatrix2D((width / 2, height / 2), 0, zoom)
        way[:, 2] -= (right * width, down * height)
        return cv2.warpAffine(frame, way, (width, height), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)

    return turn


def gain(frame: Gray) -> Gray:
    return np.clip(frame * 2.0 + 20, 0, 255).astype(np.uint8)


def van(frame: Gray) -> Gray:
    covered = frame.copy()
    covered[:, : frame.shape[1] * 9 // 10] = 60
    covered[200:260, 100:900] = 200
    return covered


@cache
def vehicle() -> tuple[Gray, ...]:
    """The clip of one vehicle, by a longer lens."""
    stills = open_recording(FOOTAGE / "pass.mp4", frames_per_second=None).stills()
    return tuple(
        cv2.resize(still.gray[206:720, 0:914], (1280, 720)).astype(np.uint8) for still in islice(stills, 36, 73)
    )


class Camera:
    """One that looks at a clip, over and over."""

    def __init__(self, clip: str) -> None:
        self.clip = clip
        self.background = BackgroundModel()
        self.stand = MovementDetector(self.background)
        self.at = 0

    def see(self, alter: Callable[[Gray], Gray], *, seconds: float) -> int:
        """Return how often it was found moved."""
        found = 0
        for _ in range(round(seconds / SAMPLE_SECONDS)):
            shown = altered(self.clip, alter)
            self.background.update(shown[self.at % len(shown)], self.at * SAMPLE_SECONDS)
            self.at += 1
            found += self.stand.has_moved()
        return found


@cache
def _settled(clip: str) -> Camera:
    camera = Camera(clip)
    assert camera.see(sound, seconds=12) == 0
    return camera


def settled(clip: str) -> Camera:
    """Give a camera that has looked at a clip for a while."""
    return deepcopy(_settled(clip))


@pytest.mark.parametrize(("alter", "clip"), in_turn([sound, dusk, cloud, noise, lorry, spider, gain], CLIPS))
def test_traffic_light_and_exposure_are_no_move(clip: str, alter: Callable[[Gray], Gray]) -> None:
    camera = settled(clip)
    assert camera.see(alter, seconds=20) == 0
    assert camera.see(sound, seconds=12) == 0


@pytest.mark.parametrize("phase", range(0, 36, 12))
def test_a_vehicle_that_fills_the_view_as_it_comes_nearer_is_no_move(phase: int) -> None:
    """The vehicle, slowed down to twelve seconds, over and over: it is never gone."""
    shown = vehicle()
    background = BackgroundModel()
    stand = MovementDetector(background)
    for number in range(4 * len(shown)):
        background.update(shown[(number + phase) % len(shown)], number / 3)
        assert not stand.has_moved(), number


def test_a_van_that_stands_before_the_lens_for_some_seconds_is_no_move() -> None:
    camera = settled("street.mp4")
    assert camera.see(van, seconds=5) == 0
    assert camera.see(sound, seconds=12) == 0
    assert camera.see(np.zeros_like, seconds=12) == 0


TURNS = (
    turned(1.07),
    turned(1.2),
    turned(1.4),
    turned(1 / 1.1),
    turned(1, right=0.04),
    turned(1, right=0.3),
    turned(1, down=0.1),
    turned(1.2, down=0.2),
)


@pytest.mark.parametrize(("alter", "clip"), in_turn(TURNS, CLIPS))
def test_a_turn_and_a_zoom_are_found_once_and_soon(clip: str, alter: Callable[[Gray], Gray]) -> None:
    camera = settled(clip)
    assert camera.see(alter, seconds=10) == 1
    assert camera.see(alter, seconds=20) == 0
    assert camera.see(sound, seconds=10) == 1
