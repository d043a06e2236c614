"""The exact answers of the shipped net of the issuing state to made-up pictures; run this file after a new one."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from platepost.device.vision.interpreter import Network
from tests.models.reader.golden import fixture_input

SHIPPED = Path(__file__).parents[3] / "models" / "region.tflite"
GOLDEN = Path(__file__).parent / "golden_region.json"


def fixture_inputs() -> list[npt.NDArray[np.int8]]:
    """Give eight pictures, shifted copies of one: a single number would say little."""
    return [np.roll(fixture_input(), 5 * turn, axis=(1, 2)) for turn in range(8)]


def answers(model: Network) -> dict[str, list[list[int]]]:
    """Return the net's int8 answers to each: `logits` of who issued it, and of whether they are `plates`."""
    given = [model.run(picture) for picture in fixture_inputs()]
    return {
        "plates" if output.shape[1] == 1 else "logits": [
            [int(value) for value in answer[place].flat] for answer in given
        ]
        for place, output in enumerate(model.outputs)
    }


if __name__ == "__main__":
    shipped = Network(SHIPPED, reference=True)
    GOLDEN.write_text(json.dumps({"digest": shipped.digest, **answers(shipped)}) + "\n")
