import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.models.plates.figures import FIGURES
from platepost.models.plates.paint import Picture
from platepost.models.plates.scenery import Layer, paint_layers

_GREEN = (40, 160, 60)


def _painted(*layers: Layer, seed: int = 3) -> Picture:
    return paint_layers(layers, (100, 200), _GREEN, np.random.default_rng(seed))


def _changed(picture: Picture) -> NDArray[np.bool_]:
    return np.asarray(np.abs(picture.astype(int) - _GREEN).sum(2) > 90)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_lies_in_its_box_and_shows(name: str) -> None:
    rows, columns = np.nonzero(_changed(_painted(("figure", name, 0.5, 0.5, 0.3, 0.6, "ffffff"))))
    assert len(rows) >= 200
    assert rows.min() >= 12
    assert rows.max() <= 88
    assert columns.min() >= 55
    assert columns.max() <= 145


def test_layers_cover_those_before_and_half_covering_ones_show_them() -> None:
    whole = _painted(("box", 0, 0, 1, 0.5, "000000"))
    half = _painted(("box", 0, 0, 1, 0.5, "000000/50"))
    assert whole[10, 100].max() < 40
    assert 60 <= half[10, 100].max() <= 110
    assert tuple(whole[90, 100]) == _GREEN


def test_words_stand_where_they_are_described_and_show_on_any_ground() -> None:
    for ground, ink in (("ffffff", "f8f8f8"), ("000000", "101010"), ("ffffff", "202020")):
        picture = _painted(("box", 0, 0, 1, 1, ground), ("name", "ALASKA", 0.5, 0.2, 0.16, ink, "sans", 0.5))
        gray = picture.mean(2)
        rows, columns = np.nonzero(np.abs(gray - np.median(gray)) > 40)
        assert len(rows) >= 100
        assert rows.min() >= 5
        assert rows.max() <= 35
        assert 90 <= columns.max() - columns.min() <= 112


def test_what_is_on_some_plates_is_on_some() -> None:
    layer = ("maybe", 0.5, ("box", 0, 0, 1, 1, "ffffff"))
    shares = [bool(_changed(_painted(layer, seed=seed)).any()) for seed in range(40)]
    assert 8 <= sum(shares) <= 32


def test_one_of_several_layers_is_painted_or_all_of_them() -> None:
    upper, lower = ("box", 0, 0, 1, 0.3, "ffffff"), ("box", 0, 0.7, 1, 1, "ffffff")
    for seed in range(10):
        one, both = (_changed(_painted((kind, upper, lower), seed=seed)) for kind in ("one", "all"))
        assert one[10].any() != one[90].any()
        assert both[10].any()
        assert both[90].any()


def test_two_plates_of_a_design_differ_a_little() -> None:
    layer = ("figure", "star", 0.5, 0.5, 0.3, 0.6, "ffffff")
    one, other = (_changed(_painted(layer, seed=seed)) for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert np.mean(one != other) < 0.05


def test_an_unknown_layer_is_an_error() -> None:
    with pytest.raises(KeyError):
        _painted(("lasers", 1, 2))
