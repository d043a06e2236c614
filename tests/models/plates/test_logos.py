import numpy as np
import pytest

from platepost.models.plates.logos import draw_symbol


@pytest.mark.parametrize("seed", range(12))
def test_a_symbol_fills_its_box_and_no_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = np.full((100, 200, 3), 250, np.uint8)
    draw_symbol(picture, (80, 20, 40, 60), rng)
    painted = (picture != 250).any(axis=2)
    inside = painted[18:83, 78:123]
    assert painted.sum() == inside.sum(), "a part lies outside"
    assert 0.15 < inside.mean() < 0.9


def test_symbols_are_several() -> None:
    shapes = set()
    for seed in range(40):
        picture = np.full((100, 200, 3), 250, np.uint8)
        draw_symbol(picture, (80, 20, 40, 60), np.random.default_rng(seed))
        shapes.add(int((picture != 250).any(axis=2).sum()) // 100)
    assert len(shapes) >= 4
