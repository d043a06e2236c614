import numpy as np
import pytest

from platepost.models.lettering.direct import framed_lettering
from platepost.models.lettering.words import all_faces, render_lettering, write_words
from platepost.models.plates.surroundings import FRAMED_SHAPE
from tests.street_scenes import decoy_scene


@pytest.mark.parametrize("fonts", [[], all_faces()], ids=["without fonts", "with fonts"])
def test_lettering_has_a_ground_or_stands_alone(fonts: list) -> None:
    rng, grounds = np.random.default_rng(1), []
    for _ in range(60):
        picture = render_lettering(rng, fonts)
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 4
        assert picture[..., 3].max() == 255
        seen = picture[..., :3][picture[..., 3] > 200]
        grounds.append(bool((picture[..., 3] == 255).all()))
        assert not grounds[-1] or np.ptp(seen.astype(int), axis=0).max() >= 40, "it can be read"
    assert 0.3 < np.mean(grounds) < 0.9


def test_words_and_numbers_come_in_all_kinds() -> None:
    rng = np.random.default_rng(2)
    lines = [line for _ in range(500) for line in write_words(rng)]
    digits, letters = (np.array([any(map(kind, line)) for line in lines]) for kind in (str.isdigit, str.isalpha))
    assert (letters & ~digits).mean() > 0.3
    assert (digits & letters).mean() > 0.2
    assert (digits & ~letters).mean() > 0.05


def test_the_texts_of_the_decoys_to_measure_by_are_not_learned() -> None:
    """Single words of everyday signs may coincide; what they say together must not."""
    rng = np.random.default_rng(3)
    learned = {" ".join(write_words(rng)).upper() for _ in range(4_000)}
    texts = {decoy.text.replace("\n", " ") for seed in range(200) for decoy in decoy_scene(seed).decoys}
    assert len(texts) > 40
    assert len({text for text in texts & learned if " " in text}) <= 2


def test_lettering_takes_a_plates_place_in_its_frame() -> None:
    rng = np.random.default_rng(4)
    pictures = [framed_lettering(rng, []) for _ in range(30)]
    assert {picture.shape for picture in pictures} == {FRAMED_SHAPE}
    middle = [float(picture[20:76, 40:200].std()) for picture in pictures]
    assert np.median(middle) > 15
