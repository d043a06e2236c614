import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.models.detector.windows import Augmentation, WindowSampler
from platepost.models.scenes.photos import Photo

QUIET = Augmentation(replace_plate=0, paste_free=0, distractors=0, caption=0, plain=0)


def photo() -> Photo:
    """A gray road with one white plate of 80 x 40 in it."""
    pixels = np.full((720, 1280, 3), 60, np.uint8)
    pixels[400:440, 600:680] = 250
    return Photo("road", pixels, np.array([[600, 400, 680, 440]], np.float32))


def white(_: np.random.Generator) -> NDArray[np.uint8]:
    return np.full((64, 128, 3), 255, np.uint8)


def black(_: np.random.Generator) -> NDArray[np.uint8]:
    return np.zeros((30, 90, 3), np.uint8)


def sampler(augmentation: Augmentation) -> WindowSampler:
    return WindowSampler([photo()], plates=white, distractors=black, augmentation=augmentation)


def test_window_has_the_recipes_size() -> None:
    window = sampler(Augmentation(height=240, width=384)).sample(np.random.default_rng(0))
    assert window.gray.shape == (240, 384)
    assert window.gray.dtype == np.uint8


def test_same_seed_same_window() -> None:
    first, second = (sampler(Augmentation()).sample(np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first.gray, second.gray)


def test_real_plate_lies_where_its_target_says() -> None:
    rng = np.random.default_rng(1)
    checked = 0
    for _ in range(60):
        window = sampler(QUIET).sample(rng)
        for target in window.targets:
            assert target.boxed
            (left, top), (right, bottom) = target.corners[0], target.corners[2]
            if right - left < 16:
                continue
            inside = window.gray[int(top) + 2 : int(bottom) - 1, int(left) + 2 : int(right) - 1].mean()
            around = window.gray[max(0, int(top) - 6) : int(bottom) + 7, max(0, int(left) - 6) : int(right) + 7]
            assert inside > np.percentile(around, 10) + 15
            checked += 1
    assert checked > 30


@pytest.mark.parametrize(
    "augmentation", [Augmentation(replace_plate=1, paste_free=0), Augmentation(replace_plate=0, paste_free=1)]
)
def test_pasted_plates_have_true_corners_in_reading_order(augmentation: Augmentation) -> None:
    rng = np.random.default_rng(2)
    targets = [target for _ in range(40) for target in sampler(augmentation).sample(rng).targets if not target.boxed]
    assert len(targets) > 20
    for target in targets:
        top_left, top_right, bottom_right, bottom_left = target.corners
        assert top_left[0] < top_right[0]
        assert bottom_left[0] < bottom_right[0]
        assert top_left[1] < bottom_left[1]
        assert top_right[1] < bottom_right[1]


def test_plates_too_small_to_learn_are_ignored() -> None:
    tiny = Photo("far", np.full((720, 1280, 3), 60, np.uint8), np.array([[600, 400, 612, 404]], np.float32))
    source = WindowSampler([tiny], plates=white, distractors=black, augmentation=QUIET)
    rng = np.random.default_rng(3)
    windows = [source.sample(rng) for _ in range(60)]
    small = [window for window in windows if len(window.ignored)]
    assert small
    for window in windows:
        for target in window.targets:
            assert np.ptp(target.corners[:, 0]) >= 11
            assert np.ptp(target.corners[:, 1]) >= 4.5


def test_doubtful_places_are_ignored_in_window_pixels() -> None:
    road = photo()
    doubtful = Photo(road.name, road.pixels, road.boxes, doubtful=road.boxes)
    source = WindowSampler([doubtful], plates=white, distractors=black, augmentation=QUIET)
    rng = np.random.default_rng(6)
    for _ in range(20):
        window = source.sample(rng)
        for target in window.targets:
            box = np.concatenate([target.corners.min(axis=0), target.corners.max(axis=0)])
            assert np.abs(window.ignored - box).max(axis=1).min() < 1e-2
