"""The shipped reader's exact answer to one made-up picture; run this file after a new reader.tflite."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from platepost.device.vision.interpreter import Network

SHIPPED = Path(__file__).parents[3] / "models" / "reader.tflite"
GOLDEN = Path(__file__).parent / "golden_reader.json"


def fixture_input() -> npt.NDArray[np.int8]:
    """A plate out of integer arithmetic alone, so that it is the same on every machine."""
    rows, columns = np.mgrid[0:64, 0:160]
    upright = ((columns // 6) % 3 == 1) & (rows > 18) & (rows < 52)
    level = ((rows // 8) % 4 == 3) & (columns % 22 > 5)
    inked = (upright | level) & (columns > 8) & (columns < 152)
    gray = np.where(inked, 40 + rows // 4, 200 - rows // 2).astype(np.uint8)
    return (gray ^ 0x80).view(np.int8)[None, :, :, None]


def answers(model: Network) -> dict[str, list[list[int]]]:
    """The classes' logits and what hides, by the names in the golden file."""
    names = {37: "logits", 1: "hidden"}
    return {names[answer.shape[2]]: answer[0].tolist() for answer in model.run(fixture_input())}


if __name__ == "__main__":
    model = Network(SHIPPED, reference=True)
    GOLDEN.write_text(json.dumps({"digest": model.digest, **answers(model)}) + "\n")
