"""Redaction of whole clips, the drawn one and real footage; what it made is kept in the test's folder to look at."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from platepost.common.errors import CameraError
from platepost.device.camera.footage.recordings import Recording, Still, VideoRecording
from platepost.device.vision.recognizer import Recognizer
from platepost.simulator.cli import simulate
from platepost.simulator.errors import RedactionError
from platepost.simulator.redaction import redact as module
from platepost.simulator.redaction.redact import Redactor
from tests.simulator.redaction.test_faces import drawn_face

PASSES = Path(__file__).parents[3] / "simulator" / "footage" / "pass.mp4"
TOLL_LANE = Path(__file__).parents[4] / "shared" / "data" / "footage" / "toll_lane.mp4"
CAPTION = (490.0, 0.0, 1280.0, 42.0)
"""Where that footage's caption names the vehicle's account, which is its plate."""
FRAMES = 3


class Part(Recording):
    """Some frames of a clip, with real pauses between them."""

    def __init__(self, clip: Path, first: int, *, frames: int = FRAMES) -> None:
        self._stills = list(islice(VideoRecording(clip).stills(), first, first + frames))

    def stills(self, *, start: float = 0.0) -> Iterator[Still]:
        yield from self._stills

    def frame_seconds(self) -> float:
        return 0.05

    def count(self) -> int:
        return len(self._stills)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def texts(recognizer: Recognizer, picture: np.ndarray) -> set[str]:
    return {plate.text for plate in recognizer.recognize(picture).plates if plate.reading.confidence > 0.5}


@pytest.mark.parametrize(
    ("clip", "first"),
    [
        pytest.param(PASSES, 24, id="drawn"),
        pytest.param(
            TOLL_LANE,
            40,
            id="toll_lane",
            marks=pytest.mark.skipif(
                not TOLL_LANE.is_file(), reason="the real footage of ../shared is missing: lay it beside the checkout"
            ),
        ),
    ],
)
def test_no_plate_can_be_read_afterwards(clip: Path, first: int, recognizer: Recognizer, tmp_path: Path) -> None:
    part = Part(clip, first)
    out = tmp_path / "shared.mp4"
    found = Redactor(always=(CAPTION,)).redact(part, out)
    recognizer.detector.minimum_score = 0.4
    before, after = list(part.stills()), list(VideoRecording(out).stills())
    for number in (0, FRAMES - 1):
        cv2.imwrite(str(tmp_path / f"before-{number}.png"), before[number].color())
        cv2.imwrite(str(tmp_path / f"after-{number}.png"), after[number].color())
    assert len(after) == FRAMES
    assert [still.seconds for still in after] == pytest.approx(
        [still.seconds - before[0].seconds for still in before], abs=1e-4
    )
    assert any(texts(recognizer, still.gray) for still in before)
    for still in after:
        assert texts(recognizer, still.gray) == set()
    assert found.plates > 0
    assert found.frames == FRAMES


def test_a_face_is_covered_too(tmp_path: Path) -> None:
    face = drawn_face(120)
    cv2.imwrite(str(tmp_path / "0.png"), face)
    out = tmp_path / "shared.mp4"
    result = run(tmp_path, out)
    assert result.exit_code == 0
    assert json.loads(result.output)["faces"] == 1
    middle = next(iter(VideoRecording(out).stills())).color()[150:210, 300:340].astype(int)
    assert np.abs(middle - face[150:210, 300:340].astype(int)).mean() > 20


def test_a_face_in_any_one_picture_of_a_folder_is_covered(tmp_path: Path) -> None:
    face = drawn_face(120)
    holding = {0, 2}
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), face if number in holding else np.full_like(face, 120))
    out = tmp_path / "shared.mp4"
    assert run(tmp_path, out).exit_code == 0
    for number, still in enumerate(VideoRecording(out).stills()):
        if number in holding:
            middle = still.color()[150:210, 300:340].astype(int)
            assert np.abs(middle - face[150:210, 300:340].astype(int)).mean() > 20


def run(source: Path, out: Path, *more: str) -> Result:
    words = ["redact", str(source), str(out), "--json", *more]
    return CliRunner().invoke(simulate, words, catch_exceptions=False)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "room"
    folder.mkdir()
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((90, 160, 3), 90 + number, np.uint8))
    return folder


def test_nothing_but_pictures_is_taken_over(room: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "named.mp4", tmp_path / "shared.mp4"
    with av.open(str(source), "w") as container:
        container.metadata.update({"title": "Main street", "location": "+37.77-122.41/", "artist": "J. Rivera"})
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        sound = container.add_stream("aac", rate=44100)
        for _ in range(2):
            gray = np.full((90, 160, 3), 90, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(gray, format="bgr24")))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.rate = 44100
        container.mux(sound.encode(silence))
        container.mux(stream.encode())
        container.mux(sound.encode())
    assert run(source, out).exit_code == 0
    content = out.read_bytes()
    assert not [word for word in (b"Main street", b"37.77", b"Rivera", b"Lavf") if word in content]
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_where_something_can_still_be_read_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKS", 1)
    monkeypatch.setattr(module, "cover", lambda picture, _boxes: picture.copy())
    monkeypatch.setattr(module, "seen", lambda *_: 1.0)
    with pytest.raises(RedactionError, match="can still be read"):
        Redactor().redact(Part(PASSES, 24, frames=1), tmp_path / "shared.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (90, 1, 3)])
def test_a_picture_that_makes_no_video_is_named(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros(shape, np.uint8))
    with pytest.raises(RedactionError, match=f"{shape[1]} x {shape[0]} pixels is too small"):
        run(tmp_path, tmp_path / "shared.mp4")


def test_what_is_there_is_never_written_over_and_only_mp4_is_written(room: Path, tmp_path: Path) -> None:
    out = tmp_path / "shared.mp4"
    out.write_text("precious")
    with pytest.raises(RedactionError, match="exists already"):
        run(room, out)
    assert out.read_text() == "precious"
    with pytest.raises(RedactionError, match=r"must end in \.mp4"):
        run(room, tmp_path / "shared.avi")
    with pytest.raises(RedactionError, match="cannot be written"):
        run(room, tmp_path / "nowhere" / "shared.mp4")


class Damaged(Part):
    """Footage of which only the first frame can be played; how often it was tried is counted."""

    played = 0

    def stills(self, *, start: float = 0.0) -> Iterator[Still]:
        self.played += 1
        yield self._stills[0]
        raise CameraError("damaged")


def test_what_cannot_be_written_is_told_before_anything_is_looked_at(tmp_path: Path) -> None:
    recording = Damaged(PASSES, 24)
    with pytest.raises(RedactionError, match="cannot be written"):
        Redactor().redact(recording, tmp_path / "nowhere" / "shared.mp4")
    assert recording.played == 1, "for its size"


def test_footage_that_ends_in_damage_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="damaged"):
        Redactor().redact(Damaged(PASSES, 24), tmp_path / "shared.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "9,0,1,4", "nan,0,10,10", "0,0,inf,10", "0,nan,9,9"])
def test_a_box_that_is_none_is_named(room: Path, tmp_path: Path, box: str) -> None:
    result = run(room, tmp_path / "shared.mp4", "--cover", box)
    assert result.exit_code == 2
    assert box in result.output
