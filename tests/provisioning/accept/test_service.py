"""What the report keeps of the alarm."""

import base64
import json

import cv2
import numpy as np
import pytest

from device.records import Picture
from device.vision.pictures import Jpeg, overview, patch
from provisioning.accept.service import _pictures


def hit(match: str, *pictures: tuple[str, Jpeg]) -> bytes:
    carried = [
        Picture.of(kind, jpeg.content, width=jpeg.width, height=jpeg.height).model_dump(mode="json")  # type: ignore[arg-type]
        for kind, jpeg in pictures
    ]
    return json.dumps({"data": {"match": match, "pictures": carried}}).encode()


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
