import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from device.errors import ModelError
from device.vision import modelfiles, recognizer
from device.vision.modelfiles import shipped
from device.vision.recognizer import Recognizer
from device.vision.region import CALIFORNIA, LEAST, OTHER, Issuer, RegionNet, claimed


def odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


@pytest.mark.parametrize(
    ("log_odds", "region"),
    [
        (odds(LEAST) + 0.01, CALIFORNIA),
        (-odds(LEAST) - 0.01, OTHER),
        (odds(LEAST) - 0.01, None),
        (-odds(LEAST) + 0.01, None),
        (0.0, None),
    ],
)
def test_an_issuer_is_claimed_only_where_it_is_sure(log_odds: float, region: str | None) -> None:
    found = claimed(log_odds)
    assert (found.region if found else None) == region
    if found:
        assert found.confidence == pytest.approx(LEAST, abs=0.001)


def test_looks_are_averaged_and_not_added() -> None:
    net = RegionNet(shipped("region.tflite"))
    told = iter([odds(0.96), odds(0.9), odds(0.8)])
    net.log_odds = lambda _plate: next(told)  # type: ignore[method-assign]  # of this one net
    plate = np.zeros((64, 160), np.uint8)
    # The mean of the three is 0.905, their sum would be 0.999.
    assert net.issuer([plate] * 3) is None
    net.log_odds = lambda _plate: odds(0.99)  # type: ignore[method-assign]
    assert net.issuer([plate] * 3) == Issuer(CALIFORNIA, pytest.approx(0.99))
    assert net.issuer([]) is None


def test_a_file_of_another_shape_is_named() -> None:
    with pytest.raises(ModelError, match=r"reader\.tflite maps"):
        RegionNet(shipped("reader.tflite"))


def test_a_post_without_the_file_tells_no_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("detector.tflite", "reader.tflite", "reader.json"):
        (tmp_path / name).write_bytes(modelfiles.shipped("reader.tflite").with_name(name).read_bytes())
    older = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(modelfiles.importlib.util, "find_spec", lambda name: older if name == "models" else None)
    monkeypatch.setattr(recognizer, "Detector", lambda *_args, **_more: None)
    monkeypatch.setattr(recognizer, "Reader", lambda *_args, **_more: None)
    networks = Recognizer.load()
    assert networks.region is None
    assert networks.issuer([np.zeros((64, 160), np.uint8)]) is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "region.tflite"
    damaged.write_bytes(b"\0" * 1000)
    with pytest.raises(ModelError, match=r"region\.tflite"):
        Recognizer.load(region=damaged)
