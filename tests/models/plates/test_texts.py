import re

import numpy as np

from platepost.models.plates import texts


def test_california_passenger_follows_both_formats() -> None:
    rng = np.random.default_rng(1)
    drawn = [texts.california_passenger(rng) for _ in range(2000)]
    assert all(re.fullmatch(r"[1-9][A-Z]{3}\d{3}|\d{3}[A-Z]{3}\d", text) for text in drawn)
    assert any(text[1].isdigit() for text in drawn)
    letters = [re.sub(r"\d", "", text) for text in drawn]
    assert not {"I", "O", "Q"} & {place for three in letters for place in (three[0], three[2])}
    assert {"I", "O", "Q"} <= {three[1] for three in letters}


def test_personalised_never_says_zero() -> None:
    rng = np.random.default_rng(1)
    drawn = [texts.personalised(rng) for _ in range(2000)]
    assert not any("0" in text for text in drawn)
    assert any("O" in text for text in drawn)
    assert all(3 <= len(text) <= 7 for text in drawn)


def test_from_pattern_fills_places() -> None:
    rng = np.random.default_rng(1)
    assert re.fullmatch(r"X[A-Z]{2}\d{2}[A-Z\d]", texts.from_pattern(rng, "XAA99?"))


def test_letter_prefers_the_confused() -> None:
    rng = np.random.default_rng(1)
    drawn = [texts.letter(rng) for _ in range(6000)]
    assert drawn.count("V") > 1.5 * drawn.count("E")


def test_anything_mixes_lengths_and_kinds() -> None:
    rng = np.random.default_rng(1)
    drawn = [texts.anything(rng) for _ in range(500)]
    assert {len(text) for text in drawn} == set(range(2, 9))
    assert any(re.search(r"\d[A-Z]\d[A-Z]", text) for text in drawn)


def test_letter_is_seldom_a_q() -> None:
    rng = np.random.default_rng(1)
    drawn = [texts.letter(rng) for _ in range(6000)]
    assert 0 < drawn.count("Q") < 0.7 * drawn.count("E")
