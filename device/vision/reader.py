"""The plate reader: a rectified gray plate in, characters out."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import ConfigurationError
from platepost.device.vision.calibration import Calibration
from platepost.device.vision.ctc import (
    ALPHABET,
    HIDDEN,
    LOOK_ALIKES,
    Hypothesis,
    beam_search,
    columns_of,
    merge_look_alikes,
    softmax,
    spell,
)
from platepost.device.vision.formats import States, doubted, preferred, spelled, weighed
from platepost.device.vision.geometry import Corners, rectify
from platepost.device.vision.interpreter import Network
from platepost.device.vision.serials import COUNTRIES, Country

WIDTH, HEIGHT = 160, 64
"""Pixels of the network's input."""
MARGIN = 0.04
"""Share of the input that is kept around the plate on each side, for corners are never exact."""
COLUMNS = 40
"""Steps across the plate for which the network says what it sees."""
TEXT, HIDES = (1, COLUMNS, len(ALPHABET)), (1, COLUMNS, 1)
"""Shapes of the network's answers: classes of each column, and whether something hides a character there.

A network without the second sees nothing that hides.
"""
LEAST_ALTERNATIVE = 0.001
"""Probability below which an alternative is not worth telling."""
DOUBTFUL = 0.95
"""Claimed probability below which a still picture is looked at again, slightly turned and slightly shifted."""
HOPELESS = 0.02
"""Claimed probability below which further looks are a waste: a wall, or a plate too far away."""
SUSPECT = 0.05
"""Probability below which nothing hides a character, whatever gap is there."""
GAP = (1.6, 2.6)
"""Distance of two neighboring characters, by the usual one, at which there is room for one between them."""
RAISED = 2.0
"""Log odds by which it is likelier in such a gap that something hides a character."""
AGAIN = ((0.03, 0.0), (-0.03, 0.0), (0.0, -2.5), (0.0, 2.5))
"""Further looks, each a turn (radians) and a shift down (pixels of the input): the corners may have been a little off.

Chosen on plates held out from training; see the model card for what was tried.
"""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character of a reading; its confidence takes O and 0, I and 1 for one."""

    character: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one plate says."""

    text: str
    confidence: float
    """Calibrated probability that the whole text is right, with O and 0, I and 1 taken for one; 0 to 1."""
    characters: tuple[Glyph, ...]
    alternatives: tuple[Hypothesis, ...]
    """Other texts, the likeliest first; none differs from the text by O and 0 or I and 1 alone, or is surer than it."""
    columns: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    """[40 columns, 38 classes], look-alike letters merged: what the network saw in a single look; None of several."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the network says of one picture of a plate."""

    probabilities: NDArray[np.float32]
    """[40 columns, 38 classes]."""
    hypotheses: tuple[Hypothesis, ...]
    """Texts with look-alike letters merged into their digits, the likeliest first; claimed, not yet calibrated."""

    def claims(self, text: str) -> float:
        """Return the probability of a text among the hypotheses, 0 if it is none of them."""
        return next((one.probability for one in self.hypotheses if one.text == text), 0.0)

    @property
    def doubtful(self) -> bool:
        """Whether further looks are worth their time."""
        best = self.hypotheses[0]
        return bool(best.text) and HOPELESS <= best.probability < DOUBTFUL


class Reader:
    """Reads plates with an int8 convolutional network trained by CTC."""

    def __init__(
        self,
        path: Path,
        *,
        country: Country = "US",
        runtime: str | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """Load the reader of `path`, and its calibration, if none is given, from the file beside it.

        `country` issued most of what will be read: its formats break ties, and outside the US they spell O, 0, I and 1.

        Raises:
            BackendError: no TFLite runtime.
            ConfigurationError: no such country.
            ModelError: a file is no reader of this device, or damaged, or the calibration is another reader's.

        """
        if country not in COUNTRIES:
            raise ConfigurationError(f"no formats of country {country!r}; known are {', '.join(COUNTRIES)}")
        self.model = Network(path, runtime=runtime)
        shapes = [output.shape for output in self.model.outputs]
        self._text, self._hides = (shapes.index(shape) if shape in shapes else -1 for shape in (TEXT, HIDES))
        self.model.expect(
            input_shape=(1, HEIGHT, WIDTH, 1), output_shapes=(TEXT, HIDES) if self._hides >= 0 else (TEXT,)
        )
        self.calibration = calibration or Calibration.beside(path, digest=self.model.digest)
        self._serials = COUNTRIES[country]
        self._spells = country != "US"  # states have formats that no list knows, and many plates are personalized

    def read(self, gray: NDArray[np.uint8], corners: Corners) -> Reading:
        """Read the plate at `corners` of an H x W uint8 picture, with further looks if the first is in doubt."""
        return self.read_rectified(rectify(gray, corners, width=WIDTH, height=HEIGHT, margin=MARGIN), again=True)

    def read_rectified(self, plate: NDArray[np.uint8], *, again: bool = False) -> Reading:
        """Read a 64 x 160 uint8 plate seen from the front; `again` allows further looks if the first is in doubt."""
        return self.settle(self.observe_thoroughly(plate) if again else [self.observe(plate)])

    def observe(self, plate: NDArray[np.uint8]) -> Observation:
        """Look once at a 64 x 160 uint8 plate seen from the front."""
        answers = self.model.run((plate ^ 0x80).view(np.int8)[None, :, :, None])
        hidden = np.zeros((COLUMNS, 1), np.float32)
        if self._hides >= 0:
            logits = self.model.outputs[self._hides].real(answers[self._hides][0])
            hidden = (1 / (1 + np.exp(-logits))).astype(np.float32)
        letters = softmax(self.model.outputs[self._text].real(answers[self._text][0]))
        seen = _observation(letters, hidden)
        raised = _raised_in_gaps(seen, hidden)
        return seen if raised is None else _observation(letters, raised)

    def observe_thoroughly(self, plate: NDArray[np.uint8]) -> list[Observation]:
        """Look at a 64 x 160 uint8 plate, and if that is in doubt, slightly moved as well."""
        first = self.observe(plate)
        return [first, *self.observe_moved(plate)] if first.doubtful else [first]

    def observe_moved(self, plate: NDArray[np.uint8]) -> list[Observation]:
        """Look at a 64 x 160 uint8 plate slightly turned either way and slightly shifted either way."""
        return [self.observe(moved(plate, by)) for by in AGAIN]

    def settle(self, observations: Sequence[Observation], states: States = ()) -> Reading:
        """Make one reading of looks at the same plate: the text that is likeliest in their mean.

        The formats of `states`, which may have issued it, speak for a text; where none are given, the country's break
        ties.

        Raises:
            ValueError: there is no look.

        """
        if not observations:
            raise ValueError("a reading needs at least one look")
        together = _together(observations)
        together = weighed(together, states) if states else preferred(together, self._serials)
        best, *others = together
        # Spelled as by the look that sees it most clearly.
        clearest = spell(max(observations, key=lambda look: look.claims(best.text)).probabilities, best.text)
        confidence = self.calibration(doubted(together)) if best.text else best.probability
        text = self._issued("".join(character for character, _ in clearest))
        # What is left goes to the others by the share that the network gives them; none is surer than the text, which
        # may have been preferred for its format.
        factor = min(1.0, (1 - confidence) / max(1 - best.probability, 1e-9))
        return Reading(
            text=text,
            confidence=confidence,
            characters=tuple(
                Glyph(character, min(1.0, sure)) for character, (_, sure) in zip(text, clearest, strict=True)
            ),
            alternatives=tuple(
                Hypothesis(self._issued(_spelled(observations[0], other.text, best.text, text)), share)
                for other in others
                if other.text and (share := min(other.probability * factor, confidence)) >= LEAST_ALTERNATIVE
            ),
            columns=merge_look_alikes(observations[0].probabilities) if len(observations) == 1 else None,
        )

    def _issued(self, text: str) -> str:
        return spelled(text, self._serials) if self._spells else text


def _observation(letters: NDArray[np.float32], hidden: NDArray[np.float32]) -> Observation:
    """Put together what is written, [40, 37], and what is hidden, [40, 1]."""
    probabilities = np.hstack([letters * (1 - hidden), hidden])
    return Observation(probabilities, tuple(beam_search(merge_look_alikes(probabilities))))


def _raised_in_gaps(seen: Observation, hidden: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return what is hidden, [40, 1], likelier where the text has a gap; None where that changes nothing.

    A logo makes a gap as well, so the gap alone says nothing: the network must suspect something there.
    """
    text = seen.hypotheses[0].text
    if hidden.max() < SUSPECT or HIDDEN in text or len(text) < 3:
        return None
    spans = columns_of(merge_look_alikes(seen.probabilities), text)
    if not all(spans):
        return None
    middles = np.array([sum(span) / len(span) for span in spans])
    steps = np.diff(middles)
    usual = float(np.median(steps))
    raised = hidden.copy()
    for left, right, step in zip(middles[:-1], middles[1:], steps, strict=True):
        if GAP[0] * usual <= step <= GAP[1] * usual:
            within = slice(math.ceil(left + 0.4 * usual), math.floor(right - 0.4 * usual) + 1)
            raised[within] = 1 / (1 + (1 / raised[within] - 1) * math.exp(-RAISED))
    return raised if (raised != hidden).any() else None


def in_doubt(observations: Sequence[Observation]) -> bool:
    """Tell whether looks at one plate leave a doubt that further ones may settle: one is unsure, or they disagree."""
    texts = {look.hypotheses[0].text for look in observations}
    disagree = len(texts) > 1 and any(look.hypotheses[0].probability >= HOPELESS for look in observations)
    return disagree or any(look.doubtful for look in observations)


def claimed(observations: Sequence[Observation]) -> float:
    """Return the probability of the text that is likeliest in the mean of looks at one plate; 0 where that is none."""
    best = _together(observations)[0]
    return best.probability if best.text else 0.0


def stretched(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch an H x W uint8 picture that shows one plate and nothing else to the reader's 64 x 160."""
    larger = crop.shape[0] > HEIGHT or crop.shape[1] > WIDTH
    smooth = cv2.INTER_AREA if larger else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (WIDTH, HEIGHT), interpolation=smooth), dtype=np.uint8)


def _spelled(look: Observation, text: str, like: str, spelled: str) -> str:
    """Spell a text as the likeliest one `like` is spelled, where both say the same; aligning again takes its time."""
    digits = LOOK_ALIKES.values()
    if len(text) == len(like) and all(c == other or c not in digits for c, other in zip(text, like, strict=True)):
        return "".join(s if c in digits else c for c, s in zip(text, spelled, strict=True))
    if not any(digit in text for digit in digits):
        return text
    return "".join(character for character, _ in spell(look.probabilities, text))


def moved(plate: NDArray[np.uint8], by: tuple[float, float]) -> NDArray[np.uint8]:
    """Turn (radians) a 64 x 160 uint8 plate about its middle and shift it down (pixels)."""
    turn, down = by
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    move = np.column_stack([rotation, middle + np.array([0, down]) - rotation @ middle]).astype(np.float32)
    result = cv2.warpAffine(plate, move, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(result, dtype=np.uint8)


def _together(observations: Sequence[Observation]) -> list[Hypothesis]:
    """Return the mean of the looks' probabilities of each text, the likeliest first."""
    sums: dict[str, float] = defaultdict(float)
    for look in observations:
        for hypothesis in look.hypotheses:
            sums[hypothesis.text] += hypothesis.probability / len(observations)
    return [Hypothesis(text, share) for text, share in sorted(sums.items(), key=lambda item: -item[1])]
