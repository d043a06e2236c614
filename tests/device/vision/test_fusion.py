from collections import Counter
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.device.vision.ctc import ALPHABET, likelihoods
from platepost.device.vision.fusion import OBSERVATIONS, Fusion


def columns(*places: dict[str, float]) -> NDArray[np.float32]:
    """Return the columns of a look that sees each of `places`, with a blank after each; what is left is blank."""
    made = np.zeros((40, 37), np.float32)
    made[:, 0] = 1
    for place, chances in enumerate(places):
        for character, chance in chances.items():
            made[2 * place, ALPHABET.index(character) + 1] = chance
        made[2 * place, 0] = 1 - sum(chances.values())
    return made


def test_likelihoods_are_those_of_all_alignments() -> None:
    chances = np.random.default_rng(3).dirichlet(np.ones(3), size=5).astype(np.float32)
    written = {0: "", 1: "7", 2: "8"}
    sums: Counter[str] = Counter()
    for path in product(range(3), repeat=5):
        kept = [symbol for symbol, before in zip(path, (None, *path), strict=False) if symbol != before]
        chance = np.prod(chances[np.arange(5), path])
        sums["".join(written[symbol] for symbol in kept)] += float(chance)
    probabilities = np.zeros((5, 37), np.float32)
    probabilities[:, [0, ALPHABET.index("7") + 1, ALPHABET.index("8") + 1]] = chances
    texts = [text for text in sums if text]
    assert likelihoods(probabilities, texts) == pytest.approx([sums[text] for text in texts])


def test_a_character_twice_needs_a_blank_between() -> None:
    probabilities = np.zeros((2, 37), np.float32)
    probabilities[:, ALPHABET.index("8") + 1] = 1
    assert likelihoods(probabilities, ["8", "88"]).tolist() == [1, 0]


def test_many_faint_shares_outweigh_best_guesses_that_differ() -> None:
    fusion = Fusion()
    for wrong in "HMN":  # each look prefers another letter; all leave something to W
        fusion.add(columns({"7": 1.0}, {wrong: 0.6, "W": 0.4}), 1.0)
    said = fusion.posterior(["7H", "7M", "7N", "7W"])
    assert said["7W"] > 0.9
    assert sum(said.values()) <= 1


def test_what_looks_leave_to_other_texts_is_given_to_none() -> None:
    fusion = Fusion()
    for _ in range(3):
        fusion.add(columns({"7": 0.3, "1": 0.1}), 1.0)
    said = fusion.posterior(["7", "1"])
    assert said["7"] + said["1"] < 0.8


def test_one_look_that_went_astray_does_not_veto() -> None:
    fusion = Fusion()
    for _ in range(3):
        fusion.add(columns({"7": 0.9, "1": 0.1}), 1.0)
    fusion.add(columns({"1": 1.0}), 1.0)
    assert fusion.posterior(["7", "1"])["7"] > 0.3


def test_the_heaviest_looks_are_kept() -> None:
    fusion = Fusion()
    for weight in range(1, 100):
        fusion.add(columns({"7": 0.2, "1": 0.8}), float(weight))
    for _ in range(OBSERVATIONS):
        fusion.add(columns({"7": 0.8, "1": 0.2}), 1000.0)
    assert len(fusion) == OBSERVATIONS
    assert fusion.posterior(["7", "1"])["7"] > 0.8
