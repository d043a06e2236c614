from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.device.vision.detector import Detector
from platepost.device.vision.geometry import bounding_box, intersection_over_union
from platepost.device.vision.interpreter import Network
from platepost.models.plates import PlateImage, render_plate
from platepost.models.scenes.paste import Pose, paste, project_corners
from tests.models.detector.golden import NEAR, SHIPPED

PROMISED = 0.4
"""Score from which the model card promises few extra plates; below it bare rectangles such as the lamps here pass."""


TRIES = 100
"""So many that a rate of 0.9 is told from one of 0.95 by more than chance."""


@cache
def _still_road() -> NDArray[np.float32]:
    picture = np.full((720, 1280, 3), (150, 150, 145), np.uint8)
    picture[220:] = (95, 97, 98)
    cv2.rectangle(picture, (430, 180), (850, 560), (60, 52, 48), -1)
    cv2.rectangle(picture, (470, 200), (810, 320), (30, 28, 26), -1)
    cv2.rectangle(picture, (440, 370), (500, 410), (40, 40, 130), -1)
    cv2.rectangle(picture, (780, 370), (840, 410), (40, 40, 130), -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.2).astype(np.float32)


@cache
def roads() -> tuple[NDArray[np.uint8], ...]:
    """Frames of 1280 x 720 with noise of their own: sky, road, and the back of a dark vehicle with two lamps."""
    still, rng = _still_road(), np.random.default_rng(1)
    noises = (4 * rng.standard_normal(still.shape[:2], np.float32)[..., None] for _ in range(TRIES // 5))
    return tuple(np.clip(still + noise, 0, 255).astype(np.uint8) for noise in noises)


@cache
def plates() -> tuple[PlateImage, ...]:
    rng = np.random.default_rng(2)
    return tuple(render_plate(rng, height=96) for _ in range(TRIES))


def test_shipped_detector_keeps_the_contract() -> None:
    model = Network(SHIPPED, reference=True)
    assert model.input.shape == (1, 368, 640, 1)
    assert model.input.scale == pytest.approx(1 / 255)
    assert model.input.zero_point == -128
    assert sorted(output.shape for output in model.outputs) == [(1, 46, 80, 1), (1, 46, 80, 8)]
    score = min(model.outputs, key=lambda output: output.shape[3])
    assert (score.scale, score.zero_point) == (1 / 256, -128)
    assert SHIPPED.stat().st_size <= 800_000


def test_the_detector_for_second_looks_is_the_same_for_a_smaller_input() -> None:
    pytest.importorskip("tensorflow", reason="the training extra is missing: make .venv/.training")
    from platepost.models.detector.convert import near  # noqa: PLC0415

    assert near(SHIPPED.read_bytes()) == NEAR.read_bytes()
    whole, part = Network(SHIPPED, reference=True), Network(NEAR, reference=True)
    assert part.input.shape == (1, 208, 224, 1)
    assert [(o.shape[1:3], o.scale) for o in part.outputs] == [((26, 28), o.scale) for o in whole.outputs]


def test_the_detector_for_second_looks_takes_the_same_steps_with_the_same_weights() -> None:
    """So what is shown of one, as on an emulated processor, is shown of both."""
    whole, near = (Network(file, reference=True)._interpreter for file in (SHIPPED, NEAR))
    steps, those_of_near = (
        [(step["op_name"], *(step[side].tolist() for side in ("inputs", "outputs"))) for step in net._get_ops_details()]
        for net in (whole, near)
    )
    assert those_of_near == steps
    computed = {whole.get_input_details()[0]["index"], *(index for *_, made in steps for index in made)}
    differ = []
    for one, other in zip(whole.get_tensor_details(), near.get_tensor_details(), strict=True):
        scales = [tensor["quantization_parameters"]["scales"] for tensor in (one, other)]
        values = [] if one["index"] in computed else [net.get_tensor(one["index"]) for net in (whole, near)]
        if one["dtype"] != other["dtype"] or not (np.array_equal(*scales) and (not values or np.array_equal(*values))):
            differ.append(one["name"].rpartition("/")[2])
    assert differ == ["size", "size"], "only to what size a picture grows on its way back up"


@pytest.mark.parametrize(
    ("width", "least_found", "least_overlap"), [(44, 0.9, 0.65), (70, 0.95, 0.75), (140, 0.95, 0.8)]
)
def test_shipped_detector_finds_pasted_plates(width: int, least_found: float, least_overlap: float) -> None:
    detector, rng = Detector(SHIPPED, minimum_score=PROMISED), np.random.default_rng(width)
    overlaps, extra = [], 0
    for plate in plates():
        picture = roads()[rng.integers(len(roads()))].copy()
        pose = Pose(yaw=float(rng.normal(0, 0.2)), pitch=float(rng.normal(0.1, 0.1)), roll=float(rng.normal(0, 0.05)))
        place = (float(rng.uniform(590, 690)), float(rng.uniform(420, 470)))
        aspect = plate.image.shape[1] / plate.image.shape[0]
        corners = project_corners(width=width, aspect=aspect, centre=place, pose=pose)
        paste(picture, np.dstack([plate.image, plate.mask]), corners, blur=0.6)
        found = detector.detect(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        best = max((intersection_over_union(plate.box, bounding_box(corners)) for plate in found), default=0.0)
        overlaps.append(best)
        extra += len(found) - (best >= 0.5)
    assert np.mean(np.array(overlaps) >= 0.5) >= least_found
    assert np.median(overlaps) >= least_overlap
    assert extra / TRIES <= 0.2


def test_shipped_detector_finds_nothing_on_an_empty_road() -> None:
    detector = Detector(SHIPPED)
    for level in (0, 114, 255):
        assert detector.detect(np.full((720, 1280), level, np.uint8)) == []
