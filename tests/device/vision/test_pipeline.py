"""The pipeline with networks that see what the test says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from device.camera.base import Frame
from device.vision.detector import Detection
from device.vision.motion import MotionGate
from device.vision.passages import PassageRules
from device.vision.pipeline import Limits, Pipeline, Verdict
from device.vision.reader import Reading
from device.vision.region import Issuer

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CORNERS = np.array([[50, 40], [110, 40], [110, 70], [50, 70]], np.float32)


def no_colour() -> np.ndarray:
    return np.zeros((90, 160, 3), np.uint8)


class Street:
    """Frames at 10 a second, and what there is to read in each."""

    def __init__(self, reading: Callable[..., Reading], **rules: float) -> None:
        self.text = ""
        self.confidence = 0.9
        self._number = 0
        self.asked: list[int] = []
        """How many looks were shown each time that the issuer was asked for."""
        networks: Any = SimpleNamespace(
            detector=SimpleNamespace(detect=lambda _grey, _small: [Detection(0.9, CORNERS)] if self.text else []),
            reader=SimpleNamespace(read_rectified=lambda _plate: reading(self.text, self.confidence)),
            issuer=self._issuer,
        )
        self.pipeline = Pipeline(
            networks,
            rules=PassageRules(**rules),  # type: ignore[arg-type]
            limits=Limits(repeat_seconds=2),
            motion=MotionGate(least_area=0),
        )
        self.early: list[str] = []
        self.issuers: list[Issuer | None] = []
        self.ended: list[tuple[str, Verdict]] = []

    def _issuer(self, plates: tuple[np.ndarray, ...]) -> Issuer:
        assert all(plate.shape == (64, 160) for plate in plates)
        self.asked.append(len(plates))
        return Issuer("US-CA", 0.99)

    def show(self, text: str, *, frames: int, confidence: float = 0.9) -> None:
        self.text, self.confidence = text, confidence
        for _ in range(frames):
            second = self._number / 10
            grey = np.full((90, 160), 100, np.uint8)
            captured = NOON + timedelta(seconds=second)
            look = self.pipeline.look(
                Frame(self._number, captured, second, grey, lambda: np.zeros((90, 160, 3), np.uint8))
            )
            self._number += 1
            self.issuers += [passage.issuer for passage in look.early]
            self.issuers += [item.passage.issuer for item in look.ended]
            self.early += [passage.consensus.text for passage in look.early]
            self.ended += [(item.passage.consensus.text, item.verdict) for item in look.ended]


@pytest.fixture
def street(reading: Callable[..., Reading]) -> Callable[..., Street]:
    return lambda **rules: Street(reading, **rules)


def test_a_passage_is_told_early_and_read_once(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8)
    one.show("", frames=15)
    assert set(one.early) == {"7ABC123"}
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_the_issuer_is_asked_for_at_the_first_hit_and_at_the_end(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8)
    assert one.asked == [2]
    one.show("", frames=15)
    assert one.asked == [2, 3]
    assert set(one.issuers) == {Issuer("US-CA", 0.99)}


def test_nobody_is_asked_who_issued_what_cannot_be_read(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=8, confidence=0.1)
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.UNREADABLE)]
    assert one.asked == []


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
    assert one.ended == [("7ABC123", Verdict.READ)]


def test_a_vehicle_that_stands_and_is_hidden_now_and_then_is_a_repeat(street: Callable[..., Street]) -> None:
    one = street(longest_seconds=1)
    for _ in range(3):
        one.show("7ABC123", frames=60)
        one.show("", frames=15)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.REPEAT, Verdict.REPEAT]


def test_a_vehicle_that_stands_over_a_stop_of_the_camera_is_a_repeat(
    street: Callable[..., Street],
) -> None:
    one = street(longest_seconds=1)
    one.show("7ABC123", frames=60)
    assert one.pipeline.finish() == ()
    one.show("7ABC123", frames=8)
    one.show("", frames=15)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.REPEAT]


def test_a_repeat_is_one_however_o_and_0_are_spelled(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7AB0128", frames=8)
    one.show("", frames=12)
    one.show("7ABO128", frames=8)
    one.show("", frames=15)
    assert [verdict for _, verdict in one.ended] == [Verdict.READ, Verdict.REPEAT]


def test_a_vehicle_that_stops_for_minutes_and_drives_off_is_read_once(street: Callable[..., Street]) -> None:
    one = street()
    one.show("7ABC123", frames=1800)  # three minutes
    one.show("", frames=15)
    assert one.ended == [("7ABC123", Verdict.READ)]
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
        detector=SimpleNamespace(detect=lambda grey, small: seen.append((grey.shape, small.shape)) or [])
    )
    pipeline = Pipeline(networks, motion=MotionGate(hold_seconds=0.5))
    for number in range(40):
        # What moves is in the small picture only: no camera does that, but it tells which one is looked at.
        small = np.full((45, 80), 200 if number == 30 else 100, np.uint8)
        small[:20] = 100
        grey = np.full((90, 160), 100, np.uint8)
        pipeline.look(Frame(number, NOON, number / 10, grey, no_colour, small))
    assert seen
    assert set(seen) == {((90, 160), (45, 80))}
    assert len(seen) > 6, "the first frames, and those of the motion"
