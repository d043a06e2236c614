"""The pipeline with networks that see what the test says."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from platepost.device.frame import Frame
from platepost.device.vision.clips import reads_of
from platepost.device.vision.detector import Detection
from platepost.device.vision.pipeline import Pipeline, Verdict
from platepost.device.vision.reader import Reading
from platepost.device.vision.region import Evidence, Impression, Issuer
from platepost.device.vision.settings import PassageSettings, VisionSettings
from platepost.device.vision.vehicle import NOTHING, Appearance

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
GRAY = np.full((720, 1280), 100, np.uint8)


def corners(x: float, width: float) -> np.ndarray:
    return np.array([[x, 40], [x + width, 40], [x + width, 40 + width / 2], [x, 40 + width / 2]], np.float32)


def no_color() -> np.ndarray:
    return np.zeros((90, 160, 3), np.uint8)


class Street:
    """Frames at 10 a second, and what there is to read in each."""

    def __init__(self, reading: Callable[..., Reading], **settings: float) -> None:
        self.plates: list[tuple[str, float, np.ndarray]] = []
        """What is to be seen: text, confidence, and corners."""
        self._number = 0
        self._read = 0
        self.plate_logit: float | None = None
        """What the look says of whether it is a plate."""
        self.asked: list[int] = []
        """How many looks were shown each time that the impression was asked for."""
        networks: Any = SimpleNamespace(
            detector=SimpleNamespace(detect=self._detect),
            reader=SimpleNamespace(read_rectified=self._read_next),
            impression=self._impression,
            appearance=self._appearance,
        )
        self._reading = reading
        self.pipeline = Pipeline(
            networks,
            vision=VisionSettings(motion_area=0),
            passages=PassageSettings(repeat_seconds=2, **settings),  # type: ignore[arg-type]
        )
        self.early: list[str] = []
        self.early_numbers: set[int] = set()
        self.issuers: list[Issuer | None] = []
        self.appearances: list[Appearance] = []
        self.ended: list[tuple[str, Verdict]] = []
        self.recheck: list[bool] = []
        """Of each of those, whether it is looked up though it is a repeat."""
        self.retracted: list[str] = []
        """What was said of passages that were doubted, with the text that they have by then."""

    def _detect(self, _gray: np.ndarray, _small: np.ndarray | None) -> list[Detection]:
        self._read = 0
        return [Detection(0.9, where) for _, _, where in self.plates]

    def _read_next(self, _plate: np.ndarray) -> Reading:
        text, confidence, _ = self.plates[self._read]
        self._read += 1
        return self._reading(text, confidence)

    def _impression(self, plates: tuple[np.ndarray, ...], text: str) -> Impression:
        assert text
        assert all(plate.shape == (64, 160) for plate in plates)
        self.asked.append(len(plates))
        return Impression(
            Issuer("US-CA", 0.99), self.plate_logit, evidence=Evidence(offset=-2.17, by_score=6.37, by_look=0.89)
        )

    def _appearance(self, frame: np.ndarray, plate: np.ndarray) -> Appearance:
        assert frame.shape == (720, 1280, 3)
        assert plate.shape == (4, 2)
        return Appearance("van", (), "rear")

    def show(self, text: str, *, frames: int = 1, confidence: float = 0.9, x: float = 50, width: float = 60) -> None:
        self.see(*([(text, confidence, corners(x, width))] if text else []), frames=frames)

    def see(self, *plates: tuple[str, float, np.ndarray], frames: int = 1) -> None:
        self.plates = list(plates)
        for _ in range(frames):
            second = self._number / 10
            captured = NOON + timedelta(seconds=second)
            result = self.pipeline.update(
                Frame(self._number, captured, second, GRAY, lambda: np.zeros((720, 1280, 3), np.uint8))
            )
            self._number += 1
            self.retracted += [each.passage.consensus.text if each.legible else "" for each in result.retractions]
            self.issuers += [passage.issuer for passage in result.early]
            self.issuers += [item.passage.issuer for item in result.ended]
            self.appearances += [item.passage.appearance for item in result.ended]
            self.early += [passage.consensus.text for passage in result.early]
            self.early_numbers |= {passage.number for passage in result.early}
            self.ended += [(item.passage.consensus.text, item.verdict) for item in result.ended]
            self.recheck += [item.recheck for item in result.ended]


@pytest.fixture
def street(reading: Callable[..., Reading]) -> Callable[..., Street]:
    return lambda **settings: Street(reading, **settings)


def test_a_passage_is_told_early_and_read_once(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8)
    one.show("", frames=15)
    assert set(one.early) == {"7ABC123"}
    assert one.ended == [("7ABC123", Verdict.READ)]


@pytest.mark.parametrize("step", [12, -12], ids=["from the left", "from the right"])
def test_a_plate_that_a_side_of_the_picture_cuts_says_nothing(street: Callable[..., Street], step: float) -> None:
    """Of what comes in sideways the first looks show the end or the beginning of the text, and are sure of it."""
    one = street()
    for place in range(-40, 120, abs(step)):
        x = place if step > 0 else 1280 - 60 - place
        whole = place > 4
        one.show("1ABC234" if whole else "ABC234" if step > 0 else "1ABC23", confidence=0.99, x=x)
    one.show("", frames=15)
    assert set(one.early) == {"1ABC234"}
    assert one.ended == [("1ABC234", Verdict.READ)]
    assert one.pipeline.counters.sightings == len(range(-40, 120, abs(step)))


def test_a_plate_at_the_upper_or_lower_edge_is_heard(street: Callable[..., Street]) -> None:
    one = street()
    one.see(("1ABC234", 0.99, corners(600, 60) - np.array([0, 42], np.float32)), frames=3)
    one.show("", frames=15)
    assert one.ended == [("1ABC234", Verdict.READ)]


def test_issuer_and_vehicle_are_asked_for_at_the_first_hit_and_at_the_end(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8)
    assert one.asked == [2]
    one.show("", frames=15)
    assert one.asked == [2, 3]
    assert set(one.issuers) == {Issuer("US-CA", 0.99)}
    assert one.appearances == [Appearance("van", (), "rear")]


def test_nobody_is_asked_who_issued_what_cannot_be_read(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8, confidence=0.1)
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.UNREADABLE)]
    assert one.asked == []


@pytest.mark.parametrize("logit", [-20.0, -4.2])
def test_what_is_likelier_lettering_is_neither_a_hit_nor_a_read_and_counted(
    street: Callable[..., Street], logit: float
) -> None:
    one = street()
    one.plate_logit = logit
    one.show("7ABC123", frames=8)
    one.show("", frames=15)
    assert one.early == []
    assert one.ended == [("7ABC123", Verdict.UNREADABLE)]
    assert (one.pipeline.counters.unreadable, one.pipeline.counters.reads) == (1, 0)
    assert one.appearances == [NOTHING], "nobody asked about a vehicle"


def test_what_looks_like_lettering_from_afar_may_be_a_plate_from_nearer(street: Callable[..., Street]) -> None:
    one = street()
    one.plate_logit = -20.0
    one.show("7ABC123", frames=4)
    one.plate_logit = 5.0
    one.show("7ABC123", frames=4)
    assert len(one.early) == 4
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_what_may_be_lettering_is_read_at_its_end_and_no_hit_before(street: Callable[..., Street]) -> None:
    one = street()
    one.plate_logit = -3.0
    one.show("7ABC123", frames=8)
    assert one.early == []
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_what_turns_out_to_be_lettering_after_it_was_said_is_retracted(street: Callable[..., Street]) -> None:
    one = street()
    one.plate_logit = 5.0
    one.show("7ABC123", frames=8)
    assert one.early
    one.plate_logit = -20.0
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.UNREADABLE)]


def test_the_same_vehicle_again_within_the_time_is_a_repeat(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8)
    one.show("", frames=12)
    one.early.clear()
    one.show("7ABC123", frames=5)
    one.show("", frames=15)
    assert one.early == []
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.REPEAT]


def test_the_same_vehicle_much_later_is_read_again(street: Callable[..., Street]) -> None:
    one = street()
    for _ in range(2):
        one.show("7ABC123", frames=8)
        one.show("", frames=40)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.READ]


def test_a_vehicle_that_stands_is_told_once_and_never_early_again(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=1)
    one.show("7ABC123", frames=20)
    one.early.clear()
    one.show("7ABC123", frames=80)
    one.show("", frames=15)
    assert one.early == []
    assert one.ended == [("7ABC123", Verdict.READ), ("7ABC123", Verdict.REPORTED)]


def test_read_of_a_clip_stays_as_it_was_told_though_its_vehicle_stands_on(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=1)

    def frames() -> Iterator[Frame]:
        for number in range(60):
            one.plates = [("7ABC123", 0.9, corners(50, 60 + max(0, number - 15)))]
            second = number / 10
            yield Frame(number, NOON + timedelta(seconds=second), second, GRAY, no_color)

    one.pipeline.recognizer.appearance = lambda _frame, _plate: Appearance()  # type: ignore[union-attr,method-assign]
    reads = reads_of(frames(), one.pipeline)
    read = next(reads)
    told = read.as_json()
    assert told["direction"] == "unknown"
    assert list(reads) == []
    assert read.as_json() == told


def test_a_vehicle_that_stands_and_is_hidden_now_and_then_is_a_repeat(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=1)
    for _ in range(3):
        one.show("7ABC123", frames=60)
        one.show("", frames=15)
    verdicts = [verdict for _, verdict in one.ended]
    assert verdicts == [
        Verdict.READ,
        Verdict.REPORTED,
        Verdict.REPEAT,
        Verdict.REPORTED,
        Verdict.REPEAT,
        Verdict.REPORTED,
    ]


def test_a_vehicle_that_traffic_hides_again_and_again_is_looked_up_once_in_another_list(
    street: Callable[..., Street],
) -> None:
    one = street()
    for number in range(6):
        one.show("7ABC123", frames=8)
        if number == 2:  # while it is before the camera
            one.pipeline.recheck_repeats()
        one.show("", frames=12)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ] + 5 * [Verdict.REPEAT]
    assert one.recheck == [False, False, True, False, False, False]
    one.show("", frames=40)
    one.pipeline.recheck_repeats()
    one.show("8XYZ999", frames=8)
    one.show("", frames=40)
    assert one.pipeline._looked_up_before == set()


def test_what_stood_when_the_list_came_was_looked_up_then(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=1)
    one.show("7ABC123", frames=60)
    one.pipeline.recheck_repeats()
    one.show("", frames=15)
    one.show("7ABC123", frames=8)
    one.show("", frames=15)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.REPORTED, Verdict.REPEAT, Verdict.REPORTED]
    assert not any(one.recheck)


def test_a_vehicle_that_stands_over_a_stop_of_the_camera_is_a_repeat(
    street: Callable[..., Street],
) -> None:
    one = street(longest_seconds=1)
    one.show("7ABC123", frames=60)
    assert [item.verdict for item in one.pipeline.finish()] == [Verdict.REPORTED]
    one.show("7ABC123", frames=8)
    one.show("", frames=15)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.REPEAT, Verdict.REPORTED]


def test_a_repeat_is_one_however_o_and_0_are_spelled(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7AB0128", frames=8)
    one.show("", frames=12)
    one.show("7ABO128", frames=8)
    one.show("", frames=15)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.REPEAT]


def test_a_vehicle_that_stops_for_minutes_and_drives_off_is_read_once(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=10)
    one.show("7ABC123", frames=300)  # three times as long
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ), ("7ABC123", Verdict.REPORTED)]
    assert one.pipeline.counters.reads == 1


def test_a_plate_that_is_hidden_for_half_a_second_is_read_once(street: Callable[..., Street]) -> None:
    one = street()
    for _ in range(3):
        one.show("7ABC123", frames=5)
        one.show("", frames=5)
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_a_queue_at_the_same_place_is_one_read_a_vehicle(street: Callable[..., Street]) -> None:
    """The next vehicle stands where the last one stood, a second and a half after it."""
    one = street()
    texts = ["7ABC123", "8XYZ987", "6KLM456", "5DEF321"]
    for text in texts:
        one.show(text, frames=80)
        one.show("", frames=15)
    assert one.ended == [(text, Verdict.READ) for text in texts]


def test_vehicles_that_follow_without_a_gap_are_told_apart_by_their_texts(street: Callable[..., Street]) -> None:
    one = street()
    for text in ("7ABC123", "8XYZ987", "6KLM456"):
        one.show(text, frames=20)
    one.show("", frames=15)
    assert sorted(text for text, _ in one.ended) == ["6KLM456", "7ABC123", "8XYZ987"]
    assert {verdict for _, verdict in one.ended} == {Verdict.READ}


@pytest.mark.parametrize("frames", [20, 10], ids=["as long", "half as long"])
def test_vehicles_that_follow_without_a_gap_may_have_plates_that_are_alike(
    street: Callable[..., Street], frames: int
) -> None:
    one = street()
    one.show("8ABC123", frames=20, confidence=0.97)
    one.show("8AXK723", frames=frames, confidence=0.97)
    one.show("", frames=15)
    assert one.ended == [("8ABC123", Verdict.READ), ("8AXK723", Verdict.READ)]


def test_a_follower_is_told_apart_from_a_vehicle_that_was_told(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=3)
    one.show("8ABC123", frames=50, confidence=0.97)
    one.show("8AXK723", frames=20, confidence=0.97)
    one.show("", frames=15)
    assert [item for item in one.ended if item[1] is not Verdict.REPORTED] == [
        ("8ABC123", Verdict.READ),
        ("8AXK723", Verdict.READ),
    ]


def test_nearer_looks_that_differ_in_two_places_are_of_the_same_plate(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7A8C128", frames=5, confidence=0.95, width=40)
    for step in range(20):
        one.show("7ABC123", confidence=0.99, width=48 + 4 * step)
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_misreads_among_the_looks_do_not_part_a_passage(street: Callable[..., Street]) -> None:
    one = street()
    for number in range(30):
        misread = number % 4 == 3
        one.show("7A8C1Z3" if misread else "7ABC123", frames=1, confidence=0.6 if misread else 0.95)
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ)]


@pytest.mark.parametrize(("text", "confidence"), [("7AB", 0.9), ("7ABC123", 0.2)], ids=["short", "blurred"])
def test_what_is_not_worth_telling_is_counted(street: Callable[..., Street], text: str, confidence: float) -> None:
    one = street()
    one.show(text, frames=8, confidence=confidence)
    one.show("", frames=15)
    assert one.early == []
    assert [verdict for _, verdict in one.ended] == [Verdict.UNREADABLE]
    assert one.pipeline.counters.unreadable == 1


def test_what_is_still_in_view_at_the_end_is_read_too(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8)
    assert [item.verdict for item in one.pipeline.finish()] == [Verdict.READ]


def test_gate_and_detector_look_at_the_picture_that_the_camera_has_shrunk() -> None:
    seen: list[object] = []
    networks: Any = SimpleNamespace(
        detector=SimpleNamespace(detect=lambda gray, small: seen.append((gray.shape, small.shape)) or [])
    )
    pipeline = Pipeline(networks)
    for number in range(40):
        # What moves is in the small picture only: no camera does that, but it tells which one is looked at.
        small = np.full((45, 80), 200 if number == 30 else 100, np.uint8)
        small[:20] = 100
        gray = np.full((90, 160), 100, np.uint8)
        pipeline.update(Frame(number, NOON, number / 10, gray, no_color, small))
    assert seen
    assert set(seen) == {((90, 160), (45, 80))}
    assert len(seen) > 6, "the first frames, and those of the motion"


def drives_up(street: Street, text: str) -> None:
    """Come from a plate of 40 pixels to one of 158, in six seconds, and leave the picture."""
    for step in range(60):
        street.show(text, confidence=0.99, width=40 + 2 * step)
    street.show("", frames=15)


@pytest.mark.parametrize("seconds", [1, 20, 50])
def test_near_looks_outvote_those_of_a_vehicle_that_waited_far_away(
    street: Callable[..., Street], seconds: int
) -> None:
    one = street()
    one.show("7ABC128", frames=10 * seconds, confidence=0.9, width=40)
    assert set(one.early) == {"7ABC128"}
    one.early.clear()
    drives_up(one, "7ABC123")
    assert one.early[-1] == "7ABC123"
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_a_small_plates_text_is_acted_on_where_it_is_surer_or_from_nearer(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=10, confidence=0.8, width=46)
    assert one.early == []
    one.show("7ABC123", confidence=0.8, width=50)
    assert one.early == ["7ABC123"]
    other = street()
    other.show("7ABC123", frames=2, confidence=0.95, width=40)
    assert other.early == ["7ABC123"]


@pytest.mark.parametrize("seconds", [65, 190])
def test_a_vehicle_that_waited_too_far_away_to_be_read_is_read_when_it_comes(
    street: Callable[..., Street], seconds: int
) -> None:
    one = street()
    one.show("7A8C1Z3", frames=10 * seconds, confidence=0.2, width=40)
    assert one.ended == []
    drives_up(one, "7ABC123")
    assert set(one.early) == {"7ABC123"}
    assert one.ended == [("7ABC123", Verdict.READ)]
    assert one.pipeline.counters.unreadable == 0


def test_what_was_told_of_a_vehicle_that_waits_is_retracted_and_told_anew(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC128", frames=650, confidence=0.75, width=40)
    assert one.ended == [("7ABC128", Verdict.READ)]
    one.early.clear()
    drives_up(one, "7ABC123")
    assert one.retracted == ["7ABC123"]
    assert set(one.early) == {"7ABC123"}
    assert one.ended == [("7ABC128", Verdict.READ), ("7ABC123", Verdict.READ)]


def test_what_was_said_early_is_retracted_when_nothing_is_borne_out_for_a_second(
    street: Callable[..., Street],
) -> None:
    one = street()
    one.show("7ABC128", frames=2, confidence=0.8)
    assert one.early == ["7ABC128"]
    for text in ("7ABC123", "7AXC129", "7ABE128", "1ABC123") * 5:
        one.show(text, confidence=0.8)
    assert one.retracted == [""]
    assert len(one.ended) == 0


def test_one_look_that_says_otherwise_takes_nothing_back(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=2, confidence=0.8)
    one.show("7ABC128", confidence=0.99, width=70)
    one.show("7ABC123", frames=8, confidence=0.9)
    one.show("", frames=15)
    assert one.retracted == []
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_a_vehicle_too_fast_to_be_followed_is_said_and_read_once(street: Callable[..., Street]) -> None:
    one = street()
    for step in range(3):
        one.show("7ABC123", confidence=0.99, x=50 + 600 * step)
    one.show("", frames=15)
    assert set(one.early) == {"7ABC123"}
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_a_plate_that_has_doubled_while_frames_were_dropped_is_the_same(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=4, confidence=0.99, width=45)
    one.show("", frames=6)
    one.show("7ABC123", frames=4, confidence=0.99, x=300, width=100)
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_a_passage_that_goes_astray_after_it_was_said_takes_nothing_with_it(street: Callable[..., Street]) -> None:
    """A fast vehicle's first look is sure; lettering where it was goes on with that; it is found again elsewhere."""
    one = street()
    one.see(("7ABC123", 0.99, corners(1000, 100)))
    for step in range(6):
        one.see(("GS", 0.05, corners(1000, 80)), ("7ABC123", 0.89, corners(600 - 20 * step, 70)))
    one.show("GS", frames=15, confidence=0.05, x=1000, width=80)
    one.show("", frames=15)
    assert set(one.early) == {"7ABC123"}
    assert len(one.early_numbers) == 1
    assert one.retracted == []
    assert [text for text, verdict in one.ended if verdict is Verdict.READ] == ["7ABC123"]
    assert [verdict for text, verdict in one.ended if text != "7ABC123"] == []


def test_what_was_said_early_is_the_read_and_what_ends_beside_it_the_repeat(street: Callable[..., Street]) -> None:
    one = street()
    one.see(("7ABC128", 0.3, corners(1000, 60)))
    one.see(("7ABC128", 0.3, corners(1000, 60)), ("7ABC123", 0.99, corners(50, 60)))
    one.see(("7ABC123", 0.68, corners(1000, 60)), ("7ABC123", 0.99, corners(50, 60)), frames=4)
    said, other = one.pipeline.finish()
    assert (said.verdict, said.passage.first.center[0]) == (Verdict.READ, 80)
    assert (other.verdict, other.passage.first.center[0]) == (Verdict.REPEAT, 1030)


def test_what_was_retracted_may_be_told_anew(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=10)
    one.show("7ABC123", frames=105, confidence=0.75, width=40)
    for step, text in enumerate(["7ABC128"] * 12 + ["7ABC123"] * 80):
        one.show(text, confidence=0.95 if text == "7ABC128" else 0.99, width=60 + 6 * step)
    one.show("", frames=15)
    assert one.retracted[0] == "7ABC128"
    assert one.early[-1] == "7ABC123"
    assert one.ended == [("7ABC123", Verdict.READ)] * 2


@pytest.mark.parametrize("confidence", [0.95, 0.1], ids=["parked", "a sign"])
def test_what_stands_in_view_keeps_no_plate_in_memory_that_passed_it(
    street: Callable[..., Street], confidence: float
) -> None:
    one = street(longest_seconds=3)
    standing = ("7PRK001", confidence, corners(10, 80))
    for number in range(60):
        one.see(standing, (f"{number + 1000}ABC", 0.95, corners(800, 80)), frames=2)
        one.see(standing, frames=15)
    assert one.pipeline.counters.reads >= 60
    assert len(one.pipeline._last_seen) < 8
