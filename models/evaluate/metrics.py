"""What one picture's recognition is worth against the truth, and the figures of a whole set."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from platepost.device.vision.geometry import intersection_over_union
from platepost.device.vision.recognizer import Plate, Recognition
from platepost.device.vision.region import CALIFORNIA
from platepost.models.evaluate.manifest import LabelledPicture
from platepost.models.evaluate.reliability import brier_score, expected_calibration_error
from platepost.models.evaluate.spelling import edit_distance, fold, normalize
from platepost.wire.records.regions import OTHER

MATCH_IOU: Final = 0.5
CORRECT_SHARE: Final = 0.99
"""Of the reads that are surer than the threshold of the figure `coverage`, this share must be right."""


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture: what it shows, what was read, and what that is worth."""

    picture: LabelledPicture
    truth: str
    """The text that the best plate was held against; empty when the picture's texts are unknown."""
    read: str
    """Text of the best plate, of those that are no true plate of unknown text; empty when none was found."""
    confidence: float
    strict: bool
    folded: bool
    anywhere: bool
    """Whether any plate of the picture reads right, folded."""
    wrong_characters: int
    boxes: int
    """True plates whose place is known."""
    boxes_found: int
    extra: int
    """Plates told beyond those that match a true one; none are counted in a plate cut out."""
    milliseconds: tuple[float, float, float]
    """Of detector, reader, and all, by the clock on the wall."""
    cpu_milliseconds: float
    """CPU time of all: what a busy machine does not change."""
    plates: tuple[Plate, ...]
    region: str | None = None
    """Who issued the plate that the best plate was held against, where known."""
    claimed: str | None = None
    """Who is claimed to have issued the best plate, as records say it, or no one."""
    corrected: bool | None = None
    """`folded` by what the picture shows, where its label contradicts that; None where no one can tell."""

    @property
    def named(self) -> bool:
        """Whether a state is claimed: `other` names none."""
        return self.claimed not in {OTHER, None}

    @property
    def claim_right(self) -> bool:
        """Whether an issuer is claimed, and rightly."""
        if self.claimed == OTHER:
            return self.region != CALIFORNIA
        return self.claimed is not None and self.claimed == self.region


def compare(picture: LabelledPicture, recognition: Recognition, *, cpu_milliseconds: float = 0.0) -> PictureResult:
    """Hold what was recognized in a picture, in so much CPU time, against its plates."""
    plates = recognition.plates
    regions = {plate.text: plate.region for plate in picture.plates if plate.text and normalize(plate.text)}
    texts = list(regions)
    judged = [plate for plate in plates if not (texts and _of_unknown_text(picture, plate))]
    first = judged[0] if judged else None
    best = normalize(first.text) if first else ""
    truth = min(texts, key=lambda text: edit_distance(fold(text), fold(best)), default="")
    folded = {fold(text) for text in texts}
    boxes = _match_boxes(picture, plates)
    return PictureResult(
        picture=picture,
        truth=normalize(truth),
        read=best,
        confidence=first.reading.confidence if first else 0.0,
        strict=bool(texts) and best in {normalize(text) for text in texts},
        folded=fold(best) in folded,
        anywhere=any(fold(plate.text) in folded for plate in plates),
        wrong_characters=min(edit_distance(fold(truth), fold(best)), len(normalize(truth))),
        boxes=sum(plate.box is not None for plate in picture.plates),
        boxes_found=boxes,
        extra=0 if picture.cut_out else len(plates) - boxes,
        milliseconds=(recognition.milliseconds.detect, recognition.milliseconds.read, recognition.milliseconds.total),
        cpu_milliseconds=cpu_milliseconds,
        plates=plates,
        region=_told(regions.get(truth)),
        claimed=first.issuer.region if first and first.issuer else None,
        corrected=fold(best) in folded,
    )


def _told(region: str | None) -> str | None:
    """Leave out what tells no state: a plate of the country may be California's."""
    return None if region == "US" else region


def _of_unknown_text(picture: LabelledPicture, plate: Plate) -> bool:
    """Whether a plate told is a true one whose text is unknown: right or wrong, nothing of it can be said."""
    known = [(intersection_over_union(plate.box, true.box), true) for true in picture.plates if true.box is not None]
    overlap, nearest = max(known, key=lambda pair: pair[0], default=(0.0, None))
    return nearest is not None and overlap >= MATCH_IOU and not normalize(nearest.text or "")


def _match_boxes(picture: LabelledPicture, plates: Sequence[Plate]) -> int:
    """Return how many true boxes were found, one plate each."""
    boxes = [plate.box for plate in picture.plates if plate.box is not None]
    free = list(boxes)
    for plate in plates:
        best = max(free, key=lambda box: intersection_over_union(plate.box, box), default=None)
        if best is not None and intersection_over_union(plate.box, best) >= MATCH_IOU:
            free.remove(best)
    return len(boxes) - len(free)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a set; shares from 0 to 1, None where nothing of the kind was in the set."""

    pictures: int
    strict: float | None
    """Pictures whose best plate reads exactly right."""
    folded: float | None
    """The same with O counted as 0 and I as 1."""
    corrected: float | None
    """The same by `corrections.json`, without the pictures whose text no one can tell."""
    anywhere: float | None
    """Pictures any plate of which reads right, folded."""
    characters: float | None
    """Characters right, folded: 1 - edit distance / length over the whole set."""
    coverage: float | None
    """Largest share of pictures whose surest reads are together 99 % right, folded."""
    calibration_error: float | None
    """Expected calibration error of the best plates' confidence, over ten bins of equally many."""
    brier: float | None
    """Brier score of it."""
    region_named: float | None
    """Share of the plates read, of those whose issuer is known, of which a state is claimed; `other` is none."""
    named_right: float | None
    """Share of those states that are right."""
    region_told: float | None
    """As `region_named`, with `other` as a claim."""
    region_right: float | None
    """Share of those claims that are right."""
    california_told: float | None
    """Share of California's plates read of which it is claimed that they are."""
    california_false: float | None
    """Share of the others' plates read of which it is claimed that they are California's."""
    california_lost: float | None
    """Share of California's plates read of which another issuer is claimed."""
    box_recall: float | None
    extra: float | None
    """Plates too many a picture, those without any plate among them."""
    milliseconds: tuple[float, float, float]
    """Medians of detector, reader, all, by the clock on the wall."""
    cpu_milliseconds: float
    """Median CPU time of all."""


def summarise(results: Sequence[PictureResult]) -> Summary:
    """Sum up a set.

    Raises:
        ValueError: the set is empty.

    """
    if not results:
        raise ValueError("no pictures to sum up")
    texted = [result for result in results if result.truth]
    boxes = sum(result.boxes for result in results)
    photos = [result for result in results if not result.picture.cut_out]
    length = sum(len(result.truth) for result in texted)
    read = [result for result in texted if result.read]
    issued = [result for result in results if result.region and result.read]
    claims = [result for result in issued if result.claimed]
    corrected = [result.corrected for result in texted if result.corrected is not None]
    scores = [result.confidence for result in read], [result.folded for result in read]
    return Summary(
        pictures=len(results),
        strict=_share([result.strict for result in texted]),
        folded=_share([result.folded for result in texted]),
        corrected=_share(corrected),
        anywhere=_share([result.anywhere for result in texted]),
        characters=1 - sum(result.wrong_characters for result in texted) / length if length else None,
        coverage=coverage(texted),
        calibration_error=expected_calibration_error(*scores) if read else None,
        brier=brier_score(*scores) if read else None,
        region_named=_share([result.named for result in issued]),
        named_right=_share([result.claim_right for result in claims if result.named]),
        region_told=_share([result.claimed is not None for result in issued]),
        region_right=_share([result.claim_right for result in claims]),
        california_told=_share([o.claimed == CALIFORNIA for o in issued if o.region == CALIFORNIA]),
        california_false=_share([o.claimed == CALIFORNIA for o in issued if o.region != CALIFORNIA]),
        california_lost=_share([o.claimed not in (CALIFORNIA, None) for o in issued if o.region == CALIFORNIA]),
        box_recall=sum(result.boxes_found for result in results) / boxes if boxes else None,
        extra=sum(result.extra for result in photos) / len(photos) if photos else None,
        milliseconds=tuple(statistics.median(result.milliseconds[part] for result in results) for part in range(3)),  # type: ignore[arg-type]
        cpu_milliseconds=statistics.median(result.cpu_milliseconds for result in results),
    )


def coverage(results: Sequence[PictureResult], *, correct: float = CORRECT_SHARE) -> float | None:
    """Return the largest share of pictures that can be accepted by confidence alone with `correct` of them right."""
    if not results:
        return None
    ranked = sorted(results, key=lambda result: -result.confidence)
    right, accepted = 0, 0
    for number, result in enumerate(ranked, 1):
        right += result.folded
        # Reads of equal confidence are accepted together or not at all.
        last_of_tie = number == len(ranked) or ranked[number].confidence < result.confidence
        if last_of_tie and result.read and right / number >= correct:
            accepted = number
    return accepted / len(ranked)


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
