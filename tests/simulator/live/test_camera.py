from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from platepost.common.errors import CameraError
from platepost.simulator.live import camera as module
from platepost.simulator.live.camera import StreetCamera
from platepost.simulator.live.pace import Pace


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((32, 48, 3), 60 * (number + 1), np.uint8))
    return tmp_path


def test_footage_is_played_over_and_over_in_the_streets_own_time(clip: Path) -> None:
    pace = Pace()
    pace.set(factor=4, paused=False)
    with StreetCamera(clip, pace) as camera:
        frames = list(islice(camera.frames(), 7))
    assert [frame.number for frame in frames] == list(range(7))
    assert [int(frame.gray[0, 0]) for frame in frames] == [60, 120, 180, 60, 120, 180, 60]
    apart = np.diff([frame.monotonic for frame in frames])
    assert apart == pytest.approx([0.1] * 6, abs=0.01)  # ten frames a second, at whatever pace
    assert not camera.finite
    assert not camera.patient
    assert camera.name == f"footage {clip.name}"


def test_a_street_that_stands_still_is_looked_at_again_and_again(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STANDING_SECONDS", 0.01)
    monkeypatch.setattr(module, "GLANCE_SECONDS", 0.01)
    pace = Pace()
    with StreetCamera(clip, pace) as camera:
        frames = camera.frames()
        first = next(frames)
        pace.set(factor=1, paused=True)
        standing = [next(frames) for _ in range(3)]
        pace.set(factor=1, paused=False)
        assert {int(frame.gray[0, 0]) for frame in standing} <= {60, 120}
        assert len({frame.monotonic for frame in standing}) == 1
        assert [frame.number for frame in standing] == [1, 2, 3]
        assert first.number == 0


def test_closing_ends_a_camera_that_waits(clip: Path) -> None:
    pace = Pace()
    camera = StreetCamera(clip, pace)
    camera.open()
    frames = camera.frames()
    next(frames)
    pace.set(factor=1, paused=True)
    camera.close()
    assert list(frames) == []


def test_a_camera_that_is_not_open_or_has_no_footage_says_so(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="not open"):
        next(StreetCamera(tmp_path, Pace()).frames())
    with pytest.raises(CameraError, match="no images"):
        StreetCamera(tmp_path, Pace()).open()
