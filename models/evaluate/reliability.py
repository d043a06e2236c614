"""How far confidence can be believed: expected calibration error, Brier score, reliability diagram."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

BINS: Final = 10
_Z: Final = 1.96
"""Standard deviations of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Reads of about the same confidence."""

    count: int
    confidence: float
    """Their mean."""
    right: float
    """Share of them that is right."""

    @property
    def interval(self) -> tuple[float, float]:
        """Give Wilson's 95 % interval of the share (Wilson 1927)."""
        n, share = self.count, self.right
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * float(np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)))
        return max(0.0, middle - half), min(1.0, middle + half)


def binned(confidences: Sequence[float], right: Sequence[bool], *, bins: int = BINS) -> list[Bin]:
    """Sort reads into bins of equally many, the least confident first; fewer bins where there are few reads.

    Reads of one confidence share a bin, as nothing tells which of them comes first; others have more or fewer by that.
    """
    predicted, truth = np.asarray(confidences, float), np.asarray(right, float)
    order = np.argsort(predicted, kind="stable")
    rises = np.flatnonzero(np.diff(predicted[order])) + 1
    ends = np.cumsum([len(part) for part in np.array_split(order, min(bins, max(1, len(order))))])[:-1]
    cuts = {int(rises[np.abs(rises - end).argmin()]) for end in ends} if len(rises) else set()
    parts = [part for part in np.split(order, sorted(cuts)) if len(part)]
    return [Bin(len(part), float(predicted[part].mean()), float(truth[part].mean())) for part in parts]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], *, bins: int = BINS) -> float:
    """Return the mean distance between confidence and share right over bins of equally many reads."""
    bin_counts = binned(confidences, right, bins=bins)
    total = sum(part.count for part in bin_counts)
    return sum(part.count * abs(part.confidence - part.right) for part in bin_counts) / total if total else 0.0


def brier_score(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean square of confidence minus truth (Brier 1950): 0 is perfect, a coin's is 0.25."""
    return float(np.mean((np.asarray(confidences, float) - np.asarray(right, float)) ** 2)) if confidences else 0.0


def draw(path: Path, sets: Mapping[str, tuple[Sequence[float], Sequence[bool]]]) -> None:
    """Draw the reliability diagram of several sets side by side, each (confidences, right), to a PNG or SVG.

    Raises:
        ModuleNotFoundError: matplotlib is not installed (the extra `evaluation`).

    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - only who draws needs it

    figure = Figure(figsize=(4.2 * len(sets), 4.6), layout="constrained")
    for place, (name, (confidences, right)) in enumerate(sets.items(), 1):
        axes = figure.add_subplot(1, len(sets), place)
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--")
        parts = binned(confidences, right)
        shares = [part.right for part in parts]
        below = [max(0.0, part.right - part.interval[0]) for part in parts]  # rounding may go past the end
        above = [max(0.0, part.interval[1] - part.right) for part in parts]
        axes.errorbar(
            [part.confidence for part in parts], shares, yerr=[below, above], fmt="o-", capsize=3, color="#1f5fa8"
        )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="confidence", ylabel="share read right", aspect="equal")
        error = expected_calibration_error(confidences, right)
        axes.set_title(f"{name}: {len(right)} reads\nECE {error:.3f}, Brier {brier_score(confidences, right):.3f}")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
