"""From the probability that the reader's network claims to the one that it has earned.

The network's own probability of a text is a little off, as that of every trained network. Two numbers put it right:
Platt scaling (Platt, "Probabilistic outputs for support vector machines", 1999), that is a logistic regression on the
claim's log-odds. `platepost models calibrate` fits them and writes them beside the reader.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from platepost.common.errors import ModelError

_EDGE = 1e-6
"""Claims nearer than this to 0 or 1 are held to it: an infinite log-odds would stay infinite."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """confidence = 1 / (1 + exp(-(intercept + slope * log(claim / (1 - claim))))); the plain one changes nothing."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def beside(cls, reader: Path, *, digest: str) -> Self:
        """Load what was fitted to the reader at `reader`, from the file of its name with .json.

        Without such a file nothing is scaled; nor with one that was fitted to another reader than `digest` (SHA-256,
        hexadecimal), for its numbers mean nothing there.

        Raises:
            ModelError: the file is damaged.

        """
        path = reader.with_suffix(".json")
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["reader"] != digest:
                return cls()
            slope, intercept = float(told["slope"]), float(told["intercept"])
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"calibration file {path} is damaged: {error!r}") from error
        if not (0 < slope < math.inf and math.isfinite(intercept)):
            raise ModelError(f"calibration file {path}: slope {slope} and intercept {intercept} make no probability")
        return cls(slope, intercept)

    def __call__(self, claim: float) -> float:
        """Return the probability that a text is right whose claimed probability is `claim`, both 0 to 1."""
        held = min(max(claim, _EDGE), 1 - _EDGE)
        return 1 / (1 + math.exp(-(self.intercept + self.slope * math.log(held / (1 - held)))))
