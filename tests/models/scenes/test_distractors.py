import numpy as np

from platepost.models.scenes.distractors import find_fonts, overlay_caption, render_distractor, render_sign


def test_signs_carry_lettering_with_and_without_fonts() -> None:
    for fonts in ([], find_fonts()):
        sign = render_sign(np.random.default_rng(1), fonts)
        assert sign.ndim == 3
        assert len(np.unique(sign.reshape(-1, 3), axis=0)) > 2


def test_distractors_are_bgr_bytes() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        picture = render_distractor(rng, [])
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3


def test_caption_is_written_at_an_edge() -> None:
    for seed in range(20):
        window = np.full((240, 384, 3), 100, np.uint8)
        overlay_caption(window, np.random.default_rng(seed))
        rows = np.nonzero((window != 100).any(axis=(1, 2)))[0]
        assert rows.size
        assert rows.max() < 70 or rows.min() > 170
