from dataclasses import replace

import numpy as np
import pytest

from platepost.models.plates import DESIGNS, render_plate


def test_render_same_seed_same_plate() -> None:
    one, other = (render_plate(np.random.default_rng(3)) for _ in range(2))
    assert one.text == other.text
    assert np.array_equal(one.image, other.image)


def test_render_other_seed_other_plate() -> None:
    one, other = (render_plate(np.random.default_rng(seed)) for seed in (3, 4))
    assert one.text != other.text


@pytest.mark.parametrize("design", DESIGNS)
def test_render_every_design_at_its_size(design: str) -> None:
    plate = render_plate(np.random.default_rng(1), design=design, height=120)
    assert plate.image.shape == (120, round(120 * DESIGNS[design].aspect), 3)
    assert plate.image.dtype == np.uint8
    assert plate.mask.shape == plate.image.shape[:2]
    assert plate.design == design
    assert 2 <= len(plate.text) <= 8
    assert plate.retroreflective == DESIGNS[design].retroreflective


def test_render_shows_the_given_text() -> None:
    rng = np.random.default_rng(5)
    state = rng.bit_generator.state
    one = render_plate(rng, text="1ABC234", design="california_passenger")
    rng.bit_generator.state = state
    other = render_plate(rng, text="1ABC235", design="california_passenger")
    assert one.text == "1ABC234"
    columns = np.flatnonzero((one.image != other.image).any(axis=(0, 2)))
    assert columns.min() > one.image.shape[1] * 0.75, "only the last character differs"


def test_render_ink_stands_out_from_the_ground() -> None:
    rng = np.random.default_rng(6)
    for _ in range(40):
        gray = render_plate(rng).image @ np.array([0.114, 0.587, 0.299])
        row = gray[len(gray) // 2]
        assert row.max() - row.min() > 40


def test_render_corners_are_rounded() -> None:
    plate = render_plate(np.random.default_rng(1), design="us_plain")
    assert plate.mask[0, 0] == 0
    assert plate.mask[80, 0] == plate.mask[80, 160] == 255


def test_a_variation_of_a_design_is_drawn_as_it_says() -> None:
    plain = replace(DESIGNS["us_plain"], headings=(), footings=(), stickers=0.0)
    one, other = (render_plate(np.random.default_rng(1), design=look) for look in (plain, replace(plain, aspect=4.0)))
    assert one.design == "us_plain"
    assert other.image.shape[1] == 2 * one.image.shape[1]


@pytest.mark.parametrize("text", ["", "abc", "A-1", "Ä1"])
def test_render_refuses_what_no_plate_says(text: str) -> None:
    with pytest.raises(ValueError, match="A-Z"):
        render_plate(np.random.default_rng(1), text=text)


def test_render_refuses_unknown_design() -> None:
    with pytest.raises(KeyError):
        render_plate(np.random.default_rng(1), design="atlantis")


def test_render_works_without_any_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.models.plates.faces.installed", tuple)
    monkeypatch.setattr("platepost.models.plates.fonts.installed", tuple)
    rng = np.random.default_rng(2)
    for _ in range(20):
        assert render_plate(rng).image.any()
