import importlib.util
import json

import cv2
import numpy as np
import pytest

from platepost.device.vision.geometry import upright
from platepost.device.vision.interpreter import RUNTIMES, Network
from platepost.device.vision.vehicle import ANSWERS, VehicleNet
from tests.models.asked import ASKED
from tests.models.vehicle.golden import GOLDEN, SHIPPED, answers


def test_shipped_net_keeps_the_contract() -> None:
    model = Network(SHIPPED, reference=True)
    assert model.input.shape == (1, 64, 80, 3)
    assert model.input.scale == pytest.approx(1 / 255)
    assert model.input.zero_point == -128
    assert [output.shape for output in model.outputs] == [(1, sum(ANSWERS))]
    assert SHIPPED.stat().st_size <= 300_000


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_shipped_net_is_bit_identical_to_the_golden_output(runtime: str) -> None:
    if importlib.util.find_spec(runtime.partition(".")[0]) is None:
        pytest.skip(f"{runtime} is missing: make test-arm")
    model, golden = Network(SHIPPED, runtime=runtime, reference=True), json.loads(GOLDEN.read_text())
    assert golden["digest"] == model.digest, "another vehicle.tflite: run golden.py"
    for _ in range(ASKED):
        assert answers(model) == golden["logits"]


def test_noise_and_darkness_are_given_no_color() -> None:
    net = VehicleNet(SHIPPED)
    plate = upright(np.array([[300, 250], [360, 280]], np.float32))
    dark = np.random.default_rng(1).integers(0, 18, (360, 640, 3), np.uint8)
    assert net.observe(cv2.GaussianBlur(dark, (0, 0), 2).astype(np.uint8), plate).colors == ()
    assert net.observe(np.zeros((360, 640, 3), np.uint8), plate).colors == ()
