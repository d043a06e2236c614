import numpy as np
import pytest

from platepost.device.vision.interpreter import Network
from platepost.device.vision.region import CALIFORNIA, RegionNet, claimed
from platepost.models.lettering.direct import framed_lettering
from platepost.models.lettering.words import all_faces
from platepost.models.plates import Severity, degrade
from platepost.models.region.drawn import draw
from platepost.wire.records.regions import OTHER, REGIONS
from tests.models.region.golden import SHIPPED


@pytest.fixture(scope="module")
def model() -> Network:
    return Network(SHIPPED, reference=True)


def test_shipped_net_keeps_the_contract(model: Network) -> None:
    assert model.input.shape == (1, 64, 160, 1)
    assert model.input.scale == pytest.approx(1 / 255)
    assert model.input.zero_point == -128
    assert [output.shape for output in model.outputs] == [(1, len(REGIONS)), (1, 1, 1, 1)]
    assert SHIPPED.stat().st_size <= 820_000


def test_all_shipped_nets_together_are_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.parent.glob("*.tflite")) <= 3_600_000


def test_shipped_net_tells_fresh_drawn_plates_apart() -> None:
    net = RegionNet(SHIPPED)
    pictures, issuers = draw(160, seed=20_260)
    rng = np.random.default_rng(20_260)
    easy = Severity(smallest=140, largest=260, inverted=0)
    logits = np.array([net.observe(degrade(picture, rng, easy))[0] for picture in pictures])
    assert np.mean(logits.argmax(1) == issuers) >= 0.45
    claims = [(claimed(one, net.least), REGIONS[truth]) for one, truth in zip(logits, issuers, strict=True)]
    named = [one.region == truth for one, truth in claims if one and one.region != OTHER]
    assert len(named) >= 15
    assert np.mean(named) >= 0.95
    elsewhere = [truth for one, truth in claims if one and one.region == OTHER]
    assert len(elsewhere) >= 60
    assert CALIFORNIA not in elsewhere


def test_shipped_net_tells_fresh_plates_from_fresh_lettering() -> None:
    net, rng, fonts = RegionNet(SHIPPED), np.random.default_rng(20_261), all_faces()
    easy = Severity(smallest=100, largest=260, inverted=0)
    pictures, _ = draw(80, seed=20_261)
    plates = [net.observe(degrade(picture, rng, easy))[1] for picture in pictures]
    others = [net.observe(degrade(framed_lettering(rng, fonts), rng, easy))[1] for _ in range(80)]
    assert np.mean(np.array(plates) > 0) >= 0.95
    assert np.mean(np.array(others) < 0) >= 0.9
