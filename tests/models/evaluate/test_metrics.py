from collections.abc import Callable
from typing import Any

import pytest

from platepost.models.evaluate.metrics import PictureResult, coverage, summarise
from platepost.models.evaluate.spelling import edit_distance, fold, normalize

Compare = Callable[..., PictureResult]
BOX = (100.0, 100.0, 160.0, 130.0)
NEAR = (103.0, 101.0, 162.0, 131.0)
FAR = (400.0, 300.0, 460.0, 330.0)


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("", "", 0), ("ABC", "ABC", 0), ("ABC", "", 3), ("ABC123", "ABD123", 1), ("ABC", "XABC", 1), ("AB", "BA", 2)],
)
def test_edit_distance(first: str, second: str, distance: int) -> None:
    assert edit_distance(first, second) == edit_distance(second, first) == distance


def test_normalize_and_fold() -> None:
    assert normalize("7abc-123 ") == "7ABC123"
    assert fold("OIl0") == "01L0"


def test_right_plate_in_its_place(outcome: Compare) -> None:
    result = outcome([("7ABC123", BOX)], [("7ABC123", 0.9, NEAR)])
    assert (result.strict, result.folded, result.anywhere) == (True, True, True)
    assert (result.boxes, result.boxes_found, result.extra, result.wrong_characters) == (1, 1, 0, 0)


def test_look_alike_is_right_when_folded_only(outcome: Compare) -> None:
    result = outcome([("O1", BOX)], [("0I", 0.9, NEAR)])
    assert (result.strict, result.folded) == (False, True)
    assert result.wrong_characters == 0


def test_right_plate_that_is_not_the_best_counts_as_anywhere_only(outcome: Compare) -> None:
    result = outcome([("7ABC123", BOX)], [("EXIT", 0.95, FAR), ("7ABC123", 0.9, NEAR)])
    assert (result.folded, result.anywhere, result.extra) == (False, True, 1)


def test_any_true_plate_will_do_as_the_best(outcome: Compare) -> None:
    result = outcome([("AAA111", BOX), ("BBB222", FAR)], [("BBB222", 0.9, FAR)])
    assert result.strict
    assert result.truth == "BBB222"
    assert (result.boxes, result.boxes_found) == (2, 1)


def test_a_plate_of_unknown_text_is_not_held_against_another_ones(outcome: Compare) -> None:
    truth = [("AAA111", BOX), (None, FAR)]
    both = outcome(truth, [("BBB222", 0.95, FAR), ("AAA111", 0.9, NEAR)])
    assert (both.read, both.confidence, both.folded, both.extra) == ("AAA111", 0.9, True, 0)
    missed = outcome(truth, [("BBB222", 0.95, FAR)])
    assert (missed.truth, missed.read, missed.folded, missed.wrong_characters) == ("AAA111", "", False, 6)
    assert not outcome([("AAA111", BOX)], [("BBB222", 0.95, FAR), ("AAA111", 0.9, NEAR)]).folded


def test_a_text_without_letters_and_digits_is_unknown(outcome: Compare) -> None:
    result = outcome([("7ABC123", BOX), ("---", FAR)], [])
    assert (result.truth, result.folded) == ("7ABC123", False)


def test_plate_that_covers_less_than_half_is_missed_and_extra(outcome: Compare) -> None:
    loose = (80.0, 80.0, 190.0, 150.0)
    result = outcome([("7ABC123", BOX)], [("7ABC123", 0.9, loose)])
    assert (result.boxes_found, result.extra, result.folded) == (0, 1, True)


def test_one_true_plate_is_found_once(outcome: Compare) -> None:
    result = outcome([("7ABC123", BOX)], [("7ABC123", 0.9, BOX), ("7ABC123", 0.8, NEAR)])
    assert (result.boxes_found, result.extra) == (1, 1)


def test_nothing_found(outcome: Compare) -> None:
    result = outcome([("7ABC123", BOX)], [])
    assert (result.read, result.strict, result.boxes_found, result.wrong_characters) == ("", False, 0, 7)


def test_long_nonsense_costs_at_most_the_whole_text(outcome: Compare) -> None:
    assert outcome([("A1", BOX)], [("ZZZZZZZZ", 0.5, NEAR)]).wrong_characters == 2


def test_summary(outcome: Compare) -> None:
    summary = summarise(
        [
            outcome([("ABCD", BOX)], [("ABCD", 0.9, NEAR)]),
            outcome([("OBCD", BOX)], [("0BCD", 0.8, NEAR), ("X", 0.3, FAR)]),
            outcome([("ABCD", BOX)], [("ABCE", 0.7, NEAR)]),
            outcome([("ABCD", BOX)], []),
        ]
    )
    assert summary.pictures == 4
    assert (summary.strict, summary.folded, summary.anywhere) == (0.25, 0.5, 0.5)
    assert summary.characters == pytest.approx(1 - 5 / 16)
    assert summary.coverage == 0.5
    assert (summary.box_recall, summary.extra) == (0.75, 0.25)
    assert summary.milliseconds == (5, 2, 7)
    assert summary.brier == pytest.approx((0.1**2 + 0.2**2 + 0.7**2) / 3)
    assert summary.calibration_error == pytest.approx((0.1 + 0.2 + 0.7) / 3)


def test_summary_leaves_out_what_the_set_does_not_say(outcome: Compare) -> None:
    without_texts = summarise([outcome([(None, BOX)], [("ABC", 0.9, NEAR)])])
    assert without_texts.strict is None
    assert without_texts.characters is None
    assert without_texts.coverage is None
    assert without_texts.box_recall == 1
    crops = summarise([outcome([("ABC", None)], [("ABC", 0.9, BOX)])])
    assert crops.box_recall is None
    assert crops.extra is None
    assert crops.strict == 1


def test_what_is_told_of_a_street_without_plates_is_too_many(outcome: Compare) -> None:
    empty = [outcome([], [("EXIT", 0.9, NEAR), ("X", 0.3, FAR)]), outcome([], [])]
    assert summarise(empty).extra == 1
    assert summarise(empty).box_recall is None
    assert summarise([*empty, outcome([("7ABC123", BOX)], [("7ABC123", 0.9, NEAR)])]).extra == pytest.approx(2 / 3)


def test_summary_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        summarise([])


@pytest.mark.parametrize(
    ("reads", "share"),
    [
        ([("A1", 0.9), ("A1", 0.8), ("A1", 0.7), ("B2", 0.6)], 0.75),
        ([("B2", 0.9), ("A1", 0.8), ("A1", 0.7), ("A1", 0.6)], 0.0),
        ([("A1", 0.9), ("A1", 0.6), ("B2", 0.6), ("A1", 0.5)], 0.25),
        ([("A1", 0.9)] * 4, 1.0),
    ],
)
def test_coverage_ends_before_the_first_error_of_few_reads(
    outcome: Compare, reads: list[tuple[str, float]], share: float
) -> None:
    outcomes: list[Any] = [outcome([("A1", BOX)], [(text, confidence, NEAR)]) for text, confidence in reads]
    assert coverage(outcomes) == share


def test_coverage_bears_one_error_in_a_hundred(outcome: Compare) -> None:
    right = [outcome([("A1", BOX)], [("A1", 0.9, NEAR)]) for _ in range(99)]
    wrong = outcome([("A1", BOX)], [("B2", 0.95, NEAR)])
    assert coverage([*right, wrong]) == 1


def test_issuers_are_counted_where_they_are_known(outcome: Compare) -> None:
    def told(region: str | None, claimed: str | None) -> PictureResult:
        return outcome([("ABCD", BOX)], [("ABCD", 0.9, NEAR)], region=region, claimed=claimed)

    pairs = [("US-CA", "US-CA"), ("US-CA", None), ("US-CA", "other"), ("US-NV", "other"), ("US-AZ", "US-CA")]
    pairs += [("US-OR", "US-OR"), ("US-OR", "US-WA"), ("CA-ON", "other")]
    unknown = [(None, "other"), ("US", "US-CA")]
    summary = summarise([told(*pair) for pair in pairs + unknown])
    assert summary.region_named == pytest.approx(4 / 8), "`other` names no state"
    assert summary.named_right == pytest.approx(2 / 4)
    assert summary.region_told == pytest.approx(7 / 8)
    assert summary.region_right == pytest.approx(4 / 7)
    assert summary.california_told == pytest.approx(1 / 3)
    assert summary.california_false == pytest.approx(1 / 5)
    assert summary.california_lost == pytest.approx(1 / 3)
    assert summarise([told(*pair) for pair in unknown]).region_told is None
