"""Numbers fitted to a network, from a file beside it; and the calibration of the reader's claims.

The reader's own probability of a text is a little off, as that of every trained network. Two numbers put it right:
Platt scaling (Platt, "Probabilistic outputs for support vector machines", 1999), that is a logistic regression on the
claim's log-odds. `platepost models calibrate` fits them and writes them beside the reader.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from platepost.common.errors import ModelError

CAUTIOUS = 0.98
"""Probability from which on an answer is claimed of a network to which nothing was fitted."""
_EDGE = 1e-6
"""Claims nearer than this to 0 or 1 are held to it: an infinite log-odds would stay infinite."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Numbers that were fitted to one network: with another they would mean nothing."""

    path: Path
    values: Mapping[str, object]

    @classmethod
    def beside(cls, model: Path, *, network: str, digest: str) -> Self | None:
        """Load what was fitted to the network at `model`, from the file of its name with .json; None without one.

        Args:
            model: the .tflite file.
            network: under which name its digest is in the file: "reader", "region" or "vehicle".
            digest: SHA-256 of the .tflite file, hexadecimal.

        Raises:
            ModelError: the file is damaged, or was fitted to another network.

        """
        path = model.with_suffix(".json")
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            fitted_to = values[network]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is damaged: {error!r}") from error
        if fitted_to != digest:
            raise ModelError(
                f"{path} was fitted to another network than {model.name}: install the two files that belong together,"
                " or fit again"
            )
        return cls(path, values)

    def number(self, name: str) -> float:
        """Return one number; raises ModelError if it is missing or none."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ModelError(f"{self.path}: {name} is {value!r}, expected a number")
        return float(value)

    def probability(self, name: str) -> float:
        """Return one number from 0 to 1; raises ModelError if it is missing or none."""
        value = self.number(name)
        if not 0 <= value <= 1:
            raise ModelError(f"{self.path}: {name} is {value}, expected a probability")
        return value


@dataclass(frozen=True, slots=True)
class Calibration:
    """confidence = 1 / (1 + exp(-(intercept + slope * log(claim / (1 - claim))))); the plain one changes nothing."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def beside(cls, reader: Path, *, digest: str) -> Self:
        """Load what was fitted to the reader at `reader`, from the file of its name with .json.

        Without such a file nothing is scaled.

        Raises:
            ModelError: the file is damaged, or was fitted to another reader than `digest` (SHA-256, hexadecimal).

        """
        fitted = Coefficients.beside(reader, network="reader", digest=digest)
        if fitted is None:
            return cls()
        slope, intercept = fitted.number("slope"), fitted.number("intercept")
        if slope <= 0:
            raise ModelError(f"{fitted.path}: slope {slope} and intercept {intercept} make no probability")
        return cls(slope, intercept)

    def __call__(self, claim: float) -> float:
        """Return the probability that a text is right whose claimed probability is `claim`, both 0 to 1."""
        held = min(max(claim, _EDGE), 1 - _EDGE)
        return 1 / (1 + math.exp(-(self.intercept + self.slope * math.log(held / (1 - held)))))
