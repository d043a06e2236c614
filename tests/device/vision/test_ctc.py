import itertools

import numpy as np
import pytest

from platepost.device.vision.ctc import ALPHABET, beam_search, columns_of, merge_look_alikes, softmax, spell


def columns(*steps: dict[str, float]) -> np.ndarray:
    """Make probabilities from what each column shows; "-" is the blank, the rest of a column goes to it."""
    table = np.zeros((len(steps), len(ALPHABET) + 1), np.float32)
    for row, step in zip(table, steps, strict=True):
        for character, probability in step.items():
            row[0 if character == "-" else ALPHABET.index(character) + 1] = probability
        row[0] += 1 - row.sum()
    return table


def test_repeated_columns_are_one_character_and_a_blank_parts_two() -> None:
    one = columns({"7": 1}, {"7": 1}, {"A": 1})
    two = columns({"7": 1}, {"-": 1}, {"7": 1}, {"A": 1})
    assert beam_search(one)[0].text == "7A"
    assert beam_search(two)[0].text == "77A"


def test_probabilities_are_those_of_all_alignments_together() -> None:
    rng = np.random.default_rng(7)
    logits = rng.normal(size=(4, len(ALPHABET) + 1)).astype(np.float32) * 4
    logits[:, 4:] = -30  # three characters and the blank are enough to enumerate
    probabilities = softmax(logits)
    sums: dict[str, float] = {}
    for path in itertools.product(range(4), repeat=4):
        text = "".join(ALPHABET[s - 1] for s, _ in itertools.groupby(path) if s)
        sums[text] = sums.get(text, 0.0) + float(np.prod([probabilities[c, s] for c, s in enumerate(path)]))
    found = beam_search(probabilities, width=400)
    best = max(sums, key=lambda text: sums[text])
    assert found[0].text == best
    assert found[0].probability == pytest.approx(sums[best], abs=0.01)


def test_likely_alternatives_come_in_order() -> None:
    found = beam_search(columns({"0": 0.6, "O": 0.39}, {"-": 1}, {"8": 0.8, "B": 0.19}))
    assert [hypothesis.text for hypothesis in found[:4]] == ["08", "O8", "0B", "OB"]
    assert found[1].probability == pytest.approx(0.39 * 0.8, abs=0.01)


def test_nothing_but_blanks_is_the_empty_text() -> None:
    assert beam_search(columns({"-": 1}, {"-": 1}))[0].text == ""


def confidences(seen: np.ndarray, text: str) -> list[float]:
    return [sure for _, sure in spell(seen, text)]


def test_each_character_has_the_confidence_of_its_best_column() -> None:
    seen = columns({"4": 0.5, "L": 0.4}, {"4": 0.7, "L": 0.2}, {"-": 1}, {"K": 0.95})
    assert confidences(seen, "4K") == pytest.approx([0.7, 0.95])


def test_a_doubled_character_needs_two_places() -> None:
    seen = columns({"8": 0.9}, {"-": 0.9, "8": 0.1}, {"8": 0.6})
    assert confidences(seen, "88") == pytest.approx([0.9, 0.6])


def test_gaps_between_characters_change_nothing_however_long_they_are() -> None:
    written = [{"4": 0.5, "L": 0.4}, {"O": 0.7, "0": 0.2}, {"8": 0.9}]
    gap = [{"-": 1.0}]
    close = columns(*itertools.chain.from_iterable((step, *gap) for step in written))
    wide = columns(*gap * 9, *itertools.chain.from_iterable((step, *gap * 7) for step in written))
    assert spell(wide, "408") == spell(close, "408")


def test_a_text_that_does_not_fit_has_no_confidence() -> None:
    assert confidences(columns({"8": 1}), "88") == [0.0, 0.0]


def test_three_doubtful_zeros_are_one_sure_text() -> None:
    seen = columns({"0": 0.5, "O": 0.5}, {"-": 1}, {"0": 0.4, "O": 0.6}, {"-": 1}, {"I": 0.7, "1": 0.3})
    best, *others = beam_search(merge_look_alikes(seen))
    assert best.text == "001"
    assert best.probability == pytest.approx(1)
    assert all(other.probability < 1e-6 for other in others)
    assert spell(seen, best.text) == [("0", pytest.approx(1)), ("O", pytest.approx(1)), ("I", pytest.approx(1))]


def test_merging_leaves_other_look_alikes_apart() -> None:
    seen = columns({"8": 0.6, "B": 0.4}, {"-": 1}, {"0": 0.7, "D": 0.3})
    assert [found.text for found in beam_search(merge_look_alikes(seen))] == ["80", "B0", "8D", "BD"]
    assert seen[2].sum() == pytest.approx(1)


def test_a_text_that_does_not_fit_has_no_columns() -> None:
    few = np.full((2, len(ALPHABET) + 1), 1 / (len(ALPHABET) + 1), np.float32)
    assert columns_of(few, "ABC") == [[], [], []]
    assert columns_of(few, "AB") == [[0], [1]]
    assert columns_of(few, "") == []
