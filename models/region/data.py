"""Batches: drawn and real plates of all issuers, degraded again each time."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from platepost.device.vision.region import leveled
from platepost.models.plates import Severity, degrade
from platepost.models.plates.issuers import SHARES
from platepost.models.region.drawn import Drawn
from platepost.models.region.real import Kind, worsened

Batch = tuple[torch.Tensor, torch.Tensor]
"""Pictures, uint8 N x 1 x 64 x 160, and the class of each, int64 N."""
_USUAL = 120
"""Pictures of an issuer's real plates, shuffled copies among them, from which on its whole share of a batch is real; of
fewer a smaller part, or they would be known by heart."""

_KEPT = 4000
"""Degraded plates that half of each batch is drawn from once more, moved a little: drawing them takes longer than
learning from them."""
_EASY = 600
"""Batches at the start of a training whose plates are large: names are learned from what can be read."""
_LARGE, _LEGIBLE, _SMALL = Severity(smallest=150), Severity(smallest=90), Severity(smallest=50)


@dataclass(frozen=True)
class Sources:
    """What batches are made of."""

    drawn: Drawn
    real: Mapping[int, Kind]
    """By class."""
    real_share: float = 0.4


def batches(sources: Sources, *, size: int, seed: int, step: int = 0) -> Iterator[Batch]:
    """Draw batches for ever, others from each step on that a training goes on from."""
    rng = np.random.default_rng([seed, step])
    pictures, issuers = sources.drawn
    places = {issuer: np.flatnonzero(issuers == issuer) for issuer in np.unique(issuers)}
    shares = SHARES[list(places)] / SHARES[list(places)].sum()
    kept: deque[tuple[npt.NDArray[np.uint8], int]] = deque(maxlen=_KEPT)

    def fresh(issuer: int) -> npt.NDArray[np.uint8]:
        real = sources.real.get(issuer, [])
        if rng.random() < sources.real_share * min(1.0, len(real) / _USUAL):
            picture, width = real[int(rng.integers(len(real)))]
            return leveled(worsened(picture, width, rng))
        severity = _LARGE if step < _EASY else _LEGIBLE if rng.random() < 0.6 else _SMALL
        return leveled(degrade(pictures[rng.choice(places[issuer])], rng, severity))

    while True:
        new = [(fresh(issuer), issuer) for issuer in rng.choice(list(places), size // 2 if kept else size, p=shares)]
        old = [kept[place] for place in rng.integers(max(len(kept), 1), size=size - len(new))]
        kept.extend(new)
        together = [*new, *((_moved(picture, rng), issuer) for picture, issuer in old)]
        answers = torch.tensor([int(issuer) for _, issuer in together])
        yield torch.from_numpy(np.stack([picture for picture, _ in together])[:, None]), answers
        step += 1


def _moved(plate: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Shift and stretch a plate a little, as other corners would."""
    height, width = plate.shape
    by = rng.normal(0, 0.02, 4)
    way = np.array([[1 + by[0], 0, by[1] * width], [0, 1 + by[2], by[3] * height]], np.float32)
    return np.asarray(cv2.warpAffine(plate, way, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
