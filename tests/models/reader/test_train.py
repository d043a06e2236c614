import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")

from models.reader.data import Recipe, collate  # noqa: E402
from models.reader.pool import Pool  # noqa: E402
from models.reader.real import RealPlate  # noqa: E402
from models.reader.train import Plan, train  # noqa: E402


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    Pool(tmp_path / "pool", size=8).fill(seed=1)
    return Recipe(pools=(tmp_path / "pool",), batch=4, real_share=0.3)


def test_collate_lays_labels_in_a_row() -> None:
    empty = np.zeros((64, 160), np.uint8)
    pictures, labels, lengths = collate([(empty, "A1"), (empty, "009")])
    assert pictures.shape == (2, 1, 64, 160)
    assert labels.tolist() == [11, 2, 1, 1, 10]
    assert lengths.tolist() == [2, 3]


def test_training_stops_in_time_and_goes_on_from_its_checkpoint(tmp_path: Path, recipe: Recipe) -> None:
    real = [RealPlate(np.full((40, 100), 90, np.uint8), (10, 10, 90, 30), "AB12")]
    checks = {"held_out": [(np.zeros((64, 160), np.uint8), "")]}
    run = tmp_path / "run"
    train(Plan(folder=run, until=time.time() + 2, save_every=1000), recipe, real, checks)
    first = torch.load(run / "last.pt", weights_only=True)
    assert first["step"] > 0
    assert (run / "best.pt").exists()
    train(Plan(folder=run, until=time.time() + 2, save_every=1000), recipe, real, checks)
    second = torch.load(run / "last.pt", weights_only=True)
    assert second["step"] > first["step"]
    assert second["start"] == first["start"]
