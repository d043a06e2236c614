from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from platepost.device.vision.consensus import SINGLE_FRAME, Consensus, Poll, Vote
from platepost.device.vision.formats import States
from platepost.device.vision.reader import Reading
from tests.device.vision.test_fusion import columns

Readings = Callable[..., Reading]


def consensus(votes: Sequence[Vote], states: States = ()) -> Consensus:
    poll = Poll()
    for vote in votes:
        poll.add(vote)
    return poll.consensus(states)


def test_one_sharp_look_outweighs_several_blurred_ones(reading: Readings) -> None:
    votes = [Vote(reading("7ABL123", 0.3, ("7AB4123", 0.2)), 20)] * 4 + [Vote(reading("7AB4123", 0.95), 100)]
    assert consensus(votes).text == "7AB4123"


def test_characters_are_voted_for_one_by_one(reading: Readings) -> None:
    votes = [
        Vote(reading("7ABC128", 0.8), 1),
        Vote(reading("7ABG123", 0.8), 1),
        Vote(reading("1ABC123", 0.8), 1),
    ]
    found = consensus(votes)
    assert found.text == "7ABC123"
    assert found.agreeing_frames == 0
    assert found.frames == 3
    assert found.confidence < 0.6


def test_a_lost_character_does_not_shift_the_others(reading: Readings) -> None:
    votes = [Vote(reading("7ABC123", 0.9), 1), Vote(reading("7ABC123", 0.9), 1), Vote(reading("ABC123", 0.9), 1)]
    found = consensus(votes)
    assert found.text == "7ABC123"
    assert found.agreeing_frames == 2


def test_disagreement_lowers_confidence_of_the_character_in_question_only(reading: Readings) -> None:
    found = consensus([Vote(reading("7ABC123"), 2), Vote(reading("7A8C123"), 1)])
    confidences = {character.character: character.confidence for character in found.characters}
    assert confidences["B"] == pytest.approx(0.6)
    assert confidences["C"] == pytest.approx(0.9)
    assert found.alternatives[0].text == "7A8C123"


def test_a_single_look_is_never_as_sure_as_two(reading: Readings) -> None:
    one = consensus([Vote(reading("7ABC123", 0.95), 1)])
    two = consensus([Vote(reading("7ABC123", 0.95), 1)] * 2)
    assert one.confidence < two.confidence == pytest.approx(0.95)


def test_frames_that_spell_a_plate_differently_agree_on_it(reading: Readings) -> None:
    found = consensus(
        [Vote(reading("7AB0I2", 0.9), 2), Vote(reading("7ABOI2", 0.9), 1), Vote(reading("7AB012", 0.9), 1)]
    )
    assert found.text == "7AB0I2"
    assert found.agreeing_frames == 3
    assert found.confidence == pytest.approx(0.9)
    assert found.alternatives == ()


def test_a_text_that_no_frame_has_read_whole_is_spelled_place_by_place(reading: Readings) -> None:
    votes = [Vote(reading("OAB14", 0.8), 1), Vote(reading("OXBI2", 0.8), 1), Vote(reading("CABI2", 0.8), 1)]
    assert consensus(votes).text == "OABI2"


def test_hundreds_of_looks_from_one_place_count_as_few(reading: Readings) -> None:
    far = [Vote(reading("7ABC128", 0.8), 40, 40.0)] * 300
    near = [Vote(reading("7ABC123", 0.9), 80 + 10 * step, 80.0 + 10 * step) for step in range(4)]
    found = consensus([*far, *near])
    assert found.text == "7ABC123"
    assert found.confidence > 0.6
    assert (found.frames, found.agreeing_frames) == (304, 4)


def test_what_counts_as_few_is_all_that_was_seen_there(reading: Readings) -> None:
    here = [Vote(reading("7ABC128", 0.8), 80, 80.0)] * 10 + [Vote(reading("7ABC123", 0.8), 80, 80.0)] * 30
    assert consensus(here).confidence == pytest.approx(0.6)
    assert consensus([*here, Vote(reading("7ABC128", 0.8), 40, 40.0)]).text == "7ABC123"


def test_bad_looks_do_not_make_the_good_ones_beside_them_count_for_less(reading: Readings) -> None:
    good = [Vote(reading("7ABC123", 0.95), 80, 80.0)] * 3
    bad = [Vote(reading("1", 0.05), 80, 80.0)] * 50
    other = [Vote(reading("7ABC128", 0.95), 60, 60.0)] * 3
    assert consensus([*good, *bad, *other]).text == "7ABC123"


def test_a_text_keeps_the_greatest_confidence_with_which_it_was_read(reading: Readings) -> None:
    votes = [Vote(reading("7AB0123", 0.7), 1), Vote(reading("7ABO123", 0.99), 1, 80.0), Vote(reading("7AB0128", 1), 1)]
    assert consensus(votes).surest == pytest.approx(0.99)


def test_where_looks_disagree_what_each_saw_of_all_texts_decides(reading: Readings) -> None:
    def look(wrong: str) -> Reading:
        said = reading(f"7{wrong}123", 0.6, ("7W123", 0.4))
        return replace(said, columns=columns({"7": 1.0}, {wrong: 0.6, "W": 0.4}, {"1": 1.0}, {"2": 1.0}, {"3": 1.0}))

    found = consensus([Vote(look(wrong), 1) for wrong in "HMN"])
    assert (found.text, found.agreeing_frames) == ("7W123", 0)
    assert found.confidence > 0.85


def test_large_looks_that_see_nothing_do_not_outweigh_a_small_sharp_one(reading: Readings) -> None:
    blurred = replace(
        reading("7A123", 0.2, ("7H123", 0.19)),
        columns=columns({"7": 0.6}, {"A": 0.2, "H": 0.19}, {"1": 0.6}, {"2": 0.6}, {"3": 0.6}),
    )
    sharp = replace(
        reading("7H123", 0.9, ("7A123", 0.1)),
        columns=columns({"7": 1.0}, {"H": 0.9, "A": 0.1}, {"1": 1.0}, {"2": 1.0}, {"3": 1.0}),
    )
    assert consensus([*[Vote(blurred, 100)] * 11, Vote(sharp, 5)]).text == "7H123"


def test_the_formats_of_states_that_may_have_issued_it_speak_for_a_text(reading: Readings) -> None:
    votes = [Vote(reading("7QBC234", 0.6, ("7DBC234", 0.3)), 1)] * 2
    plain, californian = consensus(votes), consensus(votes, (("US-CA", 0.9),))
    assert (plain.text, californian.text) == ("7QBC234", "7DBC234")
    # 0.3 counts 6.4 times; 0.1 is left for texts that no look showed, and no look's own best text is this one.
    assert californian.confidence == pytest.approx(SINGLE_FRAME * 1.92 / (1.92 + 0.6 + 0.1))
    assert [other.text for other in californian.alternatives] == ["7QBC234"]
    assert consensus(votes, (("US-NV", 0.9),)).text == "7QBC234"
    sure = [Vote(reading("7QBC234", 0.95, ("7DBC234", 0.05)), 1)] * 2
    assert consensus(sure, (("US-CA", 0.9),)).text == "7QBC234"


def test_no_vote_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one vote"):
        consensus([])
