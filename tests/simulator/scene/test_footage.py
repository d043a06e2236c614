"""The clips that ship, held against their own truth. Nothing is drawn, so this runs everywhere."""

import csv
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import platepost.simulator
from platepost.wire.hotlist.keys import plate_key

_FOLDER = Path(next(iter(platepost.simulator.__path__))) / "footage"
_CLIPS = ["pass", "street"]


def _json(name: str) -> Any:
    return json.loads((_FOLDER / name).read_text("utf-8"))


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("name", "most"), [("pass", 1.5e6), ("street", 12e6)])
def test_clip_is_what_its_truth_says(name: str, most: float) -> None:
    truth = _json(f"{name}.truth.json")
    path = _FOLDER / f"{name}.mp4"

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shape = (stream.width, stream.height)
        codec, pixels, rate = stream.codec_context.name, stream.pix_fmt, float(stream.average_rate or 0)
        frames = sum(1 for _ in container.decode(video=0))

    assert (codec, pixels) == ("h264", "yuv420p")
    assert shape == (truth["width"], truth["height"]) == (1280, 720)
    assert rate == truth["fps"] == 20
    assert frames == truth["frames"]
    assert path.stat().st_size <= most


@pytest.mark.parametrize("name", _CLIPS)
def test_every_passage_is_wholly_in_view_in_its_frames(name: str) -> None:
    truth, plates = _json(f"{name}.truth.json"), _json(f"{name}.frames.json")["plates"]

    for number, passage in enumerate(truth["passages"]):
        seen = {int(frame): sight for frame, sights in plates.items() for sight in sights if sight["passage"] == number}
        first, last = passage["frames"]
        for frame in (first, last):
            corners = np.array(seen[frame]["corners"])
            assert seen[frame]["visible"] >= 0.95
            assert np.linalg.norm(corners[1] - corners[0]) >= 39
            assert (corners >= -0.5).all()
            assert (corners <= (truth["width"] - 0.5, truth["height"] - 0.5)).all()
        assert last - first >= 15
        assert 90 <= passage["widest"] <= 180


def test_plates_run_clockwise_from_the_upper_left() -> None:
    for sights in _json("street.frames.json")["plates"].values():
        for sight in sights:
            upper_left, upper_right, lower_right, lower_left = np.array(sight["corners"])
            assert upper_left[0] < upper_right[0]
            assert lower_left[0] < lower_right[0]
            assert upper_left[1] < lower_left[1]
            assert upper_right[1] < lower_right[1]


def test_street_has_enough_to_show() -> None:
    truth = _json("street.truth.json")
    kinds = [hit["kind"] for hit in _json("street.due.json")]
    starts = [tuple(passage["frames"]) for passage in truth["passages"]]

    assert 30 <= truth["frames"] / truth["fps"] <= 60
    assert len(truth["passages"]) >= 12
    assert sorted(kinds) == ["exact", "exact", "exact", "look_alike", "partial"]
    assert any(
        abs(a[0] - b[0]) <= 3 and abs(a[1] - b[1]) <= 3 and truth["passages"][i]["lane"] != truth["passages"][j]["lane"]
        for (i, a), (j, b) in combinations(enumerate(starts), 2)
    )


def test_only_the_passages_that_are_due_meet_the_hot_list() -> None:
    texts = [passage["text"] for passage in _json("street.truth.json")["passages"]]
    due = {hit["passage"]: hit for hit in _json("street.due.json")}
    listed = {plate_key(row["plate"]): row for row in _rows("street.hotlist.csv")}
    patterns = _rows("street.patterns.csv")

    assert len(listed) >= 200
    for number, text in enumerate(texts):
        entry = listed.get(plate_key(text))
        kinds = [] if entry is None else [("exact" if entry["plate"] == text else "look_alike", entry["category"])]
        kinds += [
            ("partial", pattern["category"])
            for pattern in patterns
            if len(pattern["pattern"]) == len(text)
            and all(want in {"?", have} for want, have in zip(pattern["pattern"], text, strict=True))
        ]
        expected = [(due[number]["kind"], due[number]["category"])] if number in due else []
        assert kinds == expected, text
