"""The trainer that the recipes share: it learns, keeps an average, and goes on from its checkpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")

from torch import nn

from platepost.models.training import Guess, Run, TimedTraining, averaged


def fresh() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 2))


def batches(step: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Give pictures that are bright on one side or the other."""
    while True:
        chance = torch.Generator().manual_seed(step)
        sides = torch.randint(0, 2, (16,), generator=chance)
        pictures = torch.rand(16, 1, 8, 8, generator=chance) * 0.2
        for picture, side in zip(pictures, sides, strict=True):
            picture[0, :, 4 * int(side) : 4 * int(side) + 4] += 0.5
        yield pictures, sides
        step += 1


def train(folder: Path, *, steps: int) -> tuple[list[float], list[int], Run]:
    """Return the losses, the steps at which it was checked, and the run."""
    losses: list[float] = []
    checks: list[int] = []

    def loss(guess: Guess, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        pictures, sides = batch
        found = nn.functional.cross_entropy(guess(pictures), sides)
        losses.append(float(found.detach()))
        return found

    torch.manual_seed(1)
    training = TimedTraining(folder=folder, steps=steps, rate=1e-2, floor=1e-3, warm_up=2, save_every=10, average=0.9)
    run = Run(training, fresh(), fresh(), decay=0.01)
    run.resume()
    run.train(batches(run.step), loss, check=lambda: checks.append(run.step))
    return losses, checks, run


def test_the_loss_falls_and_checkpoints_are_written_after_their_checks(tmp_path: Path) -> None:
    losses, checks, run = train(tmp_path, steps=25)
    assert len(losses) == 25
    assert losses[-1] < losses[0] / 2
    assert checks == [10, 20, 25]
    kept = averaged(fresh(), tmp_path / "last.pt").state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in run.averaged.state_dict().items())


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first, _, _ = train(tmp_path, steps=12)
    later, checks, run = train(tmp_path, steps=20)
    assert (len(first), len(later), checks, run.step) == (12, 8, [20], 20)
    assert later[0] < first[0]
    assert train(tmp_path, steps=20)[0] == [], "it is over"
