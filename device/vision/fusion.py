"""What several looks at one plate say together of a text: by all that the network saw, not by its best guesses alone.

A look whose best text is wrong still gives the right one some share of its columns. So each look says how likely it
finds each candidate, and the logarithms are added. Looks of one passage resemble one another: what they say together
counts less than that of as many witnesses who know nothing of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.ctc import likelihoods

OBSERVATIONS = 12
"""Looks that are kept: those of the greatest weight."""
FLOOR = 1e-4
"""Added to a likelihood: a look that went astray takes no more than this from a text."""
KINSHIP = 0.85
"""Exponent of the number of looks by which the sum of their logarithms is divided.

1 would be one witness however many looks, 0 as many witnesses as looks. Chosen with `FLOOR` and `REST` on 221 training
plates made 30 to 48 pixels wide, eight looks each; see the reader's model card.
"""


REST = 0.3
"""Share of what a look leaves to all other texts that counts as one text more: looks do not all mean the same by it."""


@dataclass(slots=True, eq=False)
class _Observation:
    """One look, and what it was asked before."""

    weight: float
    columns: NDArray[np.float32]
    shares: dict[str, float] = field(default_factory=dict)
    """Likelihood, by text."""

    def likelihoods(self, texts: Sequence[str]) -> list[float]:
        """Return how likely each text is, and last how likely none of them is."""
        new = [text for text in texts if text not in self.shares]
        if new:
            self.shares |= zip(new, likelihoods(self.columns, new).tolist(), strict=True)
        shares = [self.shares[text] for text in texts]
        return [*shares, REST * max(0.0, 1.0 - sum(shares))]


class Fusion:
    """The heaviest looks at one plate."""

    def __init__(self) -> None:
        self._observe: list[_Observation] = []

    def __len__(self) -> int:
        return len(self._observe)

    def add(self, columns: NDArray[np.float32], weight: float) -> None:
        """Take in a look: its merged probabilities [40 columns, 38 classes], and what it counts, on any scale."""
        self._observe = nlargest(
            OBSERVATIONS, [*self._observe, _Observation(weight, columns)], key=lambda look: look.weight
        )

    def posterior(self, texts: Sequence[str]) -> dict[str, float]:
        """Return the probability of each text; what is left to 1 is for all others.

        Raises:
            ValueError: there is no look, or no text.

        """
        weights = np.array([look.weight for look in self._observe], np.float64)
        weights /= weights.max()
        together = weights @ np.log(np.array([look.likelihoods(texts) for look in self._observe]) + FLOOR)
        powers = np.exp((together - together.max()) / weights.sum() ** KINSHIP)
        return dict(zip(texts, (powers / powers.sum()).tolist(), strict=False))
