import itertools

import cv2
import numpy as np
import pytest

from platepost.models.plates.faces import die_face, draw_face
from platepost.models.plates.glyphs import CHARACTERS, MASK_HEIGHT, DieStyle, draw_glyph


@pytest.mark.parametrize("character", CHARACTERS)
def test_glyph_fills_its_mask(character: str) -> None:
    mask = draw_glyph(character, DieStyle(0.45, 0.12, 0.8, 0.0), np.random.default_rng(1))
    assert mask.shape[0] == MASK_HEIGHT
    assert mask.max() > 200
    assert mask[0].any()
    assert mask[-1].any()


def test_glyphs_of_one_face_differ_but_for_the_ring() -> None:
    face = die_face(3)
    small = {c: cv2.resize(face.masks[c], (24, 48)).astype(int) for c in CHARACTERS}
    for one, other in itertools.combinations(CHARACTERS, 2):
        if {one, other} in ({"0", "O"}, {"1", "I"}):
            continue
        assert np.abs(small[one] - small[other]).mean() > 3, (one, other)


def test_die_face_is_always_the_same() -> None:
    face = die_face(5)
    die_face.cache_clear()
    again = die_face(5)
    assert all(np.array_equal(face.masks[c], again.masks[c]) for c in CHARACTERS)


def test_face_is_of_dies_when_no_font_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.models.plates.faces.installed", tuple)
    rng = np.random.default_rng(1)
    assert all(draw_face(rng, dies=0.0).name.startswith("die") for _ in range(10))
