"""Fit a reader's calibration to plates that it has not learned from."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from platepost.device.vision.calibration import Calibration
from platepost.device.vision.reader import Reader
from platepost.models.evaluate.spelling import fold
from platepost.models.plates import Severity, degrade
from platepost.models.reader.real import RealPlate

Picture = npt.NDArray[np.uint8]

STEPS: Final = 50
"""Newton's steps: two numbers are found after ten."""
NEAR: Final = 1e-9
"""Length of a step that is no longer worth taking."""
RIDGE: Final = 1e-3
"""Keeps the slope finite where claims part right from wrong completely."""

LEAST_SLOPE: Final = 1e-3
"""Below it, and from 0 on downwards in any case, confidence would say nothing; the device refuses 0."""


@dataclass(frozen=True)
class Trials:
    """What a reader claimed of plates, and whether it was right."""

    claims: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]
    """1 where the text was right with O and 0, I and 1 taken for one, else 0."""
    weights: npt.NDArray[np.float64]

    def __add__(self, other: "Trials") -> "Trials":
        """Put two sets together."""
        return Trials(
            np.concatenate([self.claims, other.claims]),
            np.concatenate([self.right, other.right]),
            np.concatenate([self.weights, other.weights]),
        )


def tried(reader: Reader, plates: Iterable[tuple[Picture, str]], *, weight: float = 1.0) -> Trials:
    """Let a reader that is not calibrated read plates [64, 160] uint8, looking again if in doubt.

    Raises:
        ValueError: the reader has a calibration already, which would be fitted on top.

    """
    if reader.calibration != Calibration():
        raise ValueError("only a reader without calibration can be calibrated")
    readings = [(reader.read_rectified(picture, again=True), text) for picture, text in plates]
    return Trials(
        np.array([reading.confidence for reading, _ in readings]),
        np.array([float(fold(reading.text) == fold(text)) for reading, text in readings]),
        np.full(len(readings), weight),
    )


def degraded(plates: Iterable[RealPlate], *, copies: int, seed: int) -> Iterator[tuple[Picture, str]]:
    """Send each real plate so many times through a worse camera: pictures [64, 160] uint8 and their texts.

    They are made no more than a third smaller, for many are small and blurred already.
    """
    rng = np.random.default_rng(seed)
    for plate in plates:
        picture = plate.framed()
        severity = Severity(smallest=max(44.0, min(0.65 * plate.width, 110.0)), largest=max(150.0, plate.width))
        for _ in range(copies):
            yield degrade(picture, rng, severity), plate.text


def fitted(trials: Trials) -> Calibration:
    """Return the calibration of greatest likelihood: logistic regression on the claims' log-odds, by Newton's method.

    Raises:
        ValueError: all were right or all wrong, which fits anything; or what was claimed surer was right less often;
            or a weight is negative or no finite number.

    """
    if not (np.isfinite(trials.weights).all() and (trials.weights >= 0).all()):
        raise ValueError("weights are finite and not negative")
    if not 0 < trials.right.mean() < 1:
        raise ValueError("plates that are all read right, or all wrong, calibrate nothing")
    claims = np.clip(trials.claims, 1e-6, 1 - 1e-6)
    inputs = np.column_stack([np.ones_like(claims), np.log(claims / (1 - claims))])
    weights = trials.weights / trials.weights.sum()
    coefficients = np.array([0.0, 1.0])
    plain, prior = np.array([0.0, 1.0]), np.array([0.0, RIDGE])

    def height(at: npt.NDArray[np.float64]) -> float:
        """Return the mean log-likelihood less the ridge's price; it has one summit."""
        odds = inputs @ at
        return float(weights @ (trials.right * odds - np.logaddexp(0, odds)) - prior @ (at - plain) ** 2 / 2)

    for _ in range(STEPS):
        predicted = 1 / (1 + np.exp(-inputs @ coefficients))
        slope = inputs.T @ (weights * (trials.right - predicted)) - prior * (coefficients - plain)
        curvature = (inputs.T * (weights * predicted * (1 - predicted))) @ inputs + np.diag(prior)
        step = np.linalg.solve(curvature, slope)
        here = height(coefficients)
        while height(coefficients + step) < here and np.abs(step).max() > NEAR:
            step = step / 2  # where all claims are near 1 the whole step leads far past the summit
        coefficients = coefficients + step
        if np.abs(step).max() <= NEAR:
            break
    if coefficients[1] < LEAST_SLOPE:
        raise ValueError(
            f"a reader that is surer of what it reads wrong cannot be calibrated (slope {coefficients[1]:.3f})"
        )
    return Calibration(slope=float(coefficients[1]), intercept=float(coefficients[0]))


def write(path: Path, calibration: Calibration, *, digest: str, fitted_to: Sequence[str]) -> None:
    """Write what `Calibration.beside` reads, and in words what it was fitted to."""
    report = {
        "reader": digest,
        "slope": round(calibration.slope, 4),
        "intercept": round(calibration.intercept, 4),
        "fitted_to": list(fitted_to),
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
