import numpy as np
import pytest

from platepost.simulator.scene.description import Clip, Passing, Scene
from platepost.simulator.scene.truth import GroundTruth, VisiblePlate


def _sight(passage: int, *, left: float, wide: float, visible: float = 1.0) -> VisiblePlate:
    corners = np.array([[left, 300], [left + wide, 300], [left + wide, 300 + wide / 2], [left, 300 + wide / 2]])
    return VisiblePlate(passage, corners, visible)


@pytest.fixture
def truth() -> GroundTruth:
    passing = (Passing(text="7ABC123", at=1, mph=30), Passing(text="6XYZ789", at=2, mph=30, lane=2))
    return GroundTruth(Scene(clip=Clip(seed=1, seconds=1), passing=passing), "clip.mp4")


def test_a_passage_lasts_while_its_whole_plate_is_in_view_at_a_trackable_size(truth: GroundTruth) -> None:
    truth.add([_sight(1, left=600, wide=30)])  # too small
    truth.add([_sight(1, left=600, wide=42)])
    truth.add([])
    truth.add([_sight(1, left=700, wide=90), _sight(0, left=650, wide=80, visible=0.4)])  # 0 is hidden
    truth.add([_sight(1, left=1200, wide=110)])  # over the frame's edge

    head, frames = truth.documents()

    assert head["frames"] == 5
    (passage,) = head["passages"]
    assert (passage["text"], passage["frames"], passage["widest"]) == ("6XYZ789", [1, 3], 90.0)
    assert {number: [sight["passage"] for sight in sights] for number, sights in frames["plates"].items()} == {
        "0": [0], "1": [0], "3": [0], "4": [0],
    }  # fmt: skip


def test_width_is_the_mean_of_the_upper_and_lower_edge() -> None:
    corners = np.array([[0, 0], [100, 0], [110, 50], [0, 50]], np.float64)

    assert VisiblePlate(0, corners, 1.0).width == pytest.approx(105)
