import cv2
import numpy as np
import pytest

from platepost.device.vision.geometry import upright
from platepost.device.vision.interpreter import Network
from platepost.device.vision.vehicle import ANSWERS, VehicleNet
from tests.models.vehicle.golden import SHIPPED


def test_shipped_net_keeps_the_contract() -> None:
    model = Network(SHIPPED, reference=True)
    assert model.input.shape == (1, 64, 80, 3)
    assert model.input.scale == pytest.approx(1 / 255)
    assert model.input.zero_point == -128
    assert [output.shape for output in model.outputs] == [(1, sum(ANSWERS))]
    assert SHIPPED.stat().st_size <= 300_000


def test_noise_and_darkness_are_given_no_color() -> None:
    net = VehicleNet(SHIPPED)
    plate = upright(np.array([[300, 250], [360, 280]], np.float32))
    dark = np.random.default_rng(1).integers(0, 18, (360, 640, 3), np.uint8)
    assert net.observe(cv2.GaussianBlur(dark, (0, 0), 2).astype(np.uint8), plate).colors == ()
    assert net.observe(np.zeros((360, 640, 3), np.uint8), plate).colors == ()
