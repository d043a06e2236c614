import numpy as np
import pytest

from platepost.models.reader import labels


@pytest.mark.parametrize("text", ["0", "1ABC234", "AABB11", "ZZZZ", labels.ALPHABET])
def test_encode_round_trip(text: str) -> None:
    path = []
    for label in labels.encode(text):
        path += [label, label, 0]
    assert labels.collapse(path) == text


def test_encode_leaves_blank_free() -> None:
    assert labels.encode("0Z") == [1, 36]
    assert labels.CLASSES == 37


def test_encode_refuses_what_is_no_character() -> None:
    with pytest.raises(ValueError, match="substring"):
        labels.encode("A-1")


def test_collapse_joins_runs_and_keeps_parted_doubles() -> None:
    assert labels.collapse([0, 11, 11, 0, 11, 12, 0]) == "AAB"


def test_greedy_takes_the_likeliest_path() -> None:
    logits = np.full((1, 4, labels.CLASSES), -5, np.int8)
    logits[0, [0, 1, 2, 3], [5, 0, 5, 6]] = 9
    assert labels.greedy(logits) == ["445"]
