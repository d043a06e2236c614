"""Real plates whose characters change places: new serials in the texture, light and blur of a photograph.

A few hundred real plates are soon known by heart. Each has its characters in cells of about one width, so that any
character can stand in any other's place; what a network can then learn of the picture is how its characters look, and
no longer what it says.
"""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.device.vision.ctc import ALPHABET, merge_look_alikes
from platepost.device.vision.reader import Reader
from platepost.models.evaluate.spelling import fold
from platepost.models.plates.degrade import READER_MARGIN
from platepost.models.plates.surroundings import FRAMED_SHAPE, MARGIN, Gray
from platepost.models.reader.real import Framed, RealPlate

Cells = tuple[tuple[int, int], ...]
"""First column and the one past the last of each character, in a picture of `FRAMED_SHAPE`."""

_LEAST: Final = 9
"""Columns that a cell has at least; narrower ones are no characters, or crowded."""
_LOOSEST: Final = 1.45
"""Distance of neighbors, by the usual one, from which on a logo or a gap stands between them."""
_SIMILAR: Final = 1.5
"""How much wider one cell may be than another to change places with it."""
_LEAST_LIKELY: Final = 0.3
"""Probability of the text's best alignment, as the reader has it, below which its columns are not believed."""
_STILL_THERE: Final = 0.05
"""Probability that the reader must give to a new text: below, a character was cut through."""


FRAMED_PLATE: Final = (
    MARGIN / (1 + 2 * MARGIN) * FRAMED_SHAPE[1],
    MARGIN / (1 + 2 * MARGIN) * FRAMED_SHAPE[0],
    (1 + MARGIN) / (1 + 2 * MARGIN) * FRAMED_SHAPE[1],
    (1 + MARGIN) / (1 + 2 * MARGIN) * FRAMED_SHAPE[0],
)
"""Box of the plate in a picture of `FRAMED_SHAPE`."""


def find_cells(plate: RealPlate, reader: Reader) -> Cells | None:
    """Find where the characters of a plate stand, with a trained reader and the known text.

    Args:
        plate: with its text.
        reader: tells in which columns it sees which character.

    Returns:
        None if the reader does not see the text there, or if its characters do not stand apart.
    """
    centers = _centers(plate, reader)
    if centers is None or len(centers) < 3:
        return None
    steps = np.diff(centers)
    usual = float(np.median(steps))
    if usual < _LEAST or float(steps.min()) < 0.5 * usual:
        return None
    written = _written(plate.framed())
    close = np.flatnonzero(steps < _LOOSEST * usual)
    if not len(close):
        return None
    # A network fires where it is sure, left or right of a character's middle, but much the same for all of a plate.
    shifts = np.linspace(-0.45, 0.45, 19) * usual
    between = (centers[close] + centers[close + 1]) / 2
    centers = centers + min(shifts, key=lambda shift: float(written[_column(between + shift)].sum()))
    left, right = centers - usual / 2, centers + usual / 2
    for place in close:
        right[place] = left[place + 1] = _gap(written, (centers[place] + centers[place + 1]) / 2, 0.15 * usual)
    cells = tuple((round(float(low)), round(float(high))) for low, high in zip(left, right, strict=True))
    if any(high - low < _LEAST or low < 0 or high > FRAMED_SHAPE[1] for low, high in cells):
        return None
    return cells


def shuffle(picture: Gray, text: str, cells: Cells, rng: np.random.Generator) -> tuple[Gray, str]:
    """Give places the characters of other places.

    Args:
        picture: the plate as `RealPlate.framed` gives it; it is left unchanged.
        text: what it says.
        cells: where its characters stand.
        rng: draws who goes where; a character may come twice, and another not at all.

    Returns:
        The new picture and what it says.
    """
    changed, characters = picture.copy(), list(text)
    for place, (low, high) in enumerate(cells):
        origin = int(rng.integers(len(cells)))
        first, last = cells[origin]
        ratio = (last - first) / (high - low)
        if origin == place or not 1 / _SIMILAR <= ratio <= _SIMILAR:
            continue
        taken = cv2.resize(picture[:, first:last], (high - low, picture.shape[0]), interpolation=cv2.INTER_LINEAR)
        fade = np.minimum(np.arange(1, high - low + 1), np.arange(high - low, 0, -1)).clip(0, 3) / 3.0
        mixed = changed[:, low:high] + (taken.astype(np.float32) - changed[:, low:high]) * fade.astype(np.float32)
        changed[:, low:high] = mixed.astype(np.uint8)
        characters[place] = text[origin]
    return changed, "".join(characters)


def shuffled_plates(plates: Iterable[RealPlate], reader: Reader, *, copies: int, seed: int) -> list[Framed]:
    """Shuffle every plate whose characters can be parted.

    Args:
        plates: real plates with texts.
        reader: a trained one; it finds the characters, and a result in which it sees nothing of the new text is left
            out.
        copies: how often each plate is tried.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    shuffled: list[Framed] = []
    for plate in plates:
        cells = find_cells(plate, reader)
        if cells is None:
            continue
        picture = plate.framed()
        for _ in range(copies):
            changed, text = shuffle(picture, plate.text, cells, rng)
            whole = RealPlate(changed, FRAMED_PLATE, text)
            chances = {h.text: h.probability for h in reader.observe(whole.rectified()).hypotheses}
            if text != plate.text and chances.get(fold(text), 0.0) >= _STILL_THERE:
                shuffled.append((changed, plate.width, text))
    return shuffled


def _centers(plate: RealPlate, reader: Reader) -> npt.NDArray[np.float64] | None:
    """Columns of the framed picture where the characters' middles are, by the likeliest alignment."""
    probabilities = merge_look_alikes(reader.observe(plate.rectified()).probabilities)
    spans = _aligned(np.log(np.maximum(probabilities, 1e-12)), fold(plate.text))
    if spans is None:
        return None
    at = np.array([sum(span) / len(span) + 0.5 for span in spans]) / len(probabilities)  # 0 to 1 over the input
    inside = (at - READER_MARGIN) / (1 - 2 * READER_MARGIN)
    return np.asarray((inside + MARGIN) / (1 + 2 * MARGIN) * FRAMED_SHAPE[1], np.float64)


def _aligned(logarithms: npt.NDArray[np.floating], text: str) -> list[list[int]] | None:
    """Columns of each character on Viterbi's way through a text with blanks between its characters."""
    symbols = [0]
    for character in text:
        symbols += [ALPHABET.index(character) + 1, 0]
    states = len(symbols)
    score = np.full(states, -np.inf)
    score[:2] = logarithms[0, symbols[:2]]
    origins = []
    for column in logarithms[1:]:
        reached, origin = np.full(states, -np.inf), np.zeros(states, int)
        for state, symbol in enumerate(symbols):
            skips = state > 1 and symbol not in (0, symbols[state - 2])
            before = range(max(0, state - (2 if skips else 1)), state + 1)
            origin[state] = max(before, key=lambda earlier: score[earlier])
            reached[state] = score[origin[state]] + column[symbol]
        score = reached
        origins.append(origin)
    state = states - 1 if score[-1] >= score[-2] else states - 2
    if score[state] < np.log(_LEAST_LIKELY):
        return None
    spans: list[list[int]] = [[] for _ in text]
    for place in range(len(logarithms) - 1, -1, -1):
        if symbols[state]:
            spans[state // 2].append(place)
        if place:
            state = int(origins[place - 1][state])
    return spans if all(spans) else None


def _written(picture: Gray) -> npt.NDArray[np.float32]:
    """How much is written in each column of a framed picture, in the rows of the serial."""
    height = picture.shape[0]
    rows = picture[round(height * 0.35) : round(height * 0.75)].astype(np.float32)
    ink = np.abs(cv2.Sobel(rows, cv2.CV_32F, 0, 1)).sum(0) + np.abs(cv2.Sobel(rows, cv2.CV_32F, 1, 0)).sum(0)
    return np.asarray(cv2.GaussianBlur(ink[None], (5, 1), 0)[0], np.float32)


def _column(at: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.clip(np.round(at), 0, FRAMED_SHAPE[1] - 1).astype(np.int64)


def _gap(written: npt.NDArray[np.float32], middle: float, reach: float) -> float:
    """Column near `middle` where least is written."""
    low, high = max(0, round(middle - reach)), min(len(written), round(middle + reach) + 1)
    return float(low + int(np.argmin(written[low:high])))
