"""A pattern says which plates fit, and why; its grams leave none of them out."""

import random
import re

import pytest

from platepost.department.search.errors import PatternError
from platepost.department.search.misreads import log_probability, look_alikes
from platepost.department.search.patterns import Element, MatchReason, NGram, PlatePattern, ngram_code
from tests.department.search.scan import drawn_pattern, drawn_plate, fits, grams_of


def test_a_pattern_is_read() -> None:
    parsed = PlatePattern.parse(" 7o-?[8bi]** ")
    assert parsed.elements == (
        Element("7"),
        Element("0"),
        Element(""),
        Element("18B"),
        Element("", repeats=True),
    )
    assert parsed.known == 3
    assert parsed.beginnings == ("70",)
    assert PlatePattern.parse("7ABC?").beginnings == ("7ABC", "?", "7?", "7A?", "7AB?")
    assert PlatePattern.parse("7AB", budget=1).beginnings == ("",)
    assert PlatePattern.parse("7ABC", slip=True).beginnings == ("",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" - ", "empty"),
        ("7A%", "character 3"),
        ("7[A", "character 2"),
        ("7[]", "character 2"),
        ("[ABCDEFG]", "from 1 to 6"),
        ("7[A-C]", "character 2"),
        ("7 ab_", "character 5"),
        ("A" * 25, "no more than 24"),
        ("7ÄB", "character 2"),
    ],
)
def test_what_is_no_pattern_is_refused_without_repeating_it(text: str, message: str) -> None:
    with pytest.raises(PatternError, match=message) as refused:
        PlatePattern.parse(text)
    assert not text.strip() or text not in str(refused.value)


@pytest.mark.parametrize("budget", [-1, 3])
def test_budget_is_bounded(budget: int) -> None:
    with pytest.raises(PatternError, match="from 0 to 2"):
        PlatePattern.parse("7ABC123", budget=budget)


@pytest.mark.parametrize(
    ("text", "searchable"),
    [
        ("7ABC123", True),
        ("ABC", True),
        ("7A?C*", True),
        ("*C12", True),
        ("*AB*C*", True),
        ("7[8B]?1", True),
        ("7A*", False),
        ("???", False),
        # Known, but nowhere: the dictionary has no gram of it.
        ("*A*B*C*", False),
    ],
)
def test_three_known_characters_are_enough(text: str, searchable: bool) -> None:  # noqa: FBT001
    assert PlatePattern.parse(text).searchable is searchable


def test_why_a_plate_fits() -> None:
    fit = PlatePattern.parse("7[8B]?C*", budget=1).fit("7BXG99")
    assert fit is not None
    assert fit.why == (
        MatchReason.SAME,
        MatchReason.ONE_OF,
        MatchReason.ANY,
        MatchReason.LOOK_ALIKE,
        MatchReason.ANY,
        MatchReason.ANY,
    )
    assert fit.score == pytest.approx(log_probability("7", "7") + log_probability("C", "G"))
    assert PlatePattern.parse("7[8B]?C*").fit("7BXG99") is None


def test_one_character_may_be_remembered_wrongly() -> None:
    pattern = PlatePattern.parse("8ABC123", budget=1, slip=True)
    fit = pattern.fit("BAXC123")
    assert fit is not None
    assert fit.why[:3] == (MatchReason.LOOK_ALIKE, MatchReason.SAME, MatchReason.WRONG)
    assert pattern.fit("BAXC124") is None
    scores = [fit.score for plate in ("8ABC123", "BABC123", "XABC123") if (fit := pattern.fit(plate))]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    # With any of them in doubt, three are left.
    assert not PlatePattern.parse("7AB*", slip=True).searchable
    assert PlatePattern.parse("7ABC*", slip=True).searchable


def test_a_hidden_character_may_be_any_where_three_others_agree() -> None:
    pattern = PlatePattern.parse("7AB8123", budget=1)
    fit = pattern.fit("7A?B123")
    assert fit is not None
    assert fit.why == (*[MatchReason.SAME] * 2, MatchReason.HIDDEN, MatchReason.LOOK_ALIKE, *[MatchReason.SAME] * 3)
    scores = [fit.score for plate in ("7AB8123", "7AB?123", "7ABB123") if (fit := pattern.fit(plate))]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    for plate, matches in (("7????23", True), ("7?????3", False), ("7AC?123", False), ("?7AB8123", False)):
        assert (pattern.fit(plate) is not None) == matches, plate
    assert PlatePattern.parse("7AB*").fit("7?B99") is None
    assert PlatePattern.parse("7A?8*").fit("7A?8") is not None
    # With a character in doubt, one more has to be known.
    doubted = PlatePattern.parse("7AB8*", slip=True)
    assert [doubted.fit(plate) is not None for plate in ("7A?8", "7A?9", "XAB8")] == [True, False, True]


def test_likelier_misread_scores_higher() -> None:
    pattern = PlatePattern.parse("8AB", budget=2)
    plates = ("8AB", "BAB", "6AB", "BA8")
    scores = [fit.score for plate in plates if (fit := pattern.fit(plate))]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)


def test_look_alikes_go_both_ways_and_are_folded() -> None:
    assert "B" in look_alikes("8")
    assert "8" in look_alikes("B")
    assert "D" in look_alikes("0")
    assert not look_alikes("O")


def test_a_pattern_fits_what_a_scan_finds() -> None:
    """The regular expression, the list of plates, the grams and `fit` all agree with the plainest matcher."""
    draw = random.Random(3)
    fitting = hiding = 0
    for _ in range(700):
        text, budget, slip = drawn_pattern(draw), draw.randrange(3), draw.random() < 0.3
        pattern = PlatePattern.parse(text, budget=budget, slip=slip)
        for _ in range(8):
            plate = drawn_plate(draw, like=text)
            wanted = fits(text, plate, budget, slip)
            fitting += wanted
            assert (pattern.fit(plate) is not None) == wanted, (text, budget, slip, plate)
            if "?" not in plate:
                assert (re.fullmatch(pattern.regex, plate) is not None) == wanted, (text, budget, slip, plate)
                assert pattern.plates is None or (plate in pattern.plates) == wanted
            if wanted:
                assert re.fullmatch(pattern.hiding_regex, plate), (text, budget, slip, plate)
                assert plate.startswith(pattern.beginnings)
                grams, variants, hidden = grams_of(plate), pattern.variants, "?" in plate
                hiding += hidden
                asked = [(one.grams, one.regex) for one in variants]
                asked += [(one.hiding_ngrams, one.hiding_regex) for one in variants if one.hiding_ngrams and hidden]
                assert any(
                    all(grams & set(group) for group in groups) and re.fullmatch(regex, plate)
                    for groups, regex in asked
                ), (text, budget, slip, plate)
    assert fitting > 1000
    assert hiding > 50


def test_gram_has_21_bits() -> None:
    assert ngram_code(NGram.PAIR, 15, "ZZ") < 2**21
    assert len({ngram_code(gram, place, "A7") for gram in NGram for place in range(16)}) == 16 * len(NGram)
