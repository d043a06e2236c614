import itertools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

import platepost.models.reader.train as train_module
from platepost.models.plates import Severity
from platepost.models.plates.surroundings import Gray
from platepost.models.reader import data
from platepost.models.reader.convert import load
from platepost.models.reader.data import Batches, Mixture, collate
from platepost.models.reader.pool import Pool
from platepost.models.reader.real import RealPlate
from platepost.models.reader.train import ReaderTraining, train
from platepost.models.training import Muon, TimedTraining


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    Pool(tmp_path / "pool", size=8).fill(seed=1)
    return Mixture(pools=(tmp_path / "pool",), batch=4, real_share=0.3)


def test_collate_lays_labels_in_a_row() -> None:
    empty = np.zeros((64, 160), np.uint8)
    pictures, labels, lengths = collate([(empty, "A1"), (empty, "009")])
    assert pictures.shape == (2, 1, 64, 160)
    assert labels.tolist() == [11, 2, 1, 1, 10]
    assert lengths.tolist() == [2, 3]


def test_training_stops_in_time_and_goes_on_from_its_checkpoint(tmp_path: Path, mixture: Mixture) -> None:
    real = [RealPlate(np.full((40, 100), 90, np.uint8), (10, 10, 90, 30), "AB12")]
    checks = {"held_out": [(np.zeros((64, 160), np.uint8), "")]}
    run = tmp_path / "run"
    train(ReaderTraining(folder=run, until=time.time() + 2, save_every=1000), mixture, real, checks)
    first = torch.load(run / "last.pt", weights_only=True)
    assert first["step"] > 0
    assert (run / "best.pt").exists()
    train(ReaderTraining(folder=run, until=time.time() + 2, save_every=1000), mixture, real, checks)
    second = torch.load(run / "last.pt", weights_only=True)
    assert second["step"] > first["step"]
    assert 0 < first["trained"] < second["trained"]


def test_orthogonal_steps_keep_their_momentum_over_a_resumption(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mixture: Mixture
) -> None:
    training = ReaderTraining(folder=tmp_path / "run", steps=4, save_every=2, warm_up=1)
    rates_and_steps(monkeypatch, training, mixture, 3)
    had, original = [], Muon.step

    def noted(own: Muon) -> None:
        had.append(len(own.state))
        original(own)

    monkeypatch.setattr(Muon, "step", noted)
    train(training, mixture, [], {})
    assert had == [16, 16], "one for each layer, at both steps that were left"


def test_a_run_of_so_many_steps_ends_there_however_often_it_is_resumed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mixture: Mixture
) -> None:
    training = ReaderTraining(folder=tmp_path / "run", steps=5, save_every=2, warm_up=1)
    first = rates_and_steps(monkeypatch, training, mixture, 3)
    checks = {"held_out": [(np.zeros((64, 160), np.uint8), "")]}
    monkeypatch.setattr(train_module, "DataLoader", lambda batches, **_: batches)
    for _ in range(2):
        train(training, mixture, [], checks)
        assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 5
    assert [step for step, _ in first] == [0, 1, 2]
    assert training.learning_rate(4, 1.0) == pytest.approx(training.floor)


def rates_and_steps(
    monkeypatch: pytest.MonkeyPatch, training: ReaderTraining, mixture: Mixture, steps: int
) -> list[tuple[int, float]]:
    """Train so many steps and break off; give step and learning rate of each."""
    seen: list[tuple[int, float]] = []
    original = TimedTraining.learning_rate

    def noted(own: TimedTraining, step: int, share: float) -> float:
        if len(seen) == steps:
            raise KeyboardInterrupt
        seen.append((step, original(own, step, share)))
        return seen[-1][1]

    monkeypatch.setattr(TimedTraining, "learning_rate", noted)
    monkeypatch.setattr(train_module, "DataLoader", lambda batches, **_: batches)  # a worker takes long to start
    with pytest.raises(KeyboardInterrupt):
        train(training, mixture, [], {"held_out": [(np.zeros((64, 160), np.uint8), "")]})
    monkeypatch.setattr(TimedTraining, "learning_rate", original)
    return seen


def test_a_pause_costs_no_rate(tmp_path: Path, mixture: Mixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def training() -> ReaderTraining:
        return ReaderTraining(folder=tmp_path / "run", until=time.time() + 5400, save_every=2, warm_up=1)

    rates_and_steps(monkeypatch, training(), mixture, 3)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 8 * 3600)
    ((step, rate),) = rates_and_steps(monkeypatch, training(), mixture, 1)
    assert step == 2
    assert rate > 0.99 * training().rate


def test_a_checkpoint_without_the_seconds_trained_is_taken(
    tmp_path: Path, mixture: Mixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = ReaderTraining(folder=tmp_path / "run", until=time.time() + 5400, save_every=2, warm_up=1)
    rates_and_steps(monkeypatch, training, mixture, 3)
    last = tmp_path / "run" / "last.pt"
    kept = torch.load(last, weights_only=True)
    del kept["trained"]
    torch.save(kept | {"start": time.time() - 5400}, last)
    ((step, rate),) = rates_and_steps(monkeypatch, training, mixture, 1)
    assert step == 2
    assert 0.4 * training.rate < rate < 0.6 * training.rate
    load(last)


def test_a_resumed_training_sees_other_batches(mixture: Mixture) -> None:
    first, again, later = (next(iter(Batches(mixture, [], step=step)))[0] for step in (0, 0, 7))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)


def test_the_easy_start_is_counted_over_resumptions(mixture: Mixture, monkeypatch: pytest.MonkeyPatch) -> None:
    smallest: list[float] = []
    original = data.degrade

    def noted(picture: Gray, rng: np.random.Generator, severity: Severity) -> Gray:
        smallest.append(severity.smallest)
        return original(picture, rng, severity)

    monkeypatch.setattr(data, "degrade", noted)
    easy = replace(mixture, easy=2)
    list(itertools.islice(Batches(easy, [], step=1), 2))
    assert smallest == [90] * 4 + [32] * 4


def test_what_is_told_late_is_told_beside_the_middle() -> None:
    scores = torch.full((40, 2, 37), -20.0)
    scores[:, :, 0] = 0.0
    scores[15:25:2, 0, 0], scores[15:25:2, 0, 5] = -20.0, 0.0
    scores[19:29:2, 1, 0], scores[19:29:2, 1, 5] = -20.0, 0.0
    assert train_module._aside(scores) == pytest.approx(1.5, abs=0.01)
