"""How much a text looks like the serial of a US plate: enough to doubt a look-alike and to break a tie, never to force.

4XZ132 and AXZ132 are one stroke apart, and both are plates that some state issues; but a letter in the first place of
six is far more common than a digit followed by two letters. What is known of this is a chain of letters and digits
(Markov's, of order one) over the serials that the states issue. It moves the confidence of a text. Between texts it is
the whole format that chooses. Where nothing is known of the issuer, only if the network has hardly a choice: a text of
no listed format, such as a personalized plate's or a government's, gives way to one of a listed format unless the
network is twice as sure of it. Where the issuer's network gives states, a text of one's formats counts as much more as
it is likely that this state issued the plate.

How a text is spelled, O or 0 and I or 1, follows from the formats it fits, where all of them say the same.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

from platepost.device.vision.ctc import HIDDEN, LOOK_ALIKES, Hypothesis, folded
from platepost.device.vision.serials import STATES, UNITED_STATES

BOUND: Final = 3.0
"""Largest factor by which a likelier or less likely serial counts for more or less; see the reader's model card."""
TIE: Final = 2.0
"""Factor within which a serial of a listed format is preferred to a text of none that the network prefers.

Of 6,400 drawn plates of listed formats it sets 54 right and none wrong, of 3,200 others one right and four wrong. See
the reader's model card.
"""
ISSUED: Final = 7.0
"""How much likelier a text of its issuer's formats is than one that the network finds as likely and that has none.

The true factor is greater, but what the network finds unlikely is seldom right. Of 5, 7, 10 and 20 it is best on worse
copies of training photos and on drawn plates; see the reader's experiments.
"""
States = tuple[tuple[str, float], ...]
"""Which states may have issued a plate, as of `platepost.device.vision.serials.STATES`, each with its probability."""
_EITHER: Final = frozenset([*LOOK_ALIKES, *LOOK_ALIKES.values()])
_OPEN: Final = _EITHER | {HIDDEN}
_LETTERS: Final = {digit: letter for letter, digit in LOOK_ALIKES.items()}
_FITTING: Final = {"9": "9?", "A": "AQ?", "B": "A"}
"""What fits a place of a format."""
_SMOOTHING: Final = 0.5
"""Added to each count, so that nothing is impossible."""


def preferred(hypotheses: Sequence[Hypothesis], serials: str = UNITED_STATES) -> list[Hypothesis]:
    """Return `hypotheses`, likeliest first, with a listed serial before a text of no format that is hardly likelier.

    `serials` are formats as in `platepost.device.vision.serials`.
    """
    first, *others = hypotheses
    if not first.text or listed(first.text, serials):
        return [first, *others]
    near = (other for other in others if other.probability * TIE > first.probability and listed(other.text, serials))
    best = max(near, key=lambda other: other.probability, default=first)
    return [best, *(other for other in hypotheses if other is not best)]


def weighed(hypotheses: Sequence[Hypothesis], states: States) -> list[Hypothesis]:
    """Return `hypotheses`, likeliest first, with their probabilities after it is known which states may have issued it.

    What is left to 1 is for all other texts, and speaks for no format.
    """
    shares = [hypothesis.probability * favor(hypothesis.text, states) for hypothesis in hypotheses]
    total = max(0.0, 1 - sum(hypothesis.probability for hypothesis in hypotheses)) + sum(shares)
    reweighted = [
        Hypothesis(hypothesis.text, share / total) for hypothesis, share in zip(hypotheses, shares, strict=True)
    ]
    return sorted(reweighted, key=lambda hypothesis: -hypothesis.probability)


def favor(text: str, states: States) -> float:
    """Return how much more a text counts if these states may have issued it, from 1 to `ISSUED`."""
    return 1 + (ISSUED - 1) * sum(share for state, share in states if listed(text, STATES[state]))


def doubted(hypotheses: Sequence[Hypothesis]) -> float:
    """Return the claim of the first of `hypotheses` after the others are weighed by how plausible their serials are.

    What the network gives to another text counts up to `BOUND` times as much where that is the likelier serial, and
    down to its `BOUND`th part where it is the less likely one.
    """
    best, *others = hypotheses
    own = plausibility(best.text)
    left = 1 - best.probability
    for other in others:
        left += other.probability * (_favor(other.text, own, BOUND) - 1)
    return best.probability / (best.probability + max(left, 0.0)) if best.probability > 0 else 0.0


def listed(text: str, serials: str = UNITED_STATES) -> bool:
    """Whether a text is of a format of `serials`; O and 0, I and 1 may stand for either kind."""
    return bool(_fitting(_kinds(text), serials))


def spelled(text: str, serials: str) -> str:
    """Spell O or 0 and I or 1 in a text as all formats of `serials` that it fits have it; elsewhere they stay.

    Nothing else of the text changes, and nothing at all where it fits no format.
    """
    formats = _fitting(_kinds(text), serials)
    return "".join(_spelled(c, {places[index] for places in formats}) for index, c in enumerate(text))


def plausibility(text: str) -> float:
    """Return the probability, greater than 0, of a text's letters and digits among US serials, as the chain has it.

    O and 0, I and 1 may stand for either kind: both ways are added.
    """
    return _chain(_kinds(text).replace("Q", "A"))


def _spelled(character: str, places: set[str]) -> str:
    if character not in _EITHER or len(places) != 1:
        return character
    digit = folded(character)
    return digit if places == {"9"} else _LETTERS[digit]


def _kinds(text: str) -> str:
    """Return "9" for a digit, "?" for O, 0, I, 1 and what is hidden, "Q" for a Q and "A" for any other letter."""
    return "".join("?" if c in _OPEN else "9" if c.isdigit() else "Q" if c == "Q" else "A" for c in text)


@cache
def _fitting(kinds: str, serials: str) -> tuple[str, ...]:
    return tuple(
        serial
        for serial in dict.fromkeys(serials.split())
        if len(serial) == len(kinds) and all(map(str.__contains__, map(_FITTING.__getitem__, serial), kinds))
    )


def _favor(text: str, own: float, bound: float) -> float:
    """Return how much more plausible a text is than one of plausibility `own`, from 1 / `bound` to `bound`."""
    return min(bound, max(1 / bound, plausibility(text) / own))


@cache
def _steps() -> dict[str, dict[str, float]]:
    counts = Counter(step for serial in UNITED_STATES.split() for step in zip(f"^{serial}", f"{serial}$", strict=True))
    steps = {}
    for origin in "^A9":
        smooth = {following: counts[origin, following] + _SMOOTHING for following in "A9$"}
        steps[origin] = {following: count / sum(smooth.values()) for following, count in smooth.items()}
    return steps


@cache
def _chain(kinds: str) -> float:
    ways = {"^": 1.0}
    for kind in kinds:
        following = "A9" if kind == "?" else kind
        ways = {k: sum(chance * _steps()[origin][k] for origin, chance in ways.items()) for k in following}
    return sum(chance * _steps()[origin]["$"] for origin, chance in ways.items())
