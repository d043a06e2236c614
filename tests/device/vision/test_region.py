import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from platepost.common.errors import ModelError
from platepost.device.vision import modelfiles, region
from platepost.device.vision.interpreter import Network
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.recognizer import Recognizer
from platepost.device.vision.region import (
    CALIFORNIA,
    Impression,
    Issuer,
    Least,
    RegionNet,
    claimed,
    leveled,
)
from platepost.wire.records.regions import OTHER, REGIONS

LEAST = Least(issuer=0.95, californian=0.8, elsewhere=0.99, states=0.5)


def logits(region: str, probability: float) -> np.ndarray:
    """Give one issuer so much, and all others alike what is left."""
    shares = np.full(len(REGIONS), (1 - probability) / (len(REGIONS) - 1), np.float32)
    shares[REGIONS.index(region)] = probability
    return np.log(shares)


def logits_of(**shares: float) -> np.ndarray:
    """Give issuers so much, by their letters, and all others nothing."""
    return np.log([shares.get(region.removeprefix("US-"), 0.0) + 1e-9 for region in REGIONS])


@pytest.mark.parametrize(
    ("region", "text", "least"),
    [
        ("US-CA", "7ABC123", LEAST.californian),
        ("US-CA", "7IBC123", LEAST.issuer),  # none of California's has an I there
        ("US-CA", "ABC123", LEAST.issuer),  # California's of 1963, and a dozen states'
        ("US-CA", "TESTING", LEAST.issuer),
        ("US-NV", "7ABC123", LEAST.issuer),
        (OTHER, "7ABC123", LEAST.issuer),
    ],
)
def test_an_issuer_is_named_only_where_it_is_sure(region: str, text: str, least: float) -> None:
    assert claimed(logits(region, least + 0.001), LEAST, text) == Issuer(region, pytest.approx(least + 0.001))
    found = claimed(logits(region, least - 0.001), LEAST, text)
    assert found is None or found.region == OTHER


def test_a_plate_that_is_surely_not_californian_is_told_so_where_nobody_can_be_named() -> None:
    rest = 1 - LEAST.elsewhere
    assert claimed(logits_of(CA=rest - 0.001, NV=0.6, OR=0.4 - rest + 0.001), LEAST) == Issuer(
        OTHER, pytest.approx(LEAST.elsewhere + 0.001)
    )
    assert claimed(logits_of(CA=rest + 0.001, NV=0.6, OR=0.4 - rest - 0.001), LEAST) is None
    assert claimed(logits_of(CA=0.7, NV=0.3), LEAST) is None


@pytest.mark.parametrize(("gain", "offset"), [(0.2, 100), (0.5, 0), (1, -40), (1, 30)])
def test_light_and_contrast_make_no_difference_to_what_the_net_sees(gain: float, offset: float) -> None:
    rng = np.random.default_rng(1)
    plate = np.kron(rng.integers(60, 200, (8, 20)), np.ones((8, 8))).astype(np.uint8)
    seen = leveled(np.clip(plate.astype(float) * gain + offset, 0, 255).astype(np.uint8))
    assert np.abs(seen.astype(int) - leveled(plate)).mean() < 3
    assert seen.mean() == pytest.approx(128, abs=3)
    assert leveled(np.full((64, 160), 7, np.uint8)).std() == 0


def test_looks_are_averaged_and_not_added() -> None:
    net = RegionNet(shipped("region.tflite"))
    told = iter([(logits(CALIFORNIA, 0.96), 1.0), (logits(CALIFORNIA, 0.7), 2.0), (logits(CALIFORNIA, 0.4), 6.0)])
    net.observe = lambda _plate: next(told)  # type: ignore[method-assign]  # of this one net
    plate = np.zeros((64, 160), np.uint8)
    # The mean of the three is 0.77, their sum would be 0.9999.
    seen = net.impression([plate] * 3)
    assert seen == Impression(None, pytest.approx(3.0), net.evidence, seen.states)
    assert dict(seen.states)[CALIFORNIA] == pytest.approx(0.77, abs=0.01)
    net.observe = lambda _plate: (logits("US-NV", 0.99), None)  # type: ignore[method-assign]
    nevadan = (("US-NV", pytest.approx(0.99)),)
    assert net.impression([plate] * 3) == Impression(Issuer(*nevadan[0]), None, net.evidence, nevadan)
    net.observe = lambda _plate: (logits(OTHER, 1 - LEAST.states + 0.02), None)  # type: ignore[method-assign]
    assert net.impression([plate]).states == (), "likelier that no state issued it"
    assert net.impression([]) == Impression()


class Older(Network):
    """The file as it was before it had the second answer."""

    def __init__(self, path: Path, *, runtime: str | None = None) -> None:
        super().__init__(path, runtime=runtime)
        self.outputs = tuple(output for output in self.outputs if output.shape == (1, len(REGIONS)))


def test_a_file_from_before_the_second_answer_tells_the_issuer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = RegionNet(shipped("region.tflite"))
    monkeypatch.setattr(region, "Network", Older)
    before = RegionNet(shipped("region.tflite"))
    plate = np.random.default_rng(1).integers(0, 255, (64, 160), np.uint8)
    issuers, kind = now.observe(plate)
    assert isinstance(kind, float)
    assert before.observe(plate) == (pytest.approx(issuers), None)
    assert before.impression([plate]).plate is None


def test_a_file_of_another_shape_is_named() -> None:
    with pytest.raises(ModelError, match=r"reader\.tflite maps"):
        RegionNet(shipped("reader.tflite"))


def test_a_post_without_the_file_tells_no_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("detector.tflite", "reader.tflite", "reader.json"):
        (tmp_path / name).write_bytes(modelfiles.shipped("reader.tflite").with_name(name).read_bytes())
    older = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: older if name == "platepost.models" else find(name))
    networks = Recognizer.load()
    assert networks.region is None
    assert networks.impression([np.zeros((64, 160), np.uint8)], "7ABC123") == Impression()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "region.tflite"
    damaged.write_bytes(b"\0" * 1000)
    with pytest.raises(ModelError, match=r"region\.tflite"):
        Recognizer.load(region=damaged)
