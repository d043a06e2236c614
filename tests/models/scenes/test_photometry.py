import numpy as np

from platepost.models.scenes.photometry import disturb, to_gray


def test_gray_is_mostly_what_the_device_sees() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[..., 1] = 200
    levels = [int(to_gray(pixels, np.random.default_rng(seed))[0, 0]) for seed in range(60)]
    assert 25 < sum(level == 117 for level in levels) < 60


def test_disturbed_windows_differ_but_keep_their_pattern() -> None:
    gray = np.full((96, 128), 70, np.uint8)
    gray[30:60, 40:90] = 180
    for seed in range(40):
        changed = disturb(gray, np.random.default_rng(seed))
        assert changed.shape == gray.shape
        assert changed.dtype == np.uint8
    one, other = (disturb(gray, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert np.array_equal(disturb(gray, np.random.default_rng(5)), disturb(gray, np.random.default_rng(5)))
