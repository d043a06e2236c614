import numpy as np

from models.scenes.photometry import disturb, to_grey


def test_grey_is_mostly_what_the_device_sees() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[..., 1] = 200
    levels = [int(to_grey(pixels, np.random.default_rng(seed))[0, 0]) for seed in range(60)]
    assert 25 < sum(level == 117 for level in levels) < 60


def test_disturbed_windows_differ_but_keep_their_pattern() -> None:
    grey = np.full((96, 128), 70, np.uint8)
    grey[30:60, 40:90] = 180
    for seed in range(40):
        changed = disturb(grey, np.random.default_rng(seed))
        assert changed.shape == grey.shape
        assert changed.dtype == np.uint8
    one, other = (disturb(grey, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert np.array_equal(disturb(grey, np.random.default_rng(5)), disturb(grey, np.random.default_rng(5)))
