import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.evaluate.manifest import ManifestError
from models.reader.real import RealPlate, is_held_out
from models.region.real import Known


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a photo of eighty plates: Californian, Nevadan, of some state, and of nobody knows where."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((60, 120), 90, np.uint8))
    regions = ["US-CA", "US-NV", "US", None]
    plates = [
        {"box": [10, 10, 90, 40], "text": f"AB{number:02d}", "region": regions[number % 4]} for number in range(80)
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "plates": plates}]}))
    return tmp_path


def test_plates_are_parted_by_issuer_and_the_held_out_ones_kept_apart(folder: Path) -> None:
    learnt, left = Known.load(folder, held_out=False), Known.load(folder, held_out=True)
    assert len(learnt.californian) + len(left.californian) == len(learnt.other) + len(left.other) == 20
    assert {plate.region for plate in learnt.californian + left.californian} == {"US-CA"}
    assert {plate.region for plate in learnt.other + left.other} == {"US-NV"}
    assert left.californian + left.other
    assert all(map(is_held_out, left.californian + left.other))
    assert not any(map(is_held_out, learnt.californian + learnt.other))


def test_transcriptions_may_tell_the_issuer(folder: Path) -> None:
    more = {"file": "a.png", "box": [0, 0, 50, 20], "text": "ZEN", "region": "US-CA"}
    texts = folder / "texts.json"
    texts.write_text(json.dumps({"texts": [more, more | {"text": "FUN", "region": "other"}]}))
    both = [Known.load(folder, texts, held_out=held_out) for held_out in (True, False)]
    found: list[RealPlate] = [plate for known in both for plate in known.californian + known.other]
    assert {plate.text: plate.region for plate in found if plate.text in {"ZEN", "FUN"}} == {
        "ZEN": "US-CA",
        "FUN": "other",
    }


def test_plates_that_no_state_is_told_of_are_refused(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("US-CA", "US").replace("US-NV", "US"))
    with pytest.raises(ManifestError, match="region"):
        Known.load(folder, held_out=False)
