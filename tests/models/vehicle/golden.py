"""The exact answers of the shipped net of vehicles to made-up pictures; run this file after a new one."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from platepost.device.vision.interpreter import Network
from platepost.device.vision.vehicle import HEIGHT, WIDTH
from tests.models.reader.golden import fixture_input

SHIPPED = Path(__file__).parents[3] / "models" / "vehicle.tflite"
GOLDEN = Path(__file__).parent / "golden_vehicle.json"


def fixture_inputs() -> list[npt.NDArray[np.int8]]:
    """Give eight pictures, shifted copies of one with other channels: a single number would say little."""
    gray = fixture_input()[:, :HEIGHT, :WIDTH]
    turned = [[np.roll(gray, (turn * channel, 7 * turn), axis=(1, 2)) for channel in range(3)] for turn in range(8)]
    return [np.concatenate(channels, axis=3) for channels in turned]


def answers(model: Network) -> dict[str, list[list[int]]]:
    """Return the net's int8 answers to each."""
    return {"logits": [[int(logit) for logit in model.run(picture)[0][0]] for picture in fixture_inputs()]}


if __name__ == "__main__":
    shipped = Network(SHIPPED, reference=True)
    GOLDEN.write_text(json.dumps({"digest": shipped.digest, **answers(shipped)}) + "\n")
