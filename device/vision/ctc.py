"""Connectionist temporal classification: from the reader's 40 columns of logits to texts and how likely each is.

Prefix beam search after Hannun et al., "First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs" (2014), without a language model: a plate owes nothing to any language, and a read is
never forced into a format.

O and 0 are one shape on most plates, and often I and 1; hot lists fold them. So the search does not tell them apart:
what the network says for either counts for both, else a plate of three zeros would be eight doubtful texts instead of
one sure one. Only how the text is spelled follows the network's own preference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HIDDEN = "?"
"""What is written for a character that something hides: a tow ball, a bolt, dirt."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" + HIDDEN
"""The characters of classes 1 to 37; class 0 is the blank."""

LOOK_ALIKES = {"O": "0", "I": "1"}
"""Letters that are searched for as the digit beside them; the hot list's keys fold the same."""

_FOLD = str.maketrans(LOOK_ALIKES)

BEAM_WIDTH = 8
"""Prefixes kept a column: past it nothing that matters was seen to change."""

NEGLIGIBLE = 1e-3
"""Probability below which a class of a column is not followed up."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One text that the columns may mean."""

    text: str
    probability: float
    """Of the whole text, summed over its alignments, 0 to 1."""


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits [..., classes] into probabilities of each column."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def folded(text: str) -> str:
    """Return a text with digits for look-alike letters: one plate, however it was spelled."""
    return text.translate(_FOLD)


def merge_look_alikes(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move what speaks for a look-alike letter to its digit; `probabilities` [columns, classes] stay as they are."""
    merged = probabilities.copy()
    for letter, digit in LOOK_ALIKES.items():
        merged[:, ALPHABET.index(digit) + 1] += merged[:, ALPHABET.index(letter) + 1]
        merged[:, ALPHABET.index(letter) + 1] = 0
    return merged


def beam_search(probabilities: NDArray[np.float32], *, width: int = BEAM_WIDTH) -> list[Hypothesis]:
    """Find the likeliest texts of `probabilities` [columns, classes], the likeliest first; never empty."""
    # For each prefix: the probability of all its alignments that end in a blank, and of those that end in its last
    # character.
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    for chances, candidates in zip(probabilities.tolist(), _followed(probabilities), strict=True):
        if candidates == [0]:  # most columns: nothing is written there, and the order stays
            blank = chances[0]
            beams = {prefix: ((ends[0] + ends[1]) * blank, 0.0) for prefix, ends in beams.items()}
            continue
        grown: dict[tuple[int, ...], list[float]] = {}
        for prefix, (blank_end, character_end) in beams.items():
            total = blank_end + character_end
            for symbol in candidates:
                chance = chances[symbol]
                if symbol == 0:
                    grown.setdefault(prefix, [0.0, 0.0])[0] += total * chance
                elif prefix and prefix[-1] == symbol:
                    # The same character again: without a blank between, it is the same stroke of the pen.
                    grown.setdefault(prefix, [0.0, 0.0])[1] += character_end * chance
                    grown.setdefault((*prefix, symbol), [0.0, 0.0])[1] += blank_end * chance
                else:
                    grown.setdefault((*prefix, symbol), [0.0, 0.0])[1] += total * chance
        best = sorted(grown.items(), key=lambda item: -(item[1][0] + item[1][1]))[:width]
        beams = {prefix: (ends[0], ends[1]) for prefix, ends in best}
    hypotheses = [Hypothesis(_written(prefix), min(1.0, sum(ends))) for prefix, ends in beams.items()]
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.probability)


def likelihoods(probabilities: NDArray[np.float32], texts: Sequence[str]) -> NDArray[np.float64]:
    """Return how likely each text is by merged `probabilities` [columns, classes], over all its alignments.

    The forward algorithm of Graves et al., "Connectionist temporal classification" (2006), all texts at once. Texts
    have digits for look-alike letters, and at least one character.
    """
    states = 2 * max(map(len, texts)) + 1
    symbols = np.zeros((len(texts), states), np.intp)
    for row, text in enumerate(texts):
        symbols[row, 1 : 2 * len(text) : 2] = [ALPHABET.index(character) + 1 for character in text]
    # Skipping a blank is allowed into a character that differs from the one before it.
    skips = np.zeros(symbols.shape)
    skips[:, 2:] = (symbols[:, 2:] != 0) & (symbols[:, 2:] != symbols[:, :-2])
    steps = probabilities[:, symbols].astype(np.float64)
    # Two states that nothing reaches stand before the first; all is done in place, for the arrays are small.
    padded = np.zeros((len(texts), states + 2))
    reached, one_before, two_before, onward = padded[:, 2:], padded[:, 1:-1], padded[:, :-2], np.empty(symbols.shape)
    reached[:, :2] = steps[0, :, :2]
    for step in steps[1:]:
        np.multiply(two_before, skips, out=onward)
        onward += one_before
        onward += reached
        np.multiply(onward, step, out=reached)
    rows, ends = np.arange(len(texts)), np.array([2 * len(text) for text in texts])
    likelihood: NDArray[np.float64] = reached[rows, ends] + reached[rows, ends - 1]
    return likelihood


def spell(probabilities: NDArray[np.float32], text: str) -> list[tuple[str, float]]:
    """Spell `text`, found among merged `probabilities`, and say how sure each character is.

    Args:
        probabilities: [columns, classes] as the network gave them, not merged.
        text: with digits for look-alike letters, as `beam_search` finds it in merged probabilities.

    Returns:
        Each character as the network prefers it, O or 0, I or 1, with the highest probability that the columns of the
        text's best alignment give to it or its look-alike. Confidences are 0 if the text does not fit into the columns
        at all.

    """
    merged = merge_look_alikes(probabilities)
    spans = columns_of(merged, text)
    confidences = [
        float(merged[columns, ALPHABET.index(character) + 1].max()) if columns else 0.0
        for character, columns in zip(text, spans, strict=True)
    ]
    letters = [_preferred(probabilities, character, columns) for character, columns in zip(text, spans, strict=True)]
    return list(zip(letters, confidences, strict=True))


def columns_of(merged: NDArray[np.float32], text: str) -> list[list[int]]:
    """Return the columns of each character in the best alignment of `text` to merged `probabilities`.

    It is Viterbi's over the text with blanks between its characters. All are empty if the text does not fit at all.
    """
    if not text:
        return []
    symbols = [0]
    for character in text:
        symbols += [ALPHABET.index(character) + 1, 0]
    # Skipping a blank is allowed into a character that differs from the one before it.
    may_skip = [place > 1 and symbol not in (0, symbols[place - 2]) for place, symbol in enumerate(symbols)]
    table = merged[:, symbols]
    # Columns in a row where nothing is written are one step: half of all columns need not be gone through.
    written = np.max(table[:, 1::2], axis=1) > NEGLIGIBLE
    columns = np.flatnonzero(written | np.concatenate([[True], written[:-1]]))
    steps = np.add.reduceat(np.log(np.maximum(table, 1e-12)), columns, axis=0)
    spans: list[list[int]] = [[] for _ in text]
    for column, state in zip(columns.tolist(), _alignment(steps.tolist(), may_skip), strict=False):
        if symbols[state]:
            spans[state // 2].append(column)
    return spans


def _followed(probabilities: NDArray[np.float32]) -> list[list[int]]:
    """Return the classes of each column that are worth following up."""
    followed: list[list[int]] = [[] for _ in probabilities]
    columns, symbols = np.nonzero(probabilities > NEGLIGIBLE)
    for column, symbol in zip(columns.tolist(), symbols.tolist(), strict=True):
        followed[column].append(symbol)
    return followed


def _preferred(probabilities: NDArray[np.float32], digit: str, columns: list[int]) -> str:
    for letter, alike in LOOK_ALIKES.items():
        if alike == digit:
            sums = probabilities[columns].sum(axis=0)
            return letter if sums[ALPHABET.index(letter) + 1] > sums[ALPHABET.index(digit) + 1] else digit
    return digit


def _alignment(logarithms: list[list[float]], may_skip: list[bool]) -> list[int]:
    """Return the state of each column on the best way from the first or second state to the last or last but one.

    Empty if there is no such way. Plain lists: with so few states a column, numpy's calls would cost more than the
    arithmetic.
    """
    states = len(may_skip)
    score = [logarithms[0][state] if state < 2 else -math.inf for state in range(states)]
    origins: list[list[int]] = []
    for column in logarithms[1:]:
        steps = [0] * states
        reached = score.copy()
        for state in range(1, states):
            if score[state - 1] > reached[state]:
                reached[state], steps[state] = score[state - 1], 1
            if may_skip[state] and score[state - 2] > reached[state]:
                reached[state], steps[state] = score[state - 2], 2
        origins.append(steps)
        score = [value + logarithm for value, logarithm in zip(reached, column, strict=True)]
    state = states - 1 if score[-1] >= score[-2] else states - 2
    if not math.isfinite(score[state]):
        return []
    path = [state]
    for steps in reversed(origins):
        path.append(path[-1] - steps[path[-1]])
    return path[::-1]


def _written(prefix: tuple[int, ...]) -> str:
    return "".join(ALPHABET[symbol - 1] for symbol in prefix)
