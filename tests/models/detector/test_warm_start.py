"""A net that begins with the shipped file's weights finds what the file finds."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

import torch

from platepost.device.vision.detector import Detector
from platepost.device.vision.modelfiles import shipped
from platepost.models.detector.decode import find_plates, fit_frame
from platepost.models.detector.net import new_detector
from platepost.models.detector.warm_start import warm_start
from platepost.models.plates import render_plate
from platepost.models.scenes.paste import Pose, paste, project_corners
from platepost.models.warm_start import Convolution, averaged


def street() -> np.ndarray:
    """Draw a dark frame with two plates, BGR."""
    rng = np.random.default_rng(5)
    frame = np.full((368, 640, 3), 70, np.uint8)
    for centre in ((180.0, 200.0), (430.0, 150.0)):
        plate = render_plate(rng, height=96)
        aspect = plate.image.shape[1] / plate.image.shape[0]
        paste(frame, plate.image, project_corners(width=90, aspect=aspect, centre=centre, pose=Pose(yaw=0.2)))
    return frame


def test_the_net_finds_what_the_file_finds_before_its_first_step() -> None:
    frame, scale = fit_frame(street())
    assert scale == 1
    net = new_detector(seed=1)
    pictures = torch.from_numpy(frame)[None, None].float() / 255
    warm_start(net, shipped("detector.tflite"), pictures.repeat(2, 1, 1, 1))
    net.eval()
    with torch.inference_mode():
        logits, corners = net(pictures)
    found = find_plates(torch.sigmoid(logits)[0, 0].numpy(), corners[0].permute(1, 2, 0).contiguous().numpy())
    theirs = Detector(shipped("detector.tflite")).find(frame)
    assert len(theirs) == 2
    for one in theirs:
        nearest = min(found, key=lambda other: float(np.abs(other.corners - one.corners).max()))
        assert np.abs(nearest.corners - one.corners).max() < 3
        assert abs(nearest.score - one.score) < 0.1


def test_a_file_of_another_net_is_refused() -> None:
    with pytest.raises(ValueError, match=r"reader\.tflite is no detector"):
        warm_start(new_detector(seed=1), shipped("reader.tflite"), torch.zeros(2, 1, 368, 640))


def convolution(value: float, *, name: str = "stem", outputs: int = 2) -> Convolution:
    return Convolution(name, np.full((outputs, 1, 3, 3), value, np.float32), np.full(outputs, -value, np.float32))


def test_the_mean_of_nets_is_that_of_each_weight() -> None:
    (one,) = averaged([[convolution(1.0)], [convolution(4.0)], [convolution(4.0)]])
    assert one.name == "stem"
    assert one.kernel.dtype == np.float32
    assert (one.kernel == 3).all()
    assert (one.bias == -3).all()


@pytest.mark.parametrize("other", [convolution(1.0, name="head"), convolution(1.0, outputs=3)])
def test_nets_of_other_shapes_have_no_mean(other: Convolution) -> None:
    with pytest.raises(ValueError, match="of one shape"):
        averaged([[convolution(1.0)], [other]])


def test_a_detector_and_itself_average_to_itself() -> None:
    pictures = torch.from_numpy(fit_frame(street())[0])[None, None].float().repeat(2, 1, 1, 1) / 255
    nets = [new_detector(seed=1) for _ in range(2)]
    file = shipped("detector.tflite")
    warm_start(nets[0], file, pictures)
    warm_start(nets[1], [file, file], pictures)
    for one, other in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(one, other)
