import re

from platepost.models.evaluate import corrections
from platepost.models.evaluate.corrections import Correction, correction_of, digest_of


def test_every_correction_says_why_and_who_looked_and_none_shows_a_plate() -> None:
    assert corrections.corrections()
    for picture, correction in corrections.corrections().items():
        assert re.fullmatch("[0-9a-f]{64}", picture)
        assert correction.shows is None or re.fullmatch("[0-9a-f]{64}", correction.shows)
        assert correction.why
        assert correction.checked
        assert not re.search(r"\b(?=\w*\d)(?=\w*[A-Z])[A-Z0-9]{4,8}\b", correction.why), "a plate"


def test_a_text_is_right_only_with_its_picture() -> None:
    correction = Correction(digest_of(b"picture", "7ABC103"), "why", "who")
    assert correction.accepts(b"picture", "7abc 1O3")
    assert not correction.accepts(b"picture", "7ABC108")
    assert not correction.accepts(b"another", "7ABC103")
    assert Correction(None, "dark", "who").accepts(b"picture", "7ABC103") is None


def test_a_picture_without_a_correction_has_none() -> None:
    assert correction_of(b"no picture of any set") is None
