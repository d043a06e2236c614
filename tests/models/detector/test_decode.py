import numpy as np

from platepost.device.vision.detector import HEIGHT, PADDING, WIDTH, Detection
from platepost.models.detector.decode import DetectionCounts, find_plates, fit_frame
from platepost.models.detector.targets import Planes, pack_targets
from platepost.models.detector.windows import LabelledPlate, TrainingWindow

QUAD = np.array([[100, 60], [160, 64], [160, 94], [100, 90]], np.float32)


def test_frame_is_halved_into_the_upper_left() -> None:
    frame, scale = fit_frame(np.full((720, 1280, 3), 200, np.uint8))
    assert frame.shape == (HEIGHT, WIDTH)
    assert scale == 0.5
    assert (frame[:360] == 200).all()
    assert (frame[360:] == PADDING).all()


def test_perfect_outputs_give_the_plates_back() -> None:
    far = QUAD + np.array([150, 80], np.float32)
    targets = (LabelledPlate(QUAD, boxed=False), LabelledPlate(far, boxed=False))
    planes = pack_targets(TrainingWindow(np.zeros((240, 384), np.uint8), targets))
    found = find_plates(planes[Planes.heat], np.moveaxis(planes[Planes.corners :], 0, -1))
    assert len(found) == 2
    for target in targets:
        assert min(np.abs(plate.corners - target.corners).max() for plate in found) < 0.05


def test_found_twice_is_told_once() -> None:
    score = np.zeros((30, 48), np.float32)
    score[9, 14], score[9, 17] = 0.9, 0.6
    planes = pack_targets(TrainingWindow(np.zeros((240, 384), np.uint8), (LabelledPlate(QUAD, boxed=False),)))
    corners = np.moveaxis(planes[Planes.corners :], 0, -1)
    assert len(find_plates(score, corners)) == 1


def test_tally_counts_found_missed_extra_and_ignored() -> None:
    tally = DetectionCounts()
    truths = np.array([[100, 60, 160, 94], [300, 60, 360, 90.0]])
    ignored = np.array([[200, 200, 220, 206.0]])
    elsewhere = QUAD + np.array([0, 150], np.float32)
    small = np.array([[200, 200], [220, 200], [220, 206], [200, 206]], np.float32)
    tally.add([Detection(0.9, QUAD), Detection(0.5, elsewhere), Detection(0.4, small)], truths, ignored)
    assert (tally.truths, tally.matched, tally.extra, tally.best_right) == (2, 1, 1, 1)
    assert tally.recall == 0.5
