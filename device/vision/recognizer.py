"""Detector, reader and the networks of issuing state and vehicle together: one picture in, its plates out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path
from time import perf_counter
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import PictureError
from platepost.device.frame import Box
from platepost.device.vision.closer import FAINT, closer, confirmed, leaning
from platepost.device.vision.detector import MINIMUM_SCORE, Detection, Detector, is_cut
from platepost.device.vision.geometry import Corners, bounding_box, plate_size, rectify, upright
from platepost.device.vision.modelfiles import shipped, shipped_or_none
from platepost.device.vision.reader import (
    AGAIN,
    HEIGHT,
    MARGIN,
    WIDTH,
    Observation,
    Reader,
    Reading,
    claimed,
    in_doubt,
    moved,
    stretched,
)
from platepost.device.vision.region import NONE, Evidence, Impression, Issuer, RegionNet
from platepost.device.vision.serials import Country
from platepost.device.vision.settings import VisionSettings
from platepost.device.vision.vehicle import NOTHING, Appearance, VehicleNet

LEGIBLE = 0.15
"""Confidence from which on a plate of a still picture is told: below are lettering, lamps, and plates too far away."""

PLATE = (0.5, 0.065)
"""Score at which half of what can be read is a plate, the rest lettering; and how little more it takes to be sure.

A logistic regression on the 1,205 reads of 0.5 and more in 1,581 training photos, of which 41 were lettering.
"""
WORD = 2.0
"""Log odds that a text without any digit but 0 and 1, which the reader takes for O and I, is less of a plate."""
LETTERING = -0.7
"""Log odds below which it is almost surely no plate by one look: as of 3 in 1,000 looks at those plates."""
EVEN = 0.0
"""Log odds below which a passage is likelier lettering than a plate, by the mean of its best looks."""
PLAIN = 1.5
"""Log odds that a hit needs before its passage has ended: later looks are from nearer, and there are more of them."""
SURE = 0.99
"""What a look at a plate of a still picture by its corners must claim for none by its box to follow.

It spares a tenth of a photo's time. Of 546 photos no other plate is read right or wrong for it; see the reader's model
card.
"""
LOST = 0.005
"""Claim of the first look at a plate of a still picture below which no other follows: lettering, or too far away.

Of 1,183 such places in 2,231 photos none was told after all its looks.
"""
UPRIGHT = 0.6
"""What all looks at a crop must claim together for the plate in it not to be searched turned as well."""
SPARE = 0.3
"""Share of a crop's width that is put around it, its edge drawn out, for the detector to find the plate in it."""


@dataclass(frozen=True, slots=True, repr=False)
class Plate:
    """One plate that was found and read in one picture."""

    reading: Reading
    score: float
    """How sure the detector is that it is a plate, 0 to 1."""
    corners: Corners
    issuer: Issuer | None = None
    """Who issued it, where that was asked and can be told."""
    vehicle: Appearance = NOTHING
    """What can be told of the vehicle around it, where that was asked."""
    look: float | None = None
    """Logit that it is a plate rather than other lettering by its look, where that was asked and can be told."""
    evidence: Evidence = Evidence()  # noqa: RUF009 - frozen
    """What that logit is worth, with the detector's score."""

    def __repr__(self) -> str:
        box = " ".join(f"{side:.0f}" for side in self.box)
        return f"<Plate {self.text} {self.confidence:.3f} at {box}>"

    @property
    def text(self) -> str:
        """What the plate says."""
        return self.reading.text

    @property
    def confidence(self) -> float:
        """Calibrated probability that the whole text is right, with O and 0, I and 1 taken for one; 0 to 1."""
        return self.reading.confidence

    @property
    def box(self) -> Box:
        """The upright box around the corners."""
        return bounding_box(self.corners)


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """Where the time of one picture went."""

    detect: float
    read: float
    total: float
    """From the decoded picture to the last character."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """All that could be read in one picture, the best plate first."""

    plates: tuple[Plate, ...]
    milliseconds: Milliseconds


class Recognizer:
    """The networks of a post. Not safe to share between threads."""

    def __init__(
        self,
        detector: Detector,
        reader: Reader,
        *,
        region: RegionNet | None = None,
        vehicle: VehicleNet | None = None,
        minimum_confidence: float = LEGIBLE,
    ) -> None:
        """Put networks together; plates of still pictures that are read less surely than told are left out."""
        self.detector = detector
        self.reader = reader
        self.region = region
        """Tells the issuing state; without it that is unknown."""
        self.vehicle = vehicle
        """Tells the vehicle; without it nothing is said of it."""
        self.minimum_confidence = minimum_confidence

    @classmethod
    def load(
        cls,
        *,
        detector: Path | None = None,
        reader: Path | None = None,
        region: Path | None = None,
        vehicle: Path | None = None,
        country: Country = "US",
        minimum_score: float = MINIMUM_SCORE,
        minimum_confidence: float = LEGIBLE,
        runtime: str | None = None,
    ) -> Self:
        """Load the shipped networks, or those of the given paths; those of issuing state and vehicle may be missing.

        Raises:
            BackendError: no TFLite runtime.
            ConfigurationError: no such country.
            ModelError: a file is missing, damaged or of another shape.

        """
        tells_region = region or shipped_or_none("region.tflite")
        tells_vehicle = vehicle or shipped_or_none("vehicle.tflite")
        return cls(
            Detector(detector or shipped("detector.tflite"), minimum_score=minimum_score, runtime=runtime),
            Reader(reader or shipped("reader.tflite"), country=country, runtime=runtime),
            region=None if tells_region is None else RegionNet(tells_region, runtime=runtime),
            vehicle=None if tells_vehicle is None else VehicleNet(tells_vehicle, runtime=runtime),
            minimum_confidence=minimum_confidence,
        )

    @classmethod
    def of(cls, settings: VisionSettings) -> Self:
        """Load the networks of a post; raises as `load` does."""
        return cls.load(
            detector=settings.detector,
            reader=settings.reader,
            region=settings.region,
            vehicle=settings.vehicle,
            country=settings.country,
            minimum_score=settings.minimum_score,
        )

    def recognize(self, picture: NDArray[np.uint8]) -> Recognition:
        """Find and read the plates of an H x W or H x W x 3 (BGR) uint8 picture.

        Where no plate can be read, what was seen too faintly to be one is looked at from nearer.
        """
        start = perf_counter()
        gray = as_gray(picture)
        sure = self.detector.minimum_score
        seen = self.detector.detect(gray, minimum_score=min(FAINT, sure))
        detected = perf_counter()
        plates = self._legible(gray, [detection for detection in seen if detection.score >= sure])
        if not plates:
            faint = [detection for detection in seen if detection.score < sure]
            plates = self._legible(gray, confirmed(self.detector, gray, faint))
        end = perf_counter()
        return _recognition(plates, start=start, detected=detected, end=end)

    def recognize_still(self, picture: NDArray[np.uint8]) -> Recognition:
        """Find and read the plates of a picture without others, as `recognize`.

        Beside whole plates, cut ones are left out, and what is almost surely lettering: a camera's clock, a sign. In a
        picture with colors, also tell what can be told of the vehicle around each.

        Of 32 plates that a side cuts beside others in 2,115 training photos six are read right, and of 25 no one could
        say what they are; of eight that are alone in theirs seven are. A least confidence of 0 leaves none out.
        """
        plates = self.recognize(picture)
        whole = tuple(
            plate
            for plate in plates.plates
            if not is_cut(plate.box, picture.shape)
            and not is_lettering(plate.score, plate.look, evidence=plate.evidence)
        )
        reported = whole if whole and self.minimum_confidence > 0 else plates.plates
        if picture.ndim == 3:
            reported = tuple(replace(plate, vehicle=self.appearance(picture, plate.corners)) for plate in reported)
        return replace(plates, plates=reported)

    def recognize_crop(self, picture: NDArray[np.uint8]) -> Recognition:
        """Read an H x W or H x W x 3 (BGR) uint8 picture that shows one plate and nothing else."""
        start = perf_counter()
        height, width = picture.shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        gray = as_gray(picture)
        observations, rectified = self._observe_crop(gray, corners)
        plate = self._issued(Plate(self.reader.settle(observations), 1.0, corners), observations, rectified)
        return _recognition([plate], start=start, detected=start, end=perf_counter())

    def impression(self, plates: Sequence[NDArray[np.uint8]], text: str) -> Impression:
        """Return what so many looks at a plate tell besides its text, each 64 x 160 uint8; nothing without the file."""
        return NONE if self.region is None else self.region.impression(plates, text)

    def appearance(self, frame: NDArray[np.uint8], corners: Corners) -> Appearance:
        """Return what can be told of the vehicle around a plate in an H x W x 3 uint8 BGR frame."""
        return NOTHING if self.vehicle is None else self.vehicle.observe(frame, corners)

    def _observe_crop(self, gray: NDArray[np.uint8], corners: Corners) -> tuple[list[Observation], NDArray[np.uint8]]:
        """Look at a crop; return the looks, and the plate as the first of them had it.

        One in doubt, which may be loose, is also looked at by the corners found in it, and one that stays in doubt by
        those found in it turned.
        """
        whole = stretched(gray)
        observations = self.reader.observe_thoroughly(whole)
        if observations[0].doubtful:
            observations += self._observe_within(gray, corners)
        if claimed(observations) >= UPRIGHT:
            return observations, whole
        plates = [_rectified(gray, place) for place in leaning(self.detector, gray)]
        turned = [look for plate in plates for look in self.reader.observe_thoroughly(plate)]
        if turned and claimed(turned) > claimed(observations):
            return turned, plates[0]
        return observations, whole

    def _observe_within(self, gray: NDArray[np.uint8], corners: Corners) -> list[Observation]:
        """Look at the plate that is found within the corners of a crop, if it is."""
        spare = round(SPARE * gray.shape[1])
        padded = cv2.copyMakeBorder(gray, spare, spare, spare, spare, cv2.BORDER_REPLICATE)
        around = Detection(1.0, (corners + spare).astype(np.float32))
        (better,) = closer(self.detector, padded.astype(np.uint8, copy=False), [around])
        if better is around.corners:
            return []
        plate = _rectified(gray, (better - spare).astype(np.float32))
        return [self.reader.observe(plate), *self.reader.observe_moved(plate)]

    def _legible(self, gray: NDArray[np.uint8], detections: list[Detection]) -> list[Plate]:
        """Read what was detected, and say who issued it; what can hardly be read is left out, be it a plate or not."""
        return [
            _weighed(self._issued(plate, observations, _rectified(gray, plate.corners)))
            for plate, observations in self._read(gray, detections)
            if plate.text and plate.reading.confidence >= self.minimum_confidence
        ]

    def _issued(self, plate: Plate, observations: Sequence[Observation], rectified: NDArray[np.uint8]) -> Plate:
        """Say who issued a plate that was read from so many looks; if states may have, their formats count."""
        impression = self.impression([rectified], plate.text)
        if impression.states and in_doubt(observations):
            plate = replace(plate, reading=self.reader.settle(observations, impression.states))
        return replace(plate, issuer=impression.issuer, look=impression.plate, evidence=impression.evidence)

    def _observe(self, gray: NDArray[np.uint8], corners: Corners) -> list[Observation]:
        """Look at a plate by its corners and, unless that is sure or hopeless, by the box around them."""
        first = self.reader.observe(_rectified(gray, corners))
        best = first.hypotheses[0]
        if best.probability < LOST or (best.text and best.probability >= SURE):
            return [first]
        return [first, self.reader.observe(_rectified(gray, upright(corners)))]

    def _observe_nearer(self, cornered: NDArray[np.uint8], boxed: NDArray[np.uint8]) -> list[Observation]:
        """Look again at a plate cut out by better corners and by their box: each look is a little wrong in another way.

        Ten looks, each of the two plain and moved in every way, read no more plates than these four.
        """
        turned = AGAIN[0]
        shifted_up = AGAIN[2]
        shifted_down = AGAIN[3]
        plates = [cornered, moved(cornered, shifted_up), moved(boxed, turned), moved(boxed, shifted_down)]
        return [self.reader.observe(plate) for plate in plates]

    def _read(self, gray: NDArray[np.uint8], detections: list[Detection]) -> list[tuple[Plate, list[Observation]]]:
        """Read what was detected, and return the looks too; what stays in doubt is looked at again from nearer."""
        corners = [detection.corners for detection in detections]
        observations = [self._observe(gray, place) for place in corners]
        doubtful = [number for number, seen in enumerate(observations) if in_doubt(seen)]
        nearer = closer(self.detector, gray, [detections[number] for number in doubtful])
        for number, better in zip(doubtful, nearer, strict=True):
            corners[number] = better
            observations[number] += self._observe_nearer(*_both_ways(gray, better))
        return [
            (Plate(self.reader.settle(seen), detection.score, place), seen)
            for seen, detection, place in zip(observations, detections, corners, strict=True)
        ]


def plate_probability(score: float, look: float | None, text: str, *, evidence: Evidence) -> float:
    """Return how likely what can be read is a plate rather than lettering, 0 to 1.

    Args:
        score: the detector's.
        look: logit by its look, see `Impression.plate`; None where that is unknown.
        evidence: what that logit is worth.
        text: what it says; without any digit it is far more often a sign than a personalized plate.

    """
    if look is None:
        middle, width = PLATE
        return 1 / (1 + exp(-(score - middle) / width))
    digits = any(character in "23456789" for character in text)
    return 1 / (1 + exp((0 if digits else WORD) - evidence.log_odds(score, look)))


def is_lettering(score: float, look: float | None, least: float = LETTERING, *, evidence: Evidence) -> bool:
    """Return whether the log odds that something is a plate, whatever it says, are less than at least wanted.

    That is never so without a logit by its look: the score alone tells too little.
    """
    return look is not None and evidence.log_odds(score, look) < least


def _weighed(plate: Plate) -> Plate:
    """Make the probabilities of texts those of a plate that says so, by how likely it is one."""
    share, reading = plate_probability(plate.score, plate.look, plate.text, evidence=plate.evidence), plate.reading
    others = tuple(replace(other, probability=other.probability * share) for other in reading.alternatives)
    return replace(plate, reading=replace(reading, confidence=reading.confidence * share, alternatives=others))


def _rectified(gray: NDArray[np.uint8], corners: Corners) -> NDArray[np.uint8]:
    return rectify(gray, corners, width=WIDTH, height=HEIGHT, margin=MARGIN)


def _both_ways(gray: NDArray[np.uint8], corners: Corners) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut a plate out by its corners and by the upright box around them: two ways to be a little wrong."""
    return _rectified(gray, corners), _rectified(gray, upright(corners))


def as_gray(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma of a picture that is H x W already, or H x W x 3 BGR, uint8; raises PictureError for another."""
    if picture.dtype != np.uint8 or not picture.size or picture.ndim < 2 or picture.shape[2:] not in {(), (3,)}:
        shape = " x ".join(map(str, picture.shape))
        raise PictureError(f"a picture is H x W, or H x W x 3 in BGR, of uint8, and not {shape} of {picture.dtype}")
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def _recognition(plates: list[Plate], *, start: float, detected: float, end: float) -> Recognition:
    """Put the plate first that the picture is likeliest about: sure, and from nearby."""
    readable = [plate for plate in plates if plate.text]
    readable.sort(
        key=lambda plate: plate.score * plate.reading.confidence * plate_size(plate.corners)[0] ** 2, reverse=True
    )
    thousand = 1000.0
    milliseconds = Milliseconds(
        detect=(detected - start) * thousand, read=(end - detected) * thousand, total=(end - start) * thousand
    )
    return Recognition(tuple(readable), milliseconds)
