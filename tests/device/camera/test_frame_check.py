from datetime import UTC, datetime

import numpy as np

from device.camera.frame_check import BLACK_SECONDS, FROZEN_SECONDS, FrameCheck
from device.frame import Frame


def frame(seconds: float, *, seed: int | None = None, level: int = 90) -> Frame:
    grey = np.full((128, 128), level, np.uint8)
    if seed is not None:
        grey = np.random.default_rng(seed).integers(60, 120, (128, 128), np.uint8)
    return Frame(0, datetime.now(UTC), seconds, grey, lambda: grey)


def test_frames_that_differ_are_neither_frozen_nor_black() -> None:
    looks = FrameCheck(noisy=True)
    for second in range(60):
        looks.see(frame(second, seed=second))
        assert not looks.frozen
        assert not looks.black
    assert looks.alive


def test_the_same_frame_again_and_again_is_frozen_until_one_differs() -> None:
    looks = FrameCheck(noisy=True)
    looks.see(frame(0, seed=1))
    looks.see(frame(FROZEN_SECONDS - 0.1, seed=1))
    assert not looks.frozen
    assert not looks.alive
    looks.see(frame(FROZEN_SECONDS, seed=1))
    assert looks.frozen
    looks.see(frame(FROZEN_SECONDS + 1, seed=2))
    assert not looks.frozen
    assert looks.alive


def test_footage_may_stand_still() -> None:
    looks = FrameCheck(noisy=False)
    looks.see(frame(0))
    looks.see(frame(1000))
    assert not looks.frozen
    assert looks.alive


def test_black_frames_are_black_and_not_frozen_until_there_is_light() -> None:
    looks = FrameCheck(noisy=True)
    looks.see(frame(0, level=3))
    looks.see(frame(BLACK_SECONDS - 0.1, level=3))
    assert not looks.black
    looks.see(frame(BLACK_SECONDS, level=3))
    assert looks.black
    assert not looks.frozen
    looks.see(frame(BLACK_SECONDS + 1, seed=5))
    assert not looks.black


def test_a_camera_that_was_opened_again_is_judged_anew() -> None:
    looks = FrameCheck(noisy=True)
    looks.see(frame(0, seed=1))
    looks.see(frame(100, seed=1))
    looks.forget()
    assert not looks.frozen
    assert not looks.black
