import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from platepost.device.vision.vehicle import ANSWERS
from platepost.models.vehicle.convert import calibrate
from platepost.models.vehicle.data import batches
from platepost.models.vehicle.net import VehicleClassifier
from platepost.models.vehicle.photos import UNCOLORED, Labeled, parse
from platepost.models.vehicle.train import VehicleTraining, logits, train

CODES = ("cwf", "bkr")


@pytest.fixture
def known() -> Labeled:
    """White cars from the front and black buses from the rear, nine to one."""
    answers = np.array([parse(CODES[number % 10 == 0]) for number in range(40)], np.int64)
    bright = np.where(answers[:, :1, None, None] == answers[1, 0], 220, 40)
    rooms = np.broadcast_to(bright, (40, 112, 154, 3)).astype(np.uint8)
    return Labeled(rooms, np.ascontiguousarray(rooms[:, :64, :80]), answers)


def test_batches_hold_rare_kinds_more_often_and_some_without_a_color(known: Labeled) -> None:
    pictures, answers = next(batches(known, size=300, seed=1))
    assert pictures.shape == (300, 3, 64, 80)
    buses = (answers[:, 0] == parse("bkr")[0]).float().mean()
    assert 0.2 < buses < 0.6, "one of ten"
    assert 0.1 < (answers[:, 1] == UNCOLORED).float().mean() < 0.6, "one of eight is gray, and what is dark"


def test_the_net_gives_a_logit_for_each_answer_and_is_small() -> None:
    net = VehicleClassifier().eval()
    assert net(torch.zeros(3, 3, 64, 80)).shape == (3, sum(ANSWERS))
    assert sum(parameter.numel() for parameter in net.parameters()) <= 280_000


def test_training_learns_and_goes_on_from_its_checkpoint(tmp_path: Path, known: Labeled) -> None:
    net = train(VehicleTraining(folder=tmp_path, steps=12, batch=8), known, known)
    assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 12
    train(VehicleTraining(folder=tmp_path, steps=14, batch=8), known, known)
    assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 14
    train(VehicleTraining(folder=tmp_path, until=time.time(), batch=8), known, known)
    assert logits(net, known.pictures).shape == (40, 18)


def test_calibration_divides_each_part_by_its_own_temperature(known: Labeled) -> None:
    net = VehicleClassifier().eval()
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.zero_()
        net.head.bias[parse("cwf")[0]] = 50.0  # always a car, and far too sure of it
    by = calibrate(net, known.pictures, known.answers)
    assert by[0] > 4
    assert float(net.head.bias[0].detach()) == pytest.approx(50 / by[0])
