"""Texts as CTC labels and back."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Class k + 1 is `ALPHABET[k]`; class 0 is the blank."""
CLASSES: Final = len(ALPHABET) + 1
STEPS: Final = 40


def encode(text: str) -> list[int]:
    """Classes of a text.

    Raises:
        ValueError: a character is not of the alphabet.
    """
    return [ALPHABET.index(character) + 1 for character in text]


def collapse(classes: Sequence[int]) -> str:
    """Text of one class a step: runs count once, blanks part runs."""
    text, before = [], 0
    for now in classes:
        if now not in (0, before):
            text.append(ALPHABET[now - 1])
        before = now
    return "".join(text)


def greedy(logits: npt.NDArray[np.generic]) -> list[str]:
    """Most likely path of each sample, collapsed; logits are N x steps x classes, of any numeric type."""
    return [collapse([int(c) for c in row]) for row in logits.argmax(axis=2)]
