import numpy as np

from platepost.models.plates import framed, render_plate
from platepost.models.plates.occluders import obscured

CELLS = [(30 + 26 * place, 56 + 26 * place) for place in range(7)]


def test_as_many_characters_are_hidden_as_asked_and_the_plate_stays_as_it_is() -> None:
    rng = np.random.default_rng(4)
    picture = framed(render_plate(rng, text="8ABC123", design="us_plain", height=96), rng)
    before = picture.copy()
    for characters in (0, 1, 2):
        found = [obscured(picture, "8ABC123", CELLS, rng, characters=characters) for _ in range(12)]
        texts = [text for made in found if made for _, text in [made]]
        assert len(texts) >= 8
        assert {text.count("?") for text in texts} == {characters}
        assert all(c in {"?", own} for text in texts for c, own in zip(text, "8ABC123", strict=True))
        assert all((made[0] != before).any() for made in found if made)
    assert (picture == before).all()
