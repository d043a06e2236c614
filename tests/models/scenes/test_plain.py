import numpy as np

from platepost.models.detector.windows import Augmentation, WindowSampler
from platepost.models.scenes.plain import render_plain_scene


def test_a_scene_is_as_large_as_asked_and_the_same_for_a_seed() -> None:
    one, other = (render_plain_scene(np.random.default_rng(2), height=208, width=320) for _ in range(2))
    assert one.shape == (208, 320, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, other)


def test_scenes_have_hardly_any_texture() -> None:
    """Most neighbours are alike, unlike in a photo; what differs are the edges of things."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        scene = render_plain_scene(rng, height=208, width=320).astype(int)
        assert np.mean(np.abs(np.diff(scene[..., 0], axis=0)) <= 2) > 0.8


def test_windows_of_plain_scenes_need_no_photo_and_know_no_plate_but_pasted_ones() -> None:
    def white(_: np.random.Generator) -> np.ndarray:
        return np.full((32, 64, 3), 255, np.uint8)

    quiet = Augmentation(plain=1, paste_free=0, distractors=0, caption=0)
    nothing = WindowSampler([], plates=white, distractors=white, augmentation=quiet).sample(np.random.default_rng(1))
    assert nothing.gray.shape == (208, 320)
    assert nothing.targets == ()
    assert len(nothing.ignored) == 0
    pasted = WindowSampler([], plates=white, distractors=white, augmentation=Augmentation(plain=1, paste_free=1))
    assert any(pasted.sample(np.random.default_rng(seed)).targets for seed in range(5))
