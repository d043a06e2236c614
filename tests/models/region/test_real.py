import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from platepost.models.evaluate.manifest import ManifestError
from platepost.models.reader.real import is_held_out
from platepost.models.region.real import known
from platepost.wire.records.regions import REGIONS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a photo of eighty plates: Californian, Nevadan, of some state, and of no one knows where."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((60, 120), 90, np.uint8))
    regions = ["US-CA", "US-NV", "US", None]
    plates = [
        {"box": [10, 10, 90, 40], "text": f"AB{number:02d}", "region": regions[number % 4]} for number in range(80)
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "plates": plates}]}))
    return tmp_path


CALIFORNIA, NEVADA, ELSEWHERE = (REGIONS.index(region) for region in ("US-CA", "US-NV", "other"))


def test_plates_are_parted_by_issuer_and_the_held_out_ones_kept_apart(folder: Path) -> None:
    learnt, left = known(folder, held_out=False), known(folder, held_out=True)
    assert set(learnt) | set(left) == {CALIFORNIA, NEVADA}
    for issuer, region in ((CALIFORNIA, "US-CA"), (NEVADA, "US-NV")):
        both = learnt.get(issuer, []), left.get(issuer, [])
        assert sum(map(len, both)) == 20
        assert {plate.region for plates in both for plate in plates} == {region}
    assert left
    assert all(is_held_out(plate) for plates in left.values() for plate in plates)
    assert not any(is_held_out(plate) for plates in learnt.values() for plate in plates)


def test_transcriptions_may_tell_the_issuer(folder: Path) -> None:
    more = {"file": "a.png", "box": [0, 0, 50, 20], "text": "ZEN", "region": "US-CA"}
    texts = folder / "texts.json"
    abroad = more | {"text": "FUN", "region": "CA-ON"}
    texts.write_text(json.dumps({"texts": [more, abroad, more | {"text": "SUN", "region": "other"}]}))
    both = [known(folder, texts, held_out=held_out) for held_out in (True, False)]
    found = {plate.text: issuer for each in both for issuer, plates in each.items() for plate in plates}
    assert (found["ZEN"], found["FUN"], found["SUN"]) == (CALIFORNIA, ELSEWHERE, ELSEWHERE)


def test_plates_that_no_state_is_told_of_are_refused(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("US-CA", "US").replace("US-NV", "US"))
    with pytest.raises(ManifestError, match="region"):
        known(folder, held_out=False)
