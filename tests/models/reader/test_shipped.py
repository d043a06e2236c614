import numpy as np
import pytest

from platepost.device.vision.ctc import HIDDEN
from platepost.device.vision.interpreter import Network
from platepost.device.vision.reader import Reader
from platepost.models.evaluate.spelling import fold
from platepost.models.plates import Severity, degrade, framed, render_plate
from platepost.models.plates.occluders import obscured
from platepost.models.reader.labels import greedy
from platepost.models.reader.real import RealPlate
from platepost.models.reader.shuffle import FRAMED_PLATE, find_cells
from tests.models.reader.golden import SHIPPED


@pytest.fixture(scope="module")
def model() -> Network:
    return Network(SHIPPED, reference=True)


def test_shipped_reader_keeps_the_contract(model: Network) -> None:
    assert model.input.shape == (1, 64, 160, 1)
    assert model.input.scale == pytest.approx(1 / 255)
    assert model.input.zero_point == -128
    assert sorted(output.shape for output in model.outputs) == [(1, 40, 1), (1, 40, 37)]
    assert SHIPPED.stat().st_size <= 1_300_000


def test_shipped_reader_reads_fresh_plates() -> None:
    reader = Reader(SHIPPED)
    rng = np.random.default_rng(20260)
    easy = Severity(smallest=140, largest=260, inverted=0)
    right = 0
    for _ in range(120):
        plate = render_plate(rng, height=96)
        text = reader.read_rectified(degrade(framed(plate, rng), rng, easy)).text
        right += fold(text) == fold(plate.text)
    assert right / 120 >= 0.80


def test_shipped_reader_says_nothing_of_an_empty_plate(model: Network) -> None:
    said = model.run(np.zeros((1, 64, 160, 1), np.int8))
    assert greedy(next(answer for answer in said if answer.shape[2] == 37)) == [""]


def test_shipped_reader_says_that_a_character_is_hidden_and_is_seldom_sure_of_another() -> None:
    reader, rng = Reader(SHIPPED), np.random.default_rng(20261)
    easy = Severity(smallest=140, largest=260, inverted=0)
    seen, made = [], 0
    while made < 60:
        plate = render_plate(rng, height=96)
        picture = framed(plate, rng)
        cells = find_cells(RealPlate(picture, FRAMED_PLATE, plate.text), reader)
        hidden = cells and obscured(picture, plate.text, cells, rng, characters=1)
        if not hidden:
            continue
        made += 1
        found = reader.read_rectified(degrade(hidden[0], rng, easy))
        seen.append((HIDDEN in found.text, fold(found.text) == fold(hidden[1]), found.confidence))
    assert sum(said for said, _, _ in seen) >= 12
    assert sum(not right and confidence >= 0.95 for _, right, confidence in seen) <= 9
