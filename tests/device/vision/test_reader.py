"""The shipped reader on drawn plates."""

import cv2
import numpy as np
import pytest
from pytest_mock import MockerFixture

from platepost.device.vision.ctc import ALPHABET, Hypothesis
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.reader import HIDES, TEXT, Observation, Reader, Reading, in_doubt, stretched
from platepost.models.plates import render_plate

TEXTS = ("7KDW382", "8FRT914", "6HNX205", "5PLV731", "4ZMC863", "9BYG427")
SIGMAS = (0.0, 1.0, 2.0, 3.0, 4.0)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(shipped("reader.tflite"))


def plate(text: str, seed: int) -> np.ndarray:
    image = render_plate(np.random.default_rng(seed), text=text, design="california_passenger", height=128).image
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def read_crop(reader: Reader, crop: np.ndarray) -> Reading:
    return reader.read_rectified(stretched(crop), again=True)


def observe(**texts: float) -> Observation:
    probabilities = np.zeros((40, len(ALPHABET) + 1), np.float32)
    probabilities[:, 0] = 1
    return Observation(probabilities, tuple(Hypothesis(text, share) for text, share in texts.items()))


def test_the_more_blur_the_less_confidence(reader: Reader) -> None:
    """Of each plate up to noise, of all of them step by step from where any doubt begins."""
    table = np.array(
        [
            [
                read_crop(reader, cv2.GaussianBlur(plate(text, seed), (0, 0), 3 * sigma + 0.01)).confidence
                for sigma in SIGMAS
            ]
            for seed, text in enumerate(TEXTS)
        ]
    )
    means = table.mean(axis=0)
    assert ((np.diff(means) < 0) | (means[1:] > 0.99)).all(), means
    assert (np.diff(table, axis=1) < 0.05).all(), table
    assert means[0] > 0.95
    assert means[-1] < 0.3


def test_the_country_spells_what_looks_alike() -> None:
    seen = [observe(**{"0B11234": 0.9, "0B11Z34": 0.1})]
    told = {c: Reader(shipped("reader.tflite"), country=c).settle(seen) for c in ("US", "BR")}
    assert told["BR"].text == "OBI1234"
    assert [glyph.character for glyph in told["BR"].characters] == list("OBI1234")
    assert [other.text for other in told["BR"].alternatives] == ["OBI1Z34"]
    assert told["US"].text == "0B11234", "as the network has it"
    assert told["BR"].confidence == told["US"].confidence


def test_looks_are_averaged_text_by_text(reader: Reader) -> None:
    found = reader.settle([observe(AE=0.9, AL=0.1), observe(AL=0.8, AE=0.2), observe(AL=0.7, AE=0.3)])
    assert found.text == "AL"
    assert [other.text for other in found.alternatives] == ["AE"]
    assert found.confidence == pytest.approx(reader.calibration(1.6 / 3))
    assert found.confidence + found.alternatives[0].probability == pytest.approx(1)


def test_a_likelier_serial_beside_it_lowers_confidence(reader: Reader) -> None:
    unusual = reader.settle([observe(**{"4YE732": 0.7, "AYE732": 0.3})])
    usual = reader.settle([observe(**{"AYE732": 0.7, "4YE732": 0.3})])
    assert (unusual.text, usual.text) == ("4YE732", "AYE732"), "twice as sure: no tie"
    assert unusual.confidence < reader.calibration(0.7) < usual.confidence


def test_a_states_serial_wins_a_tie_whose_other_text_is_the_first_alternative(reader: Reader) -> None:
    found = reader.settle([observe(**{"6WHS9Q6": 0.52, "6WHS906": 0.48})])
    assert found.text == "6WHS906"
    assert found.alternatives[0].text == "6WHS9Q6"
    assert 0.4 < found.confidence < 0.8
    rare = reader.settle([observe(XF2U68=0.62, XF2U6B=0.36)])
    assert rare.text == "XF2U6B"
    assert rare.alternatives[0].probability <= rare.confidence, "no other text is surer"


def test_alternatives_are_spelled_as_the_text_is_where_they_say_the_same(reader: Reader) -> None:
    seen = np.zeros((40, len(ALPHABET) + 1), np.float32)
    seen[:, 0] = 1
    for column, shares in zip(
        (2, 6, 10), ({"O": 0.9, "0": 0.1}, {"I": 0.8, "1": 0.2}, {"7": 0.6, "Z": 0.4}), strict=True
    ):
        seen[column, 0] = 0
        for character, share in shares.items():
            seen[column, ALPHABET.index(character) + 1] = share
    found = reader.settle(
        [Observation(seen, (Hypothesis("017", 0.6), Hypothesis("01Z", 0.3), Hypothesis("0171", 0.05)))]
    )
    assert found.text == "OI7"
    assert [other.text for other in found.alternatives][:1] == ["OIZ"]


def test_what_something_hides_is_a_character_of_its_own(reader: Reader, mocker: MockerFixture) -> None:
    shapes = {output.shape: output for output in reader.model.outputs}
    letters, hides = np.full(TEXT, -128, np.int8), np.full(HIDES, -128, np.int8)
    letters[0, :, 0] = 127
    for column, character in ((4, "7"), (9, "A"), (14, "O"), (19, "B")):
        letters[0, column, [0, ALPHABET.index(character) + 1]] = -128, 127
    hides[0, 14] = 127
    said = {TEXT: letters, HIDES: hides}
    mocker.patch.object(reader.model, "run", return_value=tuple(said[shape] for shape in shapes))
    found = reader.read_rectified(np.zeros((64, 160), np.uint8))
    assert found.text == "7A?B"
    assert 0.6 < found.characters[2].confidence < 1
    assert found.confidence < 0.99
    assert found.alternatives[0].text == "7AOB"
    assert found.columns is not None
    assert found.columns.sum(axis=1) == pytest.approx(np.ones(40), abs=1e-4)


@pytest.mark.parametrize(
    ("places", "suspected", "told"),
    [
        ((4, 9, 19, 24), 0.3, "7A?BC"),
        ((4, 9, 19, 24), 0.02, "7ABC"),  # a logo
        ((4, 9, 14, 19), 0.3, "7ABC"),  # no room for one
        ((4, 9, 29, 34), 0.3, "7ABC"),  # too much room for one
    ],
)
def test_in_a_gap_a_suspicion_is_enough_for_a_hidden_character(
    reader: Reader, mocker: MockerFixture, places: tuple[int, ...], suspected: float, told: str
) -> None:
    shapes = {output.shape: output for output in reader.model.outputs}
    letters, hides = np.full(TEXT, -128, np.int8), np.full(HIDES, -128, np.int8)
    letters[0, :, 0] = 127
    for column, character in zip(places, "7ABC", strict=True):
        letters[0, column, [0, ALPHABET.index(character) + 1]] = -128, 127
    quantized = np.log(suspected / (1 - suspected)) / shapes[HIDES].scale + shapes[HIDES].zero_point
    hides[0, (places[1] + places[2]) // 2] = round(quantized)
    said = {TEXT: letters, HIDES: hides}
    mocker.patch.object(reader.model, "run", return_value=tuple(said[shape] for shape in shapes))
    assert reader.read_rectified(np.zeros((64, 160), np.uint8)).text == told


def test_a_reading_without_a_look_is_refused(reader: Reader) -> None:
    with pytest.raises(ValueError, match="at least one look"):
        reader.settle([])


@pytest.mark.parametrize(("share", "doubtful"), [(0.99, False), (0.6, True), (0.005, False)])
def test_what_is_clear_or_hopeless_is_not_looked_at_again(share: float, doubtful: bool) -> None:  # noqa: FBT001
    assert observe(A4=share).doubtful is doubtful


def test_nothing_read_is_not_looked_at_again() -> None:
    assert not Observation(observe().probabilities, (Hypothesis("", 0.7),)).doubtful


def test_looks_that_are_sure_of_different_texts_leave_a_doubt() -> None:
    assert in_doubt([observe(AE=0.99), observe(AF=0.99)])
    assert not in_doubt([observe(AE=0.99), observe(AE=0.98)])
    assert in_doubt([observe(AE=0.99), observe(AE=0.6)])
    assert not in_doubt([observe(AE=0.004), observe(BX=0.003)]), "two hopeless looks are not settled by more of them"
