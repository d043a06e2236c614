import numpy as np
import numpy.typing as npt
import pytest

from platepost.models.plates import Severity, degrade, framed, render_plate
from platepost.models.plates.surroundings import FRAMED_SHAPE


@pytest.fixture
def picture() -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    return framed(render_plate(rng, design="us_plain"), rng)


def test_framed_has_its_shape(picture: npt.NDArray[np.uint8]) -> None:
    assert picture.shape == FRAMED_SHAPE
    assert picture.dtype == np.uint8


def test_framed_puts_the_plate_in_the_middle() -> None:
    rng = np.random.default_rng(3)
    plate = render_plate(rng, design="california_temporary")
    bright = [framed(plate, np.random.default_rng(seed))[40:56, 40:200].mean() for seed in range(5)]
    assert min(bright) > 120


def test_degrade_gives_the_readers_input_and_spares_its_own(picture: npt.NDArray[np.uint8]) -> None:
    before = picture.copy()
    rng = np.random.default_rng(2)
    for _ in range(100):
        out = degrade(picture, rng)
        assert out.shape == (64, 160)
        assert out.dtype == np.uint8
    assert np.array_equal(picture, before)


def test_degrade_same_seed_same_picture(picture: npt.NDArray[np.uint8]) -> None:
    one, other = (degrade(picture, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, degrade(picture, np.random.default_rng(8)))


def test_degrade_smaller_is_softer(picture: npt.NDArray[np.uint8]) -> None:
    def detail(severity: Severity) -> float:
        rng = np.random.default_rng(1)
        return float(
            np.mean([np.abs(np.diff(degrade(picture, rng, severity).astype(int), axis=1)).mean() for _ in range(60)])
        )

    assert detail(Severity(smallest=36, largest=40)) < detail(Severity(smallest=280, largest=300))
