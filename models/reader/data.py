"""Batches for training: pool plates degraded again, a few per cent real ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset

from platepost.models.plates import Severity, degrade
from platepost.models.reader.labels import encode
from platepost.models.reader.pool import Pool
from platepost.models.reader.real import Framed, RealPlate

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Pictures (uint8, N x 1 x 64 x 160), labels of all samples in a row, and how many belong to each."""


_EASY, _USUAL = Severity(smallest=90), Severity(smallest=32)


@dataclass(frozen=True)
class Mixture:
    """What batches are made of."""

    pools: tuple[Path, ...]
    """Folders of pools; the last one is used as often as all others together."""
    batch: int = 64
    real_share: float = 0.05
    seed: int = 1
    easy: int = 0
    """Batches at the start of the training that are spared the smallest plates."""
    shuffled: float = 0.5
    """Share of the real plates that come with their characters in another order, if there are such."""


class Batches(IterableDataset[Batch]):  # type: ignore[misc, unused-ignore]  # torch may be absent
    """Endless batches."""

    def __init__(
        self, mixture: Mixture, real: list[RealPlate], shuffled: list[Framed] | None = None, *, step: int = 0
    ) -> None:
        """Hold the mixture and the step that training goes on from; pools are opened by the process that iterates."""
        self.mixture = mixture
        self.real: list[Framed] = [(plate.framed(), plate.width, plate.text) for plate in real]
        self.shuffled = shuffled or []
        self.step = step

    def __iter__(self) -> Iterator[Batch]:
        """Draw batches for ever, others from each step on."""
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self.mixture.seed, self.step])
        pools = [Pool(folder) for folder in self.mixture.pools]
        filled = [len(pool) for pool in pools]
        count = self.step
        while True:
            if count % 200 == 0:
                filled = [len(pool) for pool in pools]
            severity = _EASY if count < self.mixture.easy else _USUAL
            yield collate([self._sample(rng, pools, filled, severity) for _ in range(self.mixture.batch)])
            count += 1

    def _sample(
        self, rng: np.random.Generator, pools: list[Pool], filled: list[int], severity: Severity
    ) -> tuple[npt.NDArray[np.uint8], str]:
        if self.real and rng.random() < self.mixture.real_share:
            kind = self.shuffled if self.shuffled and rng.random() < self.mixture.shuffled else self.real
            picture, width, text = kind[int(rng.integers(len(kind)))]
            # a small photograph is blurred already: it is made smaller only a little
            own = Severity(smallest=max(44.0, min(0.65 * width, 110.0)), largest=max(260.0, width), crops=1.0)
            return degrade(picture, rng, own), text
        last = len(pools) - 1
        which = last if last == 0 or rng.random() < 0.5 else int(rng.integers(last))
        picture, text = pools[which].get(int(rng.integers(filled[which])))
        return degrade(picture, rng, severity), text


def collate(samples: list[tuple[npt.NDArray[np.uint8], str]]) -> Batch:
    """Put samples together as CTC wants them."""
    pictures = torch.from_numpy(np.stack([picture for picture, _ in samples])[:, None])
    labels = [encode(text) for _, text in samples]
    return (
        pictures,
        torch.tensor([c for label in labels for c in label]),
        torch.tensor([len(label) for label in labels]),
    )
