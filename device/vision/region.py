"""The issuing state by the look of a plate: one of the United States, another issuer, or unknown; and if it is a plate.

What stands on the plate says little of it: personalized serials are of no format, and a read may be wrong. So a network
of its own looks at the same picture that the reader does. It is asked once or twice a passage, of the best looks. Only
where it is nearly sure of California does the serial decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.calibration import CAUTIOUS, Coefficients
from platepost.device.vision.ctc import softmax
from platepost.device.vision.formats import States, listed
from platepost.device.vision.interpreter import Network
from platepost.device.vision.reader import HEIGHT, WIDTH
from platepost.device.vision.serials import CALIFORNIA_ALONE
from platepost.wire.records.regions import OTHER, REGIONS

CALIFORNIA = "US-CA"
_ISSUERS, _PLATE = (1, len(REGIONS)), (1, 1, 1, 1)
"""Shapes of the answers."""
_CALIFORNIA = REGIONS.index(CALIFORNIA)
_LEAST_STATE = 0.01
"""Probability of a state below which its formats do not count."""
_MIDDLE, _SPREAD, _MOST = 128.0, 55.0, 8.0
"""Mean and standard deviation of the gray levels that the network sees, and the most that contrast is raised by."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issued a plate, and the calibrated probability that it did."""

    region: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Least:
    """Probabilities from which on an issuer is claimed; those of the shipped network are in region.json."""

    issuer: float = CAUTIOUS
    """Of one by name."""
    californian: float = CAUTIOUS
    """The same for California, if its serial is of a format that hardly another state has."""
    elsewhere: float = CAUTIOUS
    """Of any issuer but California, from which on that is said where none can be named."""
    states: float = CAUTIOUS
    """Of all states together, from which on their formats count."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Log odds that what can be read is a plate: a logistic regression; those of the shipped network in region.json."""

    offset: float = 0.0
    by_score: float = 0.0
    """By the detector's score."""
    by_look: float = 1.0
    """By the logit of its look."""

    def log_odds(self, score: float, look: float) -> float:
        """Return the log odds of a plate with the detector's score whose look has such a logit."""
        return self.offset + self.by_score * score + self.by_look * look


@dataclass(frozen=True, slots=True)
class Impression:
    """What looks at a plate tell besides its text."""

    issuer: Issuer | None = None
    """Who issued it, if that can be told."""
    plate: float | None = None
    """Logit that it is a license plate rather than other lettering, where the file tells that."""
    evidence: Evidence = Evidence()
    """What that logit is worth, with the detector's score."""
    states: States = ()
    """Which states may have issued it, each with its probability, be they too doubtful to be told: their formats count.

    None where it is likelier that no state did.
    """


NONE = Impression()


class RegionNet:
    """Tells who issued a plate, and if it is one, with an int8 convolutional network; not to be shared by threads.

    Files from before the second answer say who issued it, and no more.
    """

    def __init__(self, path: Path, *, runtime: str | None = None) -> None:
        """Load the network of `path`.

        Raises:
            BackendError: no TFLite runtime.
            ModelError: the file is missing, damaged or of another shape, or what lies beside it was fitted to another.

        """
        self.model = Network(path, runtime=runtime)
        shapes = [output.shape for output in self.model.outputs]
        self._plate = shapes.index(_PLATE) if _PLATE in shapes else None
        self.model.expect(
            input_shape=(1, HEIGHT, WIDTH, 1), output_shapes=[_ISSUERS] if self._plate is None else [_ISSUERS, _PLATE]
        )
        fitted = Coefficients.beside(path, network="region", digest=self.model.digest)
        self.least, self.evidence = Least(), Evidence()
        if fitted is not None:
            self.least = Least(**{field.name: fitted.probability(field.name) for field in fields(Least)})
            self.evidence = Evidence(**{field.name: fitted.number(field.name) for field in fields(Evidence)})
        self._issuers = [output.shape for output in self.model.outputs].index(_ISSUERS)

    def observe(self, plate: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float | None]:
        """Return of a 64 x 160 uint8 plate seen from the front a logit for each of `REGIONS`, and that it is one."""
        answers = self.model.run((leveled(plate) ^ 0x80).view(np.int8)[None, :, :, None])
        issuers, *others = (
            self.model.outputs[index].real(answers[index])[0]
            for index in (self._issuers, self._plate)
            if index is not None
        )
        return issuers, float(others[0].item()) if others else None

    def impression(self, plates: Sequence[NDArray[np.uint8]], text: str = "") -> Impression:
        """Return what so many looks at a plate tell, each 64 x 160 uint8, on which `text` was read.

        Looks at one plate are no independent witnesses: their logits are averaged, not added.
        """
        if not plates:
            return NONE
        issuers, kinds = zip(*map(self.observe, plates), strict=True)
        known = [kind for kind in kinds if kind is not None]
        mean = np.mean(issuers, axis=0)
        shares = softmax(mean)
        states = tuple(
            (region, float(share))
            for region, share in zip(REGIONS, shares, strict=True)
            if region != OTHER and share >= _LEAST_STATE
        )
        if sum(share for _, share in states) < self.least.states:
            states = ()
        plate = float(np.mean(known)) if known else None
        return Impression(claimed(mean, self.least, text), plate, self.evidence, states)


def leveled(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a uint8 plate with the light and contrast that the network knows: a faint name is one, too."""
    mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(plate))
    gain = min(_SPREAD / max(spread, 1.0), _MOST)
    return np.asarray(cv2.addWeighted(plate, gain, plate, 0.0, _MIDDLE - gain * mean), np.uint8)


def claimed(logits: NDArray[np.floating], least: Least, text: str = "") -> Issuer | None:
    """Return who is claimed to have issued a plate with such logits and text, None where it is too doubtful."""
    shares = softmax(logits)
    best, californian = int(shares.argmax()), float(shares[_CALIFORNIA])
    if shares[best] >= least.issuer:
        return Issuer(REGIONS[best], float(shares[best]))
    if californian >= least.californian and listed(text, CALIFORNIA_ALONE):
        return Issuer(CALIFORNIA, californian)
    return Issuer(OTHER, 1 - californian) if 1 - californian >= least.elsewhere else None
