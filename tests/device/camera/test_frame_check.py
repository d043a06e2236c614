from datetime import UTC, datetime

import numpy as np

from platepost.device.camera.frame_check import FrameCheck
from platepost.device.camera.tuning import UNIT
from platepost.device.frame import Frame


def frame(seconds: float, *, seed: int | None = None, level: int = 90) -> Frame:
    gray = np.full((128, 128), level, np.uint8)
    if seed is not None:
        gray = np.random.default_rng(seed).integers(60, 120, (128, 128), np.uint8)
    return Frame(0, datetime.now(UTC), seconds, gray, lambda: gray)


def test_frames_that_differ_are_neither_frozen_nor_black() -> None:
    check = FrameCheck(noisy=True)
    for second in range(60):
        check.update(frame(second, seed=second))
        assert not check.frozen
        assert not check.black
    assert check.alive


def test_the_same_frame_again_and_again_is_frozen_until_one_differs() -> None:
    check = FrameCheck(noisy=True)
    check.update(frame(0, seed=1))
    check.update(frame(UNIT.frozen_seconds - 0.1, seed=1))
    assert not check.frozen
    assert not check.alive
    check.update(frame(UNIT.frozen_seconds, seed=1))
    assert check.frozen
    check.update(frame(UNIT.frozen_seconds + 1, seed=2))
    assert not check.frozen
    assert check.alive


def test_footage_may_stand_still() -> None:
    check = FrameCheck(noisy=False)
    check.update(frame(0))
    check.update(frame(1000))
    assert not check.frozen
    assert check.alive


def test_an_encoded_picture_that_stands_still_is_frozen_after_a_minute_until_a_new_one_comes() -> None:
    check = FrameCheck(noisy=False, encoded=True)
    group = [11, 12, 13, 13, 13]  # a key frame, refined twice
    for second in range(int(UNIT.encoded_frozen_seconds) + 2):
        assert not check.frozen
        check.update(frame(second, seed=group[second % 5]))
        assert not check.repeated, "each is evaluated"
    assert check.alive
    check.update(frame(UNIT.encoded_frozen_seconds + 3, seed=11))
    assert check.frozen
    assert check.stuck_seconds is not None
    check.forget()
    for second in range(100, 103):
        check.update(frame(second, seed=group[second % 5]))
        assert not check.alive, "opened again, it still shows the same"
    check.update(frame(104, seed=99))
    assert check.alive
    assert not check.frozen


def test_an_encoded_scene_in_which_nothing_moves_is_not_frozen() -> None:
    check = FrameCheck(noisy=False, encoded=True)
    for second in range(600):
        check.update(frame(second, seed=second // 50))  # only now and then is noise left
        assert not check.frozen


def test_a_clip_that_an_encoder_shows_again_and_again_is_not_frozen() -> None:
    check = FrameCheck(noisy=False, encoded=True)
    for second in range(600):
        check.update(frame(second, seed=second % 50))
        assert not check.frozen


def test_black_frames_are_black_and_not_frozen_until_there_is_light() -> None:
    check = FrameCheck(noisy=True)
    check.update(frame(0, level=3))
    check.update(frame(UNIT.black_seconds - 0.1, level=3))
    assert not check.black
    check.update(frame(UNIT.black_seconds, level=3))
    assert check.black
    assert not check.frozen
    check.update(frame(UNIT.black_seconds + 1, seed=5))
    assert not check.black


def test_a_camera_that_was_opened_again_is_judged_anew() -> None:
    check = FrameCheck(noisy=True)
    check.update(frame(0, seed=1))
    check.update(frame(100, seed=1))
    check.forget()
    assert not check.frozen
    assert not check.black
