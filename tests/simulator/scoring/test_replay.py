import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.vision.detector import Detection
from platepost.device.vision.reader import Glyph, Reading
from platepost.device.vision.recognizer import Recognizer
from platepost.device.vision.region import NONE
from platepost.device.vision.vehicle import Appearance
from platepost.simulator.cli import simulate
from platepost.simulator.scoring.replay import Replay

FIRST, LAST = 8, 20
"""Frames in which the white plate crosses the road."""


class FindsWhite:
    """Takes the box of whatever is white for a plate."""

    def detect(self, gray: NDArray[np.uint8], small: NDArray[np.uint8] | None = None) -> list[Detection]:
        rows, columns = np.nonzero(gray > 200)
        if not rows.size:
            return []
        left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
        return [Detection(0.9, corners)]


class ReadsAlways:
    """Reads the same text from every plate."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read_rectified(self, _rectified: NDArray[np.uint8]) -> Reading:
        characters = tuple(Glyph(character, 0.99) for character in self.text)
        return Reading(self.text, 0.95, characters, ())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(40):
        picture = np.full((360, 640), 60, np.uint8)
        if FIRST <= number <= LAST:
            left = 40 + 40 * (number - FIRST)
            picture[200:240, left : left + 80] = 255
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture)
    return folder


def recognizer(text: str = "7ABC123") -> Any:
    nothing = {"impression": lambda _plates, _text: NONE, "appearance": lambda _frame, _plate: Appearance()}
    return SimpleNamespace(detector=FindsWhite(), reader=ReadsAlways(text), **nothing)


def test_replay_gives_each_passage_once_with_its_frames(clip: Path) -> None:
    seen: list[tuple[int, int]] = []
    run = Replay(FootageCamera(path=clip, pace="fast"), recognizer(), on_frame=lambda done, of: seen.append((done, of)))
    reads = list(run.reads())

    assert [(read.text, read.first_frame, read.last_frame) for read in reads] == [("7ABC123", FIRST, LAST)]
    assert reads[0].first_second == pytest.approx(FIRST / 10)
    assert seen == [(number + 1, 40) for number in range(40)]
    assert run.pipeline.counters.frames == 40
    assert run.seconds > 0


def test_passage_that_the_clip_cuts_off_still_ends_in_a_read(clip: Path) -> None:
    for file in sorted(clip.iterdir())[LAST - 2 :]:
        file.unlink()
    assert [read.last_frame for read in Replay(FootageCamera(path=clip, pace="fast"), recognizer()).reads()] == [
        LAST - 3
    ]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.json"
    passages = [{"text": "7ABC123", "frames": [FIRST, LAST]}, {"text": "8XYZ900", "frames": [30, 38]}]
    path.write_text(json.dumps({"fps": 10, "passages": passages}))
    return path


def test_json_is_a_line_a_read_and_a_line_of_score(clip: Path, truth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recognizer, "load", lambda **_: recognizer())
    result = CliRunner().invoke(
        simulate, ["replay", str(clip), "--truth", str(truth), "--json"], catch_exceptions=False
    )
    assert result.exit_code == 0
    read, score = (json.loads(line) for line in result.stdout.splitlines())
    assert (read["text"], read["frames"]) == ("7ABC123", [FIRST, LAST])
    assert [character["character"] for character in read["characters"]] == list("7ABC123")
    assert score["score"]["passages"] == 2
    assert score["score"]["captured"] == score["score"]["read_right"] == 1
    assert [outcome["read"] for outcome in score["score"]["outcomes"]] == ["7ABC123", None]


def test_table_shows_wrong_reads_beside_the_truth(clip: Path, truth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recognizer, "load", lambda **_: recognizer("7ABC128"))
    result = CliRunner().invoke(simulate, ["replay", str(clip), "--truth", str(truth)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "2 passages, 1 captured, 0 read right" in " ".join(result.stdout.split())
    assert "wrong" in result.stdout
    assert "missed" in result.stdout
