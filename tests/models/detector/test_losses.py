import numpy as np
import pytest

from platepost.models.detector.targets import Planes, pack_targets
from platepost.models.detector.windows import LabelledPlate, TrainingWindow

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from platepost.models.detector.losses import box_sides, corner_losses, detector_losses, heat_loss

BOX = np.array([[90, 60], [150, 60], [150, 90], [90, 90]], np.float32)
TILTED = np.array([[90, 62], [148, 60], [150, 88], [92, 90]], np.float32)


def packed(corners: np.ndarray, *, boxed: bool) -> "torch.Tensor":
    window = TrainingWindow(np.zeros((240, 384), np.uint8), (LabelledPlate(corners, boxed=boxed),))
    return torch.from_numpy(pack_targets(window))[None]


def test_corner_loss_is_zero_for_the_right_corners() -> None:
    target = packed(TILTED, boxed=False)
    corners, shape = corner_losses(target[:, Planes.corners :], target)
    assert corners.item() == pytest.approx(0, abs=1e-6)
    assert shape.item() == 0


def test_box_loss_is_zero_for_any_quadrangle_that_fills_the_box() -> None:
    boxed, tilted = packed(BOX, boxed=True), packed(TILTED, boxed=False)
    # Both have the same middle and bounding box, thus the same cells.
    corners, _ = corner_losses(tilted[:, Planes.corners :], boxed)
    assert corners.item() == pytest.approx(0, abs=1e-6)
    strict, _ = corner_losses(tilted[:, Planes.corners :], packed(BOX, boxed=False))
    assert strict.item() > 1e-3


def test_box_loss_grows_when_the_box_is_missed() -> None:
    target = packed(BOX, boxed=True)
    corners, _ = corner_losses(target[:, Planes.corners :] * 1.1, target)
    assert corners.item() > 1e-3


def test_shape_loss_refuses_what_is_no_parallelogram() -> None:
    target = packed(BOX, boxed=True)
    twisted = target[:, Planes.corners :].clone()
    twisted[:, 0] += 0.3
    _, right = corner_losses(target[:, Planes.corners :], target)
    _, wrong = corner_losses(twisted, target)
    assert right.item() == pytest.approx(0, abs=1e-5)
    assert wrong.item() > 0.01


def test_box_sides_are_the_extremes() -> None:
    encoded = torch.tensor([[-3.0, -1, 2, -2, 3, 1, -2, 2]])[:, :, None, None]
    assert box_sides(encoded)[0, :, 0, 0].tolist() == [-3, -2, 3, 2]


def test_heat_loss_prefers_the_plate_in_its_place_and_leaves_the_unknown_alone() -> None:
    target = packed(BOX, boxed=True)
    heat, known = target[:, Planes.heat], target[:, Planes.known].clone()
    right = torch.logit(heat.clamp(1e-4, 1 - 1e-4))
    assert heat_loss(right, heat, known).item() < heat_loss(right.roll(8, dims=2), heat, known).item() / 10
    disturbed = right.clone()
    disturbed[:, 25:, 40:] = 6.0
    alarmed = heat_loss(disturbed, heat, known).item()
    known[:, 25:, 40:] = 0
    assert heat_loss(disturbed, heat, known).item() < alarmed / 10


def test_losses_give_gradients_to_both_outputs() -> None:
    target = packed(TILTED, boxed=False)
    logits = torch.zeros(1, 1, 30, 48, requires_grad=True)
    corners = torch.zeros(1, 8, 30, 48, requires_grad=True)
    detector_losses(logits, corners, target).total.backward()
    assert logits.grad is not None
    assert corners.grad is not None
    assert logits.grad.abs().sum() > 0
    assert corners.grad.abs().sum() > 0
