import json
from pathlib import Path
from typing import Any

import pytest

from platepost.simulator.errors import TruthError
from platepost.simulator.scoring.truth import load_due_hits, load_truth

PASSAGES = [
    {"text": "7ABC123", "design": "california_passenger", "frames": [10, 40], "direction": "receding", "lane": 1},
    {"text": "8XYZ900", "frames": [50, 90]},
]


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_truth_of_the_renderer_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path / "street.truth.json",
        {"clip": "street.mp4", "fps": 20, "width": 1280, "height": 720, "frames": 100, "passages": PASSAGES},
    )
    truth = load_truth(path)
    assert truth.fps == 20
    assert [passage.text for passage in truth.passages] == ["7ABC123", "8XYZ900"]
    assert truth.passages[0].frames == (10, 40)


def test_truth_may_come_from_an_editor_on_windows(tmp_path: Path) -> None:
    path = tmp_path / "street.truth.json"
    content = {"clip": "street.mp4", "fps": 20, "width": 1280, "height": 720, "frames": 100, "passages": PASSAGES}
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    assert len(load_truth(path).passages) == 2


def test_manifest_is_searched_by_the_clip_s_name(tmp_path: Path) -> None:
    videos = [{"file": "a.mp4", "fps": 10, "passages": []}, {"file": "b.mp4", "fps": 18.09, "passages": PASSAGES}]
    path = written(tmp_path / "manifest.json", {"name": "two clips", "videos": videos})
    assert load_truth(path, clip="b.mp4").fps == 18.09
    with pytest.raises(TruthError, match=r"c\.mp4.*a\.mp4, b\.mp4"):
        load_truth(path, clip="c.mp4")


@pytest.mark.parametrize(
    "content",
    [[], {"fps": 20}, {"fps": 0, "passages": []}, {"fps": 20, "passages": [{"text": "A"}]}, {"videos": [{}]}],
)
def test_other_forms_are_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(TruthError, match="not a truth file"):
        load_truth(written(tmp_path / "truth.json", content))


def test_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text("{")
    with pytest.raises(TruthError, match="no truth"):
        load_truth(path)


def test_due_hits_name_passages_of_the_truth(tmp_path: Path) -> None:
    truth = load_truth(written(tmp_path / "truth.json", {"fps": 20, "passages": PASSAGES}))
    hits = [{"passage": 1, "kind": "look_alike", "category": "stolen_vehicle"}]
    due = load_due_hits(written(tmp_path / "due.json", hits), truth)
    assert [(hit.passage, hit.kind) for hit in due] == [(1, "look_alike")]

    hits[0]["passage"] = 2
    with pytest.raises(TruthError, match="passage 2"):
        load_due_hits(written(tmp_path / "due.json", hits), truth)
