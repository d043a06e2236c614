"""The exact answers of the shipped net of the issuing state to made-up pictures; run this file after a new one."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from device.vision.interpreter import Network
from tests.models.reader.golden import fixture_input

SHIPPED = Path(__file__).parents[3] / "models" / "region.tflite"
GOLDEN = Path(__file__).parent / "golden_region.json"


def fixture_inputs() -> list[npt.NDArray[np.int8]]:
    """Give eight pictures, shifted copies of one: a single number would say little."""
    return [np.roll(fixture_input(), 5 * turn, axis=(1, 2)) for turn in range(8)]


def answers(model: Network) -> list[list[int]]:
    """Return the net's int8 answers to each."""
    return [[int(logit) for logit in model.run(picture)[0][0]] for picture in fixture_inputs()]


if __name__ == "__main__":
    shipped = Network(SHIPPED, reference=True)
    GOLDEN.write_text(json.dumps({"digest": shipped.digest, "logits": answers(shipped)}) + "\n")
