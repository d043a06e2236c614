"""The shipped detector's exact answers to one made-up picture; run this file after a new detector.tflite."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import beside
from platepost.device.vision.interpreter import Network

SHIPPED = Path(__file__).parents[3] / "models" / "detector.tflite"
NEAR = beside(SHIPPED)
GOLDEN = {file: Path(__file__).parent / f"golden_{file.stem.replace('-', '_')}.json" for file in (SHIPPED, NEAR)}


def fixture_input() -> NDArray[np.int8]:
    """A road with three barred panels out of integer arithmetic alone, so that it is the same on every machine."""
    rows, columns = np.mgrid[0:368, 0:640]
    gray = 60 + rows // 6 + (columns * 7 + rows * 13) % 5
    for left, top, width, height in ((100, 120, 40, 20), (300, 200, 64, 32), (480, 90, 90, 20)):
        panel = (columns >= left) & (columns < left + width) & (rows >= top) & (rows < top + height)
        inked = ((columns - left) // 3 % 3 == 1) & (rows > top + height // 4) & (rows < top + height * 4 // 5)
        gray = np.where(panel, np.where(inked, 50, 215), gray)
    return (gray.astype(np.uint8) ^ 0x80).view(np.int8)[None, :, :, None]


def answer(model: Network) -> dict[str, str]:
    """SHA-256 of each output, named by its number of channels."""
    _, rows, columns, _ = model.input.shape
    outputs = model.run(np.ascontiguousarray(fixture_input()[:, :rows, :columns]))
    return {str(output.shape[3]): sha256(output.tobytes()).hexdigest() for output in outputs}


if __name__ == "__main__":
    for file, golden in GOLDEN.items():
        shipped = Network(file, reference=True)
        golden.write_text(json.dumps({"digest": shipped.digest, **answer(shipped)}, indent=1) + "\n")
