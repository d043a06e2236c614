from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from platepost.device.vision.consensus import SPAN_TEXTS
from platepost.device.vision.passages import FAR, WIDTHS, Passage, Passages
from platepost.device.vision.reader import Reading
from platepost.device.vision.region import Evidence, Impression
from platepost.device.vision.settings import PassageSettings
from platepost.device.vision.sighting import Sighting

Sightings = Callable[..., Sighting]


def test_a_vehicle_that_comes_nearer_is_one_passage(sighting: Sightings) -> None:
    passages = Passages()
    for step in range(20):
        passages.update([sighting(step / 20, x=100 + 25 * step, y=80 + 20 * step, width=50 + 3 * step)])
    (only,) = passages.open
    assert only.consensus.frames == 20
    assert only.direction == "approaching"
    assert passages.ended(0.95 + 0.9) == []
    assert passages.ended(0.95 + 1.1) == [only]
    assert passages.ended(5) == []


def test_a_plate_that_has_only_just_come_into_view_has_no_direction_yet(sighting: Sightings) -> None:
    passages = Passages()
    for step in range(5):
        (passage,) = passages.update([sighting(step / 20, x=100 + 12 * step, width=100 - 10 * step)])
    assert passage.direction == "unknown"


def test_two_side_by_side_stay_two(sighting: Sightings) -> None:
    passages = Passages()
    for step in range(20):
        left = sighting(step / 20, text="7ABC123", x=100 + 10 * step, width=80)
        right = sighting(step / 20, text="8XYZ987", x=300 + 10 * step, width=80)
        passages.update([right, left] if step % 2 else [left, right])
    assert {passage.consensus.text for passage in passages.open} == {"7ABC123", "8XYZ987"}
    assert all(passage.consensus.agreeing_frames == 20 for passage in passages.open)


def test_a_plate_hidden_for_half_a_second_stays_the_same_passage(sighting: Sightings) -> None:
    passages = Passages()
    for step in (*range(10), *range(20, 30)):
        passages.update([sighting(step / 20, x=100 + 12 * step)])
        assert passages.ended(step / 20) == []
    assert len(passages.open) == 1


def test_the_next_vehicle_at_the_same_place_is_another_passage(sighting: Sightings) -> None:
    passages = Passages()
    passages.update([sighting(0)])
    passages.update([sighting(3, text="8XYZ987")])
    assert [passage.consensus.text for passage in passages.open] == ["7ABC123", "8XYZ987"]


def test_a_vehicle_that_stands_for_hours_takes_no_more_room_and_is_still_added_up(sighting: Sightings) -> None:
    passages = Passages()
    looks = 2 * WIDTHS
    for step in range(looks):
        passages.update([sighting(step / 20, text=f"7ABC{step % 1000:03d}", confidence=0.3)])
    (passage,) = passages.open
    assert passage.consensus.frames == looks
    assert len(passage.widths) <= WIDTHS
    assert len(passage._poll.readings) <= 2 * SPAN_TEXTS


def test_a_vehicle_that_waited_and_then_came_was_approaching(sighting: Sightings) -> None:
    passages = Passages()
    for step in range(2500):
        passages.update([sighting(step / 20, width=40 if step < 1800 else 40 + (step - 1800) / 7)])
    assert passages.open[0].direction == "approaching"


def test_another_vehicle_elsewhere_opens_another_passage(sighting: Sightings) -> None:
    passages = Passages()
    passages.update([sighting(0, x=100)])
    passages.update([sighting(0.05, x=900, text="8XYZ987")])
    assert len(passages.open) == 2


def test_two_frames_that_agree_are_safe_and_one_doubtful_is_not(sighting: Sightings) -> None:
    passages = Passages()
    (passage,) = passages.update([sighting(0, confidence=0.8)])
    assert not passage.safe
    passages.update([sighting(0.05, x=105, confidence=0.8)])
    assert passage.safe


def test_one_very_sure_frame_is_safe(sighting: Sightings) -> None:
    (passage,) = Passages().update([sighting(0, confidence=0.99)])
    assert passage.safe


def test_one_sure_frame_that_the_others_contradict_is_not_safe(sighting: Sightings) -> None:
    passages = Passages()
    passages.update([sighting(0, text="34C12323", confidence=0.98)])
    for step, text in enumerate(("84C12323", "34C1232", "31C12329", "34012323"), start=1):
        (passage,) = passages.update([sighting(step / 20, x=100 + step, text=text, confidence=0.7)])
    assert not passage.safe


def test_frames_that_agree_on_a_blur_are_not_safe(sighting: Sightings) -> None:
    passages = Passages()
    passages.update([sighting(0, confidence=0.3)])
    (passage,) = passages.update([sighting(0.05, x=105, confidence=0.3)])
    assert passage.consensus.agreeing_frames == 2
    assert not passage.safe


def test_a_flicker_of_the_detector_is_not_credible(sighting: Sightings) -> None:
    passages = Passages()
    passages.update([sighting(0, confidence=0.5)])
    (passage,) = passages.end_all()
    assert not passage.credible


def test_a_text_that_no_two_frames_agree_on_is_not_credible(sighting: Sightings) -> None:
    passages = Passages()
    for step, text in enumerate(("LLLL", "L1LL", "LLJL", "JLLL", "LLL1")):
        passages.update([sighting(step / 20, text=text, confidence=0.4)])
    (passage,) = passages.end_all()
    assert not passage.credible


@pytest.mark.parametrize(("confidence", "credible"), [(0.42, False), (0.55, True)])
def test_a_plate_too_far_away_is_not_credible_however_often_it_is_seen(
    sighting: Sightings,
    confidence: float,
    credible: bool,  # noqa: FBT001
) -> None:
    """It stands still, so all looks are the same, and agree whether it is read right or not."""
    passages = Passages()
    for step in range(40):
        passages.update([sighting(step / 20, text="7R9K254", confidence=confidence)])
    (passage,) = passages.end_all()
    assert passage.consensus.agreeing_frames == 40
    assert passage.credible is credible


def test_what_one_of_several_looks_says_alone_is_not_credible(sighting: Sightings) -> None:
    """Lettering that comes out between two posts: read surely once, and nothing like it before and after."""
    passages = Passages()
    for step, (text, confidence) in enumerate([("0OG", 0.05), ("34R05", 0.999), ("1AA", 0.1)]):
        passages.update([sighting(step / 20, text=text, confidence=confidence)])
    assert not passages.open[0].credible


def test_one_sharp_look_that_blurred_ones_resemble_is_credible(sighting: Sightings) -> None:
    passages = Passages()
    for step, (text, confidence) in enumerate([("7A8C12", 0.05), ("7ABC123", 0.999), ("ABC1Z3", 0.1)]):
        passages.update([sighting(step / 20, text=text, confidence=confidence)])
    assert passages.open[0].credible


def test_a_vehicle_that_stands_is_judged_until_it_is_reported(sighting: Sightings) -> None:
    passages = Passages(PassageSettings(longest_seconds=5))
    judged = []
    for step in range(200):
        passages.update([sighting(step / 20)])
        for passage in passages.ended(step / 20):
            judged.append(step / 20)
            passage.report(gone=False)
    assert judged == [5.05]
    assert [passage.reported for passage in passages.end_all()] == [True]


def test_a_sure_text_goes_to_its_own_passage_before_what_is_merely_near(sighting: Sightings) -> None:
    passages = Passages()
    passages.update([sighting(0, x=100, confidence=0.95)])
    near, own = sighting(0.2, x=110, text="GS", confidence=0.1), sighting(0.2, x=900, confidence=0.95)
    first, second = passages.update([near, own])
    assert (second.consensus.text, second.consensus.frames) == ("7ABC123", 2)
    assert first.consensus.text == "GS"


def test_what_says_nothing_like_a_plate_takes_nothing_from_it(sighting: Sightings) -> None:
    passages = Passages()
    for step in range(10):
        passages.update([sighting(step / 12, x=100 + 10 * step, width=60, confidence=0.99)])
    passages.update([sighting(1, text="X4", x=200, width=140, confidence=0.001)])  # a shadow, large and sharp
    plate, shadow = passages.open
    assert (plate.consensus.frames, plate.credible) == (10, True)
    assert not shadow.credible


def test_the_best_picture_is_large_and_well_read(sighting: Sightings) -> None:
    passages = Passages()
    passages.update([sighting(0, width=60)])
    passages.update([sighting(0.05, x=105, width=95, confidence=0.95)])
    passages.update([sighting(0.1, x=110, width=100, confidence=0.1)])
    assert passages.open[0].best.width == pytest.approx(95)


def test_the_plates_of_the_best_looks_are_kept(sighting: Sightings) -> None:
    passages = Passages()
    for number, width in enumerate((60, 110, 70, 100, 90)):
        rectified = np.full((64, 160), number, np.uint8)
        look = replace(sighting(number / 20, width=width), rectified=rectified)
        (passage,) = passages.update([look])
    assert [int(plate[0, 0]) for plate in passage.best_plates] == [1, 3, 4]


def test_what_is_told_is_as_sure_as_that_it_is_a_plate(sighting: Sightings) -> None:
    near, far = sighting(0.05, x=105, width=100), sighting(0, width=50)
    for score, least, most in ((0.9, 0.99, 1.0), (0.5, 0.49, 0.51), (0.4, 0.0, 0.2)):
        passages = Passages()
        for look in (far, near):
            passages.update([replace(look, plate=replace(look.plate, score=score))])
        (passage,) = passages.open
        assert passage.finding.text == passage.consensus.text
        assert least <= passage.finding.confidence / passage.consensus.confidence <= most
        assert passage.safe  # decisions go by the text


@pytest.mark.parametrize(("width", "less"), [(FAR - 5, True), (FAR + 5, False)])
def test_records_claim_less_of_a_plate_far_away_and_decisions_do_not(
    sighting: Sightings,
    width: float,
    less: bool,  # noqa: FBT001
) -> None:
    passages = Passages()
    for step in range(3):
        passages.update([sighting(step / 20, width=width)])
    (passage,) = passages.open
    decided = passage.consensus.confidence
    claimed = passage.finding.confidence / passage.plate_probability
    assert decided > 0.5
    assert (claimed < decided) == less
    assert claimed > 0.5


def test_near_looks_count_most_for_whether_it_is_a_plate(sighting: Sightings) -> None:
    passages = Passages()
    for step, (width, score) in enumerate(((40, 0.4), (50, 0.4), (100, 0.9))):
        look = sighting(step / 20, x=100 + step, width=width)
        passages.update([replace(look, plate=replace(look.plate, score=score))])
    (passage,) = passages.open
    assert passage.plate_probability > 0.9


def seen_by(sighting: Sightings, look: float | None, *, score: float = 0.9, text: str = "7ABC123") -> Passage:
    """Give a passage of two looks whose plates look so much like plates."""
    passages = Passages()
    for step in range(2):
        seen = sighting(step / 20, text=text)
        passages.update([replace(seen, plate=replace(seen.plate, score=score))])
    (passage,) = passages.open
    passage.judge(Impression(plate=look, evidence=Evidence(offset=-2.17, by_score=6.37, by_look=0.89)))
    return passage


def test_once_states_are_known_that_may_have_issued_it_their_formats_count(
    sighting: Sightings, reading: Callable[..., Reading]
) -> None:
    passages = Passages()
    for step in range(2):
        seen = sighting(step / 20)
        looked = reading("7QBC234", 0.6, ("7DBC234", 0.3))
        passages.update([replace(seen, plate=replace(seen.plate, reading=looked))])
    (passage,) = passages.open
    assert passage.consensus.text == "7QBC234"
    passage.judge(Impression(states=(("US-CA", 0.9),)))
    assert passage.consensus.text == "7DBC234"


def test_what_is_told_of_a_passage_goes_by_its_look_too(sighting: Sightings) -> None:
    shares = [seen_by(sighting, look).plate_probability for look in (-12.0, -3.0, 0.0, 6.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.05
    assert shares[-1] > 0.98


def test_lettering_without_a_digit_is_told_with_less_and_yet_read(sighting: Sightings) -> None:
    word, serial = (seen_by(sighting, 0.0, score=0.6, text=text) for text in ("GARDENS", "GARD3NS"))
    assert word.plate_probability < serial.plate_probability
    assert word.is_lettering == serial.is_lettering


def test_only_what_surely_looks_like_lettering_is_none(sighting: Sightings) -> None:
    assert seen_by(sighting, -15.0, score=0.5).is_lettering
    assert not seen_by(sighting, 2.0, score=0.5).is_lettering
    assert not seen_by(sighting, None, score=0.3).is_lettering, "the score alone tells too little"
