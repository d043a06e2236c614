"""How much a text looks like the serial of a US plate: enough to doubt a look-alike and to break a tie, never to force.

4YE132 and AYE132 are one stroke apart, and both are plates that some state issues; but a letter in the first place of
six is far more common than a digit followed by two letters. What is known of this is a chain of letters and digits
(Markov's, of order one) over the serials that the states issue. It moves the confidence of a text. Between texts it is
the whole format that chooses, and only where the network has hardly a choice: a text of no listed format, such as a
personalised plate's or a government's, gives way to one of a listed format unless the network is twice as sure of it.
A text of a listed format stands, however rare the format.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

from device.vision.ctc import LOOK_ALIKES, Hypothesis

SERIALS: Final = (
    "9AA9999 99AA999 AAA999 AAA9999 AAA9AAA A9A9AAA AAA9A9A A9A9A9A 9AA9AAA 99A9AAA 9AA9A9A 99A9A9A 999AAA AAA99A "
    "9AAA999 999AAA9 9A99999 99999A9 AAA999 AAAA99 999AAA AA99999 999999 AA9999 AAAA99 999AAA A999AA 9999AA AAA9999 "
    "AAA999 A999999 9A99999 9AA9999 AA99999 A999999 999A 999AA 999AAA AAA999 999AAA 9999AAA 999AAA AAA999 999AAA "
    "9999AA 9AA9999 9AAA99 9AA999 999AA9 99AA99 AAA9999 9AAA99 999AAA AAA999 AAA999 AAA9999 AA9A9A 999999A AAA999 "
    "9A9999 99A999 99A999 999A99 AAA999 9999999 A99AAA AAA99A AAAA99 999AAA AAA9999 AAA9999 999AAA AAA9999 AAA999 "
    "999AAA AAA9999 999999 AA999 AAA999 999AAA 9AA999 99A999 A9999A AAA9999 AAA9999 AA9A999 A999AA AAA999 AAA9999 "
    "AAA9999 999AAA A99999 AAA9999 999AAA 999999"
)
"""Serials of the states' passenger and commercial plates (A a letter, 9 a digit), Alabama to Wyoming, each state's own.

From the states' published formats, as Wikipedia's "United States license plate designs and serial formats" has them.
Arizona has nine: AAA9999, and since April 2020 random serials of eight more, as Wikipedia's "Vehicle registration
plates of Arizona" lists them.
"""
BOUND: Final = 3.0
"""Largest factor by which a likelier or less likely serial counts for more or less; see the reader's model card."""
TIE: Final = 2.0
"""Factor within which a serial of a listed format is preferred to a text of none that the network prefers.

Of 6,400 drawn plates of listed formats it sets 54 right and none wrong, of 3,200 others one right and four wrong. See
the reader's model card.
"""
_EITHER: Final = frozenset([*LOOK_ALIKES, *LOOK_ALIKES.values()])
_SMOOTHING: Final = 0.5
"""Added to each count, so that nothing is impossible."""


def preferred(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Return `hypotheses`, likeliest first, with a listed serial before a text of no format that is hardly likelier."""
    first, *others = hypotheses
    if not first.text or listed(first.text):
        return [first, *others]
    near = (other for other in others if other.probability * TIE > first.probability and listed(other.text))
    best = max(near, key=lambda other: other.probability, default=first)
    return [best, *(other for other in hypotheses if other is not best)]


def doubted(hypotheses: Sequence[Hypothesis]) -> float:
    """Return the claim of the first of `hypotheses` after the others are weighed by how plausible their serials are.

    What the network gives to another text counts up to `BOUND` times as much where that is the likelier serial, and
    down to its `BOUND`th part where it is the less likely one.
    """
    best, *others = hypotheses
    own = plausibility(best.text)
    left = 1 - best.probability
    for other in others:
        left += other.probability * (_favour(other.text, own, BOUND) - 1)
    return best.probability / (best.probability + max(left, 0.0)) if best.probability > 0 else 0.0


def listed(text: str) -> bool:
    """Whether a text is of a format of `SERIALS`; O and 0, I and 1 may stand for either kind."""
    return _listed(_kinds(text))


def plausibility(text: str) -> float:
    """Return the probability, greater than 0, of a text's letters and digits among US serials, as the chain has it.

    O and 0, I and 1 may stand for either kind: both ways are added.
    """
    return _chain(_kinds(text))


def _kinds(text: str) -> str:
    return "".join("?" if c in _EITHER else "9" if c.isdigit() else "A" for c in text)


@cache
def _listed(kinds: str) -> bool:
    return any(
        len(serial) == len(kinds) and all(kind in ("?", place) for kind, place in zip(kinds, serial, strict=True))
        for serial in SERIALS.split()
    )


def _favour(text: str, own: float, bound: float) -> float:
    """Return how much more plausible a text is than one of plausibility `own`, from 1 / `bound` to `bound`."""
    return min(bound, max(1 / bound, plausibility(text) / own))


@cache
def _steps() -> dict[str, dict[str, float]]:
    counts = Counter(step for serial in SERIALS.split() for step in zip(f"^{serial}", f"{serial}$", strict=True))
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
