"""Two lanes in one picture: who drove in which, and that what is said does not go to and fro between them."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platepost.device.vision.geometry import plate_size
from platepost.technician.aim.advice import Road, judge
from platepost.technician.aim.lanes import MORE, Lanes
from platepost.technician.aim.measurement import Measurement
from platepost.technician.aim.tracks import MOST_SIGHTINGS, Tracks, VehicleTrack

FOOTAGE = Path(__file__).parents[3] / "simulator" / "footage"
SIZE = (1280, 720)
GOOD = Measurement(np.zeros((4, 2), np.float32), 0, 110, 180, 0.0, 0.8, 8, 10, 1)


def seen_of(clip: str) -> Iterator[tuple[float, list[Measurement]]]:
    """Yield for each frame its second and the plates wholly in view, from the truth of a rendered clip."""
    plates = json.loads((FOOTAGE / f"{clip}.frames.json").read_text())["plates"]
    truth = json.loads((FOOTAGE / f"{clip}.truth.json").read_text())
    names = {each.get("passing", index): each["text"] for index, each in enumerate(truth["passages"])}
    for number in range(truth["frames"]):
        found = []
        for plate in plates.get(str(number), ()):
            corners = np.array(plate["corners"], np.float32)
            if plate["visible"] > 0.95 and plate_size(corners)[0] > 40 and plate["passage"] in names:
                found.append(replace(GOOD, corners=corners, width=plate_size(corners)[0], text=names[plate["passage"]]))
        yield number / truth["fps"], found


def lanes_in_truth(clip: str) -> dict[str, int]:
    passages = json.loads((FOOTAGE / f"{clip}.truth.json").read_text())["passages"]
    return {each["text"]: each["lane"] for each in passages}


def test_vehicles_of_a_rendered_street_are_sorted_into_its_two_lanes() -> None:
    tracks, lanes = Tracks(), Lanes()
    for at, found in seen_of("street"):
        tracks.add(found, at=at)
        lanes.take(tracks.passed(at=at))
    driven = lanes_in_truth("street")
    named = lanes.named()
    assert list(named) == ["left lane", "right lane"]
    for lane, name in enumerate(named, start=1):
        texts = {track.best.text for track in named[name].tracks}
        assert len(texts) >= 7
        assert {driven[text] for text in texts} == {lane}


def test_on_two_lanes_what_to_turn_is_not_said_to_and_fro() -> None:
    """By the last vehicle, in whichever lane it drove, the advice changes sides again and again."""
    tracks, lanes = Tracks(), Lanes()
    last: list[str] = []
    rested: list[tuple[str | None, str]] = []
    for at, found in seen_of("street"):
        tracks.add(found, at=at)
        passed = tracks.passed(at=at)
        lanes.take(passed)
        name, lane = lanes.judged()
        for heard, seen in ((last, passed[-1:]), (rested, lane.tracks if lane else [])):
            said = " ".join(judge(seen, size=SIZE, road=Road(), infrared=False).advice)
            side = re.search(r"turn the camera (?:left|right)|at both edges", said)
            what = side[0] if side else ""
            if heard is rested and (not rested or rested[-1] != (name, what)):
                rested.append((name, what))
            elif heard is last and what and (not last or last[-1] != what):
                last.append(what)
    assert len(last) > 4, "the footage does not tempt"
    sides = {what for _, what in rested if what}
    assert len(sides) == 1, rested
    assert len([name for name, _ in rested if name is not None]) < 6, rested


def vehicle(x: float, *, at: float, widest: float = 140.0, text: str = "") -> VehicleTrack:
    """Make a vehicle that came down the picture, `x` plate widths right of where all ways meet."""
    track = VehicleTrack(at, at + 2)
    for width in np.linspace(widest / 3, widest, 12):
        middle = np.array([640 + x * width, -100 + 5 * width], np.float32)
        corners = middle + width * np.array([[-0.5, -0.25], [0.5, -0.25], [0.5, 0.25], [-0.5, 0.25]], np.float32)
        track.sightings.append(replace(GOOD, corners=corners.astype(np.float32), width=float(width), text=text))
    return track


def taken(*vehicles: VehicleTrack) -> Lanes:
    lanes = Lanes()
    for count in range(1, len(vehicles) + 1):
        lanes.take(list(vehicles[:count]))
        lanes.judged()
    return lanes


def test_vehicles_that_wander_are_of_one_lane_and_it_has_no_name() -> None:
    lanes = taken(*(vehicle(x, at=at) for at, x in enumerate((0.0, 1.6, -1.6, 0.5))))
    name, lane = lanes.judged()
    assert name is None
    assert lane is not None
    assert len(lane.tracks) == 4


def test_a_neighbor_whose_plates_leave_the_picture_small_is_another_lane() -> None:
    lanes = taken(*(vehicle(x, at=at, widest=w) for at, (x, w) in enumerate([(2, 140), (-8, 60), (2, 140), (-8, 60)])))
    assert list(lanes.named()) == ["left lane", "right lane"]


def test_it_rests_on_a_lane_until_another_is_clearly_busier() -> None:
    seen = [vehicle(0, at=0), vehicle(0, at=1), vehicle(10, at=2), vehicle(10, at=3)]
    lanes = taken(*seen)
    assert lanes.judged()[0] == "left lane"
    for count in range(3, 2 + MORE[0]):
        seen.append(vehicle(10, at=count + 1))
        lanes.take(seen)
        assert lanes.judged()[0] == "left lane", count
    seen.append(vehicle(10, at=9))
    lanes.take(seen)
    assert lanes.judged()[0] == "right lane"
    seen.append(vehicle(0, at=10))
    lanes.take(seen)
    assert lanes.judged()[0] == "right lane"


def test_the_chosen_lane_is_judged_and_stays_chosen_when_it_is_judged_anew() -> None:
    seen = [vehicle(x, at=at) for at, x in enumerate((0, 0, 0, 10, 10))]
    lanes = taken(*seen)
    assert lanes.judged()[0] == "left lane"
    lanes.chosen = "right lane"
    assert lanes.judged()[0] == "right lane"
    lanes.clear()
    assert lanes.judged() == (None, None)
    lanes.take(seen[:3])
    name, lane = lanes.judged()
    assert name is None
    assert lane is not None, "one lane only is judged whatever was chosen"
    lanes.take(seen)
    assert lanes.judged()[0] == "right lane"


def test_the_chosen_lane_is_judged_whatever_other_lanes_come_and_go() -> None:
    left, right = ([vehicle(x, at=at + x) for at in range(4)] for x in (0, 10))
    lanes = taken(*left, *right[:2])
    lanes.chosen = "right lane"
    assert lanes.judged()[1] is lanes.named()["right lane"]
    parked = [vehicle(25, at=at) for at in (30, 31)]
    lanes.take([*left, *right[:2], *parked])
    name, lane = lanes.judged()
    assert (name, lanes.chosen) == ("middle lane", "middle lane")
    assert lane is not None
    assert lane.tracks == right[:2]

    lanes.take(left)  # no one drove in it for two minutes
    name, lane = lanes.judged()
    assert name == "middle lane"
    assert lane is not None
    assert lane.tracks == [], "it is waited for"
    lanes.take([*left, right[2]])
    assert lanes.judged() == ("right lane", lane)
    assert lane.tracks == [right[2]]

    lanes.take(left)
    lanes.chosen = None
    assert lanes.judged() == (None, lanes.named()["lane"])


def test_of_lanes_that_are_seen_anew_the_chosen_one_is_told_when_all_are_seen() -> None:
    lefts, middles, rights = ([vehicle(x, at=at + x) for at in range(2)] for x in (0, 10, 20))
    lanes = taken(*lefts, *middles, *rights)
    lanes.chosen = "right lane"
    lanes.judged()
    lanes.clear()
    lanes.take([*lefts, *middles])
    lanes.judged()
    lanes.take([*lefts, *middles, *rights])
    name, lane = lanes.judged()
    assert name == "right lane"
    assert lane is not None
    assert lane.tracks == rights


def test_a_vehicle_alone_is_a_lane_until_others_come_in_twos() -> None:
    seen = [vehicle(0, at=0), vehicle(10, at=1)]
    lanes = taken(*seen)
    assert len(lanes.named()) == 2
    lanes.take([*seen, vehicle(10, at=2)])
    assert list(lanes.named()) == ["lane"]
    assert lanes.judged()[1] is next(iter(lanes.named().values()))


def test_what_is_no_longer_remembered_is_of_no_lane() -> None:
    seen = [vehicle(0, at=0), vehicle(0, at=1), vehicle(10, at=2), vehicle(10, at=3)]
    lanes = taken(*seen)
    lanes.take(seen[2:])
    name, lane = lanes.judged()
    assert name is None
    assert lane is not None
    assert lane.tracks == seen[2:]
    lanes.take([])
    assert lanes.judged() == (None, None)


def test_a_plate_that_stands_in_view_is_remembered_by_some_of_its_sightings() -> None:
    """A parked car, for an hour: every frame looks at all that is remembered."""
    tracks = Tracks()
    corners = np.array([[600, 400], [740, 400], [740, 470], [600, 470]], np.float32)
    for number in range(20_000):
        tracks.add([replace(GOOD, corners=corners, width=140, text=str(number))], at=number / 5)
    (track,) = tracks.passed(at=4000)
    assert len(track.sightings) <= MOST_SIGHTINGS
    assert (track.sightings[-1].text, track.best.width, track.began) == ("19999", 140, 0)
    assert int(track.sightings[0].text) < 19_900


@pytest.mark.parametrize("count", [3, 4])
def test_more_lanes_have_names_too(count: int) -> None:
    lanes = taken(*(vehicle(10 * lane, at=lane + again) for again in (0, 0.1) for lane in range(count)))
    names = list(lanes.named())
    assert len(names) == count
    assert names[0] == ("left lane" if count == 3 else "lane 1 from the left")
