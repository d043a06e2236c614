"""The shipped reader's exact answer to one made-up picture; run this file after a new reader.tflite."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from device.vision.interpreter import Network

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


if __name__ == "__main__":
    model = Network(SHIPPED, reference=True)
    (logits,) = model.run(fixture_input())
    GOLDEN.write_text(json.dumps({"digest": model.digest, "logits": logits[0].tolist()}) + "\n")
