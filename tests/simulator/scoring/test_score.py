from platepost.simulator.scoring.score import ScoredRead, score
from platepost.simulator.scoring.truth import TruePassage, Truth


def truth(*passages: tuple[str, int, int]) -> Truth:
    return Truth(passages=tuple(TruePassage(text=text, frames=(first, last)) for text, first, last in passages), fps=10)


def read(text: str, first: int, last: int, confidence: float = 0.9) -> ScoredRead:
    return ScoredRead(text=text, confidence=confidence, first_frame=first, last_frame=last)


def test_right_wrong_and_missed_are_told_apart() -> None:
    found = score(
        [read("7ABC123", 12, 38), read("8XYZ999", 52, 88)],
        truth(("7ABC123", 10, 40), ("8XYZ900", 50, 90), ("6DEF456", 100, 140)),
    )
    assert (found.passages, found.captured, found.right, found.right_folded) == (3, 2, 1, 1)
    assert [outcome.read.text if outcome.read else None for outcome in found.outcomes] == ["7ABC123", "8XYZ999", None]


def test_look_alikes_are_right_only_when_folded() -> None:
    found = score([read("7AB0I23", 12, 38)], truth(("7ABO123", 10, 40)))
    assert (found.right, found.right_folded) == (0, 1)


def test_spelling_does_not_make_a_read_wrong() -> None:
    assert score([read("7ABC123", 12, 38)], truth(("7abc 123", 10, 40))).right == 1


def test_second_read_of_a_passage_is_a_duplicate_and_the_closer_one_counts() -> None:
    found = score([read("7ABC12", 10, 20), read("7ABC123", 21, 40)], truth(("7ABC123", 10, 40)))
    assert (found.right, found.duplicates, found.undue) == (1, 1, ())


def test_read_of_nothing_is_undue() -> None:
    found = score([read("7ABC123", 12, 38), read("STOP", 12, 38)], truth(("7ABC123", 10, 40)))
    assert [undue.text for undue in found.undue] == ["STOP"]
    assert found.duplicates == 0


def test_right_text_at_the_wrong_time_is_undue() -> None:
    found = score([read("7ABC123", 300, 340)], truth(("7ABC123", 10, 40)))
    assert (found.captured, len(found.undue)) == (0, 1)


def test_pair_side_by_side_gets_each_its_own_read() -> None:
    pair = truth(("7ABC123", 10, 40), ("7ABC129", 10, 40))
    found = score([read("7ABC129", 11, 39), read("7ABC123", 11, 39)], pair)
    assert (found.right, found.duplicates, found.undue) == (2, 0, ())


def test_a_read_a_little_outside_the_truth_s_frames_still_counts() -> None:
    assert score([read("7ABC123", 45, 49)], truth(("7ABC123", 10, 40))).captured == 1
    assert score([read("7ABC123", 55, 59)], truth(("7ABC123", 10, 40))).captured == 0


def test_a_second_read_does_not_stand_for_the_next_time_that_the_plate_passes() -> None:
    twice = truth(("7ABC123", 10, 40), ("7ABC123", 48, 78))
    found = score([read("7ABC123", 10, 22), read("7ABC123", 25, 41)], twice)
    assert (found.captured, found.duplicates, found.undue) == (1, 1, ())
    assert found.outcomes[1].read is None


def test_reads_of_a_plate_that_passes_twice_are_told_apart_by_time_in_any_order() -> None:
    twice = truth(("7ABC123", 10, 40), ("7ABC123", 48, 78))
    late, early = read("7ABC123", 45, 79), read("7ABC123", 8, 41)
    found = score([late, early], twice)
    assert [outcome.read for outcome in found.outcomes] == [early, late]
