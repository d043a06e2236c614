"""The shipped networks' exact answers to made-up pictures: the same on every processor, to the last bit.

Imports little, and asks for no fixture: `make test-arm-short` runs it where each import takes ten times as long.
"""

import importlib.util
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platepost.device.vision.interpreter import RUNTIMES, Network
from tests.models.detector import golden as detector
from tests.models.reader import golden as reader
from tests.models.region import golden as region
from tests.models.vehicle import golden as vehicle

ASKED = 1 if platform.machine() == "aarch64" else 2
"""How often each is asked: a second time shows that the first left nothing behind. Emulated, one time takes long."""
Answers = Callable[[Network], Any]
CASES = {
    "detector-whole": (detector.SHIPPED, detector.GOLDEN[detector.SHIPPED], detector.answer),
    "detector-near": (detector.NEAR, detector.GOLDEN[detector.NEAR], detector.answer),
    "reader": (reader.SHIPPED, reader.GOLDEN, reader.answers),
    "region": (region.SHIPPED, region.GOLDEN, region.answers),
    "vehicle": (vehicle.SHIPPED, vehicle.GOLDEN, vehicle.answers),
}


@pytest.mark.parametrize(("file", "golden", "answers"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_shipped_network_is_bit_identical_to_the_golden_output(
    runtime: str, file: Path, golden: Path, answers: Answers
) -> None:
    if importlib.util.find_spec(runtime.partition(".")[0]) is None:
        pytest.skip(f"{runtime} is missing: make test-arm")
    model, expected = Network(file, runtime=runtime, reference=True), json.loads(golden.read_text())
    assert expected["digest"] == model.digest, f"another {file.name}: run golden.py"
    for _ in range(ASKED):
        assert {"digest": model.digest, **answers(model)} == expected
