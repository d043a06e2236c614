import numpy as np

from platepost.models.detector.geometry import cell_centres, decode_corners
from platepost.models.detector.targets import PLANES, Planes, pack_targets
from platepost.models.detector.windows import LabelledPlate, TrainingWindow

QUAD = np.array([[90, 60], [150, 64], [150, 94], [90, 90]], np.float32)


def window(*targets: LabelledPlate, ignored: tuple[tuple[float, ...], ...] = ()) -> TrainingWindow:
    boxes = np.array(ignored, np.float32).reshape(-1, 4)
    return TrainingWindow(np.zeros((240, 384), np.uint8), targets, boxes)


def test_heat_is_one_in_the_cell_of_the_plates_middle_only() -> None:
    planes = pack_targets(window(LabelledPlate(QUAD, boxed=False)))
    assert planes.shape == (PLANES, 30, 48)
    peaks = np.argwhere(planes[Planes.heat] == 1)
    # The middle is (120, 77): on the edge of columns 14 and 15, in row 9.
    assert peaks.tolist() in ([[9, 14]], [[9, 15]])


def test_heat_is_wider_along_the_plate_than_across() -> None:
    heat = pack_targets(window(LabelledPlate(QUAD, boxed=False)))[Planes.heat]
    assert (heat[9] > 0.2).sum() > (heat[:, 14] > 0.2).sum()
    assert heat[9, 30] < 1e-3


def test_every_cell_that_learns_corners_holds_the_plates_corners() -> None:
    planes = pack_targets(window(LabelledPlate(QUAD, boxed=False)))
    cells = planes[Planes.weight] > 0
    assert 3 <= cells.sum() <= 20
    centres = cell_centres(30, 48)[cells]
    assert np.allclose(decode_corners(planes[Planes.corners :, cells].T, centres), QUAD, atol=1e-2)


def test_boxed_plates_are_marked() -> None:
    far = QUAD + np.array([150, 100], np.float32)
    planes = pack_targets(window(LabelledPlate(QUAD, boxed=False), LabelledPlate(far, boxed=True)))
    assert planes[Planes.boxed][9, 14] == 0
    assert planes[Planes.boxed][22, 33] == 1


def test_ignored_places_are_unknown_unless_a_plate_is_there() -> None:
    planes = pack_targets(window(LabelledPlate(QUAD, boxed=False), ignored=((100, 60, 140, 90), (300, 100, 340, 120))))
    assert planes[Planes.known][13, 40] == 0
    assert planes[Planes.known][9, 14] == 1
    assert planes[Planes.known][28, 5] == 1


def test_no_plate_no_heat() -> None:
    planes = pack_targets(window())
    assert planes[Planes.heat].max() == 0
    assert planes[Planes.weight].max() == 0
    assert planes[Planes.known].min() == 1
