"""What the report keeps of the alarm, and what is no outage."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from platepost.device.vision.pictures import Jpeg, overview, patch
from platepost.technician.accept import service
from platepost.technician.accept.result import Result
from platepost.technician.accept.service import AcceptanceCriteria, AtWork, _pictures, captured_since
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.records import TYPES, Picture, Read


def hit(match: str, *pictures: tuple[str, Jpeg]) -> bytes:
    carried = [
        Picture.of(kind, jpeg.content, width=jpeg.width, height=jpeg.height).model_dump(mode="json")  # type: ignore[arg-type]
        for kind, jpeg in pictures
    ]
    return json.dumps({"data": {"match": match, "pictures": carried}}).encode()


def test_a_hit_that_the_post_made_up_is_not_the_test_plate() -> None:
    seen = example_records(ExampleSigner())["hit"].event
    began = datetime.fromisoformat(seen["data"]["captured"])
    made_up = seen | {"data": seen["data"] | {"synthetic": True}}
    assert captured_since(json.dumps(seen).encode(), began)
    assert not captured_since(json.dumps(seen).encode(), began + timedelta(seconds=1))
    assert not captured_since(json.dumps(made_up).encode(), began)


@pytest.mark.parametrize(("match", "kept"), [("exact", 1), ("look_alike", 1), ("near", 0), ("partial", 0)])
def test_nothing_is_kept_of_the_alarm_but_the_test_plate_itself(match: str, kept: int) -> None:
    frame = np.full((720, 1280, 3), 40, np.uint8)
    corners = np.array([[600, 400], [700, 400], [700, 450], [600, 450]], np.float32)
    cv2.fillPoly(frame, [corners.astype(np.int32)], (200, 200, 200))
    cv2.rectangle(frame, (850, 400), (950, 450), (0, 0, 255), -1)  # the next lane's, within the overview
    cut = patch(frame, corners)
    found = _pictures(hit(match, ("patch", cut), ("overview", overview(frame, corners))))
    assert [(picture.caption, base64.b64decode(picture.jpeg)) for picture in found] == [
        ("The test plate.", cut.content)
    ] * kept


def test_post_that_has_stopped_is_not_without_fault() -> None:
    work = object.__new__(AtWork)
    for state, faults in (("online", set()), ("offline", {"the post has stopped"})):
        said = SimpleNamespace(data={"state": state, "reasons": [{"name": "not_accepted"}]})
        work.witness = SimpleNamespace(recorded=lambda _kind, said=said: [said])  # type: ignore[assignment]
        assert work._faults() == faults


class Line:
    """Stands in for a running post and its outbox: a connection that is there or not, a vehicle every half second.

    Its time goes by only while someone waits.
    """

    def __init__(self, *away: tuple[float, float]) -> None:
        self.now = 0.0
        self._away = away

    @property
    def connected(self) -> bool:
        return not any(first <= self.now < last for first, last in self._away)

    def connect_now(self) -> None:
        pass

    def recorded(self, kind: str, *, after: float) -> list[object]:
        return [object()] if kind == TYPES[Read] and self.now > after + 0.5 else []

    def outstanding(self, *, until: float) -> list[int]:
        return []

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = self.now + seconds
        while not condition() and self.now < end:
            self.now += 0.01
        return condition()


def outage(*away: tuple[float, float], patience: float = 3.0) -> tuple[Result, list[str]]:
    line, said = Line(*away), list[str]()
    work = object.__new__(AtWork)
    work._limits = AcceptanceCriteria(outage_seconds=1, patience_seconds=patience)
    work._dialogue = SimpleNamespace(say=said.append, progress=lambda _: None)  # type: ignore[assignment]
    work._thread = SimpleNamespace(is_alive=lambda: True)  # type: ignore[assignment]
    work.post = work.witness = line  # type: ignore[assignment]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "monotonic", lambda: line.now)
        (result,) = work.outage()
    return result, said


def test_a_connection_that_comes_back_before_it_is_told_to_is_no_outage() -> None:
    found, said = outage((0.1, 0.4), patience=1.0)
    assert not found.good
    assert found.said == "the post did not stay without network"
    assert any("leave it unplugged" in line for line in said)
    found, said = outage((0.1, 0.4), (0.7, 2.5))
    assert found.good
    assert len([line for line in said if line.startswith("It is away")]) == 2
