"""Characters of a plate change places, and the text says where they went."""

import itertools

import numpy as np
import pytest

from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.reader import Reader
from platepost.models.evaluate.spelling import fold
from platepost.models.plates import framed, render_plate
from platepost.models.plates.surroundings import FRAMED_SHAPE
from platepost.models.reader.real import RealPlate
from platepost.models.reader.shuffle import find_cells, shuffle, shuffled_plates


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(shipped("reader.tflite"))


@pytest.fixture(scope="module")
def plate() -> RealPlate:
    """A drawn plate in the place of a photographed one, whose box is known to the pixel."""
    rng = np.random.default_rng(4)
    picture = framed(render_plate(rng, design="california_passenger", text="7BKD702"), rng)
    height, width = FRAMED_SHAPE
    return RealPlate(picture, (width * 0.1, height * 0.1, width * 0.9, height * 0.9), "7BKD702")


def test_cells_part_the_characters(plate: RealPlate, reader: Reader) -> None:
    cells = find_cells(plate, reader)
    assert cells is not None
    assert len(cells) == len(plate.text)
    assert all(one[1] <= other[0] + 1 for one, other in itertools.pairwise(cells))


def test_a_text_that_is_not_there_has_no_cells(plate: RealPlate, reader: Reader) -> None:
    assert find_cells(RealPlate(plate.picture, plate.box, "4XYZ999"), reader) is None


def test_a_shuffled_plate_is_read_as_its_new_text(plate: RealPlate, reader: Reader) -> None:
    found = shuffled_plates([plate], reader, copies=12, seed=3)
    assert found
    read = 0
    for picture, width, text in found:
        assert text != plate.text
        assert set(text) <= set(plate.text)
        assert width == plate.width
        whole = RealPlate(picture, plate.box, text)
        read += fold(reader.read_rectified(whole.rectified()).text) == fold(text)
    assert read > 0.6 * len(found)


def test_what_it_is_made_of_stays_as_it_is(plate: RealPlate, reader: Reader) -> None:
    cells = find_cells(plate, reader)
    assert cells is not None
    picture = plate.framed()
    before = picture.copy()
    one = shuffle(picture, plate.text, cells, np.random.default_rng(1))
    other = shuffle(picture, plate.text, cells, np.random.default_rng(1))
    assert np.array_equal(picture, before)
    assert one[1] == other[1]
    assert np.array_equal(one[0], other[0])
