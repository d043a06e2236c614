"""Train the reader on one core, until a moment in time."""

import itertools
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils.data import DataLoader

from platepost.models.evaluate.spelling import fold
from platepost.models.reader.data import Batch, Batches, Mixture
from platepost.models.reader.labels import greedy
from platepost.models.reader.net import LAYERS, PlateReader
from platepost.models.reader.real import Framed, RealPlate
from platepost.models.training import Guess, Run, TimedTraining, floats, outputs
from platepost.models.warm_start import adopt, convolutions


def warm_start(net: PlateReader, path: Path, pictures: torch.Tensor) -> None:
    """Give a net the weights of a .tflite reader, and batch norms that leave them as they are.

    Args:
        net: changed in place.
        path: the .tflite file.
        pictures: inputs like those that training begins with, N x 1 x 64 x 160 uint8; a few hundred.

    Raises:
        ValueError: the file's layers are no part of this net's.
    """
    pretrained = convolutions(path)
    at = (pictures.float() / 255).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        for number, (layer, block) in enumerate(zip(LAYERS, net.blocks, strict=True)):
            pad, conv, norm, relu = block
            if pretrained and pretrained[0].kernel.shape == tuple(conv.weight.shape):
                kernel, bias = (torch.from_numpy(part.copy()) for part in pretrained.pop(0)[1:])
            elif conv.in_channels == conv.out_channels and layer.stride == (1, 1) and not layer.valid:
                kernel, bias = nn.init.dirac_(torch.empty_like(conv.weight)), torch.zeros(conv.out_channels)
                kernel += torch.randn_like(kernel) * 0.01 * kernel[0].numel() ** -0.5
            else:
                raise ValueError(f"{path.name} has no weights for layer {number} of the net")
            at = pad(at)
            adopt(conv, kernel, bias, norm=norm, at=at)
            at = relu(norm.eval()(conv(at)))
        if not pretrained or pretrained[0].kernel.shape != tuple(
            net.head.weight.shape
        ):  # a second answer's layers may follow
            raise ValueError(f"{path.name} is no reader of this shape")
        net.head.weight.copy_(torch.from_numpy(pretrained[0].kernel.copy()))
        net.head.bias.copy_(torch.from_numpy(pretrained[0].bias.copy()))


logger = logging.getLogger(__name__)

Sample = tuple[npt.NDArray[np.uint8], str]


@dataclass(frozen=True, kw_only=True)
class ReaderTraining(TimedTraining):
    """How long and how hard; each time the held-out plates are read better, `best.pt` is written too."""

    rate: float = 2.5e-3
    floor: float = 2e-5
    warm_up: int = 300
    save_every: int = 1000
    average: float = 0.999
    centering: float = 0.02
    """Weight of how far from the middle of a picture its characters are told on average, see `_aside`."""
    start: Path | None = None
    """A trained .tflite reader to begin with, see `platepost.models.reader.train`."""


def exact_rate(net: nn.Module, samples: list[Sample]) -> float:
    """Share of samples read exactly, O as 0 and I as 1."""
    texts = greedy(outputs(net, np.stack([picture for picture, _ in samples])).float().numpy())
    return float(np.mean([fold(text) == fold(truth) for text, (_, truth) in zip(texts, samples, strict=True)]))


def train(
    training: ReaderTraining, mixture: Mixture, real: list[RealPlate], checks: dict[str, list[Sample]], *,
    shuffled: list[Framed] | None = None,
) -> nn.Module:  # fmt: skip
    """Train and return the averaged net; where there is a checkpoint, go on from it.

    Args:
        training: schedule and folder.
        mixture: what batches are made of.
        real: real plates to mix in.
        checks: sets to report on at each checkpoint; the one named `held_out` chooses `best.pt`.
        shuffled: what `platepost.models.reader.shuffle` made of the real plates.
    """
    torch.manual_seed(mixture.seed)
    net = PlateReader()
    kernels = [convolution.weight for _, convolution, _, _ in net.blocks]
    run = Run(training, net, PlateReader(), decay=0.02, kernels=kernels)
    resumed = run.resume()
    batches = Batches(mixture, real, shuffled, step=run.step)
    # A forked worker would inherit the locks of the threads that torch and the interpreter run here.
    loader = DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4, multiprocessing_context="spawn")
    if training.start is not None and not resumed:
        warm_start(net, training.start, torch.cat([batch[0] for batch in itertools.islice(batches, 4)]))
    return run.train(
        loader,
        lambda guess, batch: _loss(guess, batch, training.centering),
        check=lambda: _check(run, checks, training.folder),
    )


def _loss(guess: Guess, batch: Batch, centering: float) -> torch.Tensor:
    pictures, labels, lengths = batch
    scores = guess(floats(pictures)).log_softmax(2).transpose(0, 1)
    steps = torch.full((len(lengths),), scores.shape[0])
    loss: torch.Tensor = nn.functional.ctc_loss(scores, labels, steps, lengths, zero_infinity=True)
    return loss + centering * _aside(scores) ** 2


def _aside(scores: torch.Tensor) -> torch.Tensor:
    """Columns by which a batch's characters are told to the right of where they stand.

    CTC asks for their order alone, so a net may learn to tell each a column or five late. What parts the characters of
    a plate needs their places. Plates stand in the middle of their pictures, on average; so do their characters.
    """
    probability = 1 - scores[:, :, 0].exp()
    columns = torch.arange(len(scores), dtype=probability.dtype)[:, None]
    middles = (probability * columns).sum(0) / probability.sum(0).clamp(min=1e-3)
    return middles.mean() - (len(scores) - 1) / 2


def _check(run: Run, checks: dict[str, list[Sample]], folder: Path) -> None:
    """Report on the checks, and keep the net that reads the held-out plates best."""
    rates = {name: exact_rate(run.averaged, samples) for name, samples in checks.items()}
    logger.info("step %d: %s", run.step, ", ".join(f"{name} {rate:.3f}" for name, rate in rates.items()))
    if rates.get("held_out", 0.0) >= run.best:
        run.best = rates.get("held_out", 0.0)
        torch.save(run.averaged.state_dict(), folder / "best.pt")
