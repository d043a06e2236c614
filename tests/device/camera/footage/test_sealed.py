"""What a post recorded, played by the simulator: the round trip, frame by frame and read by read."""

import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from platepost.common.errors import CameraError, ConfigurationError
from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.camera.footage.recordings import open_recording
from platepost.device.config import parse
from platepost.device.frame import Frame
from platepost.device.post import Post
from platepost.device.recording import SealedReader, SealedWriter, requests
from platepost.device.recording.frames import pack
from platepost.device.recording.requests import Answer, Request
from platepost.device.rig import Rig
from platepost.device.vision.pipeline import Pipeline
from platepost.device.vision.recognizer import Recognizer
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.board.virtual import VirtualBoard
from platepost.simulator.cli import simulate
from platepost.wire.hotlist.package import load_key
from tests.device.recording.conftest import make_frame
from tests.rigs import post_table

pytestmark = pytest.mark.usefixtures("seen_once")
PASSES = Path(__file__).parents[4] / "simulator" / "footage" / "pass.mp4"
TOLL_LANE = Path(__file__).parents[5] / "shared" / "data" / "footage" / "toll_lane.mp4"
FRAMES = slice(28, 40)
"""Those that bring sightings in either clip."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    made = ECKey.generate_key("P-256")
    folder = tmp_path_factory.mktemp("keys")
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(made.as_pem(private=True))
    public.write_bytes(made.as_pem(private=False))
    return private, public


def footage(clip: Path) -> Iterator[Frame]:
    with FootageCamera(path=clip, pace="fast") as camera:
        yield from islice(camera.frames(), FRAMES.start, FRAMES.stop)


def record(clip: Path, path: Path, public: Path, *, color: bool = True) -> list[Frame]:
    frames = []
    key = load_key(public.read_bytes(), private=False)
    writer = SealedWriter(path, recipient=key, about={}, settings={"clip": clip.stem})
    for frame in footage(clip):
        writer.frame(pack(frame, color=color))
        frames.append(frame)
    writer.end({"frames": len(frames)})
    return frames


@pytest.mark.parametrize(
    "clip",
    [
        pytest.param(PASSES, id="drawn"),
        pytest.param(
            TOLL_LANE,
            id="toll_lane",
            marks=pytest.mark.skipif(
                not TOLL_LANE.is_file(), reason="the real footage of ../shared is missing: lay it beside the checkout"
            ),
        ),
    ],
)
def test_what_was_recorded_is_played_to_the_last_bit_and_read_alike(
    clip: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    private, public = keys
    path = tmp_path / "post-7.recording"
    recorded = record(clip, path, public)
    with FootageCamera(path=path, pace="fast", key=private) as camera:
        played = list(camera.frames())
        assert camera.frame_count == len(played) == len(recorded)
    for one, other in zip(recorded, played, strict=True):
        assert np.array_equal(one.gray, other.gray)
        assert np.array_equal(one.color(), other.color())
    stills = list(open_recording(path, key=private).stills())
    assert [still.seconds for still in stills] == [frame.monotonic - recorded[0].monotonic for frame in recorded]

    with SealedReader(path, load_key(private.read_bytes(), private=True)) as reader:
        assert reader.settings == {"clip": clip.stem}
        again = list(reader.frames())
        assert [frame.captured for frame in again] == [frame.captured for frame in recorded]
        assert reader.summary == {"frames": len(recorded)}
    recognizer = Recognizer.load()
    before, after = sightings(recognizer, recorded), sightings(recognizer, again)
    assert before
    assert before == after


def sightings(recognizer: Recognizer, frames: list[Frame]) -> list[tuple[int, str, float, list[float]]]:
    """What the post's own vision makes of frames."""
    pipeline = Pipeline(recognizer)
    return [
        (frame.number, seen.plate.text, seen.plate.reading.confidence, seen.plate.corners.ravel().tolist())
        for frame in frames
        for seen in pipeline.update(frame).sightings
    ]


def test_a_running_post_records_what_it_evaluates(keys: tuple[Path, Path], tmp_path: Path) -> None:
    """A whole post: a person asks, frames are sealed, and each comes back as the post saw it."""
    private, public = keys
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    folder = fleet.add_post("post-7", PostSettings(brokers=("localhost:1",), board="virtual"))
    table = post_table(
        "post-7",
        camera={"backend": "footage", "footage": {"path": str(PASSES), "pace": "fast"}},
        recording={"allowed": True, "recipient_key": str(public), "free_megabytes": 0},
    )
    configuration = parse(table, folder=folder)
    seen: dict[int, Frame] = {}
    answers: list[Answer] = []
    board = VirtualBoard()
    directory = configuration.recording.directory

    def look(frame: Frame, *_: object) -> None:
        seen[frame.number] = frame
        if frame.number >= FRAMES.stop and (answer := requests.fetch(directory, asked)):
            answers.append(answer)
            post.stop()  # what the clip shows after its first sightings is no other matter

    post = Post(configuration, rig=Rig(board=lambda _section: board, observer=look))
    asked = requests.ask(
        directory, Request(do="start", person="J. Rivera", account="pi", purpose="glare at dusk", minutes=1)
    )
    running = threading.Thread(target=post.run)
    running.start()
    running.join(120)
    (answer,) = answers
    assert answer.recording is not None
    with SealedReader(directory / answer.recording, load_key(private.read_bytes(), private=True)) as reader:
        frames = list(reader.frames())
        assert reader.settings["configuration"]["vision"] == configuration.vision.model_dump(mode="json")
        assert reader.settings["purpose"] == "glare at dusk"
        assert reader.summary is not None
        assert reader.summary["reason"] == "stop"
        assert reader.summary["frames"] == len(frames) > 0
    for frame in frames:
        assert np.array_equal(frame.gray, seen[frame.number].gray)
        assert np.array_equal(frame.color(), seen[frame.number].color())
        assert (frame.captured, frame.monotonic) == (seen[frame.number].captured, seen[frame.number].monotonic)


def test_without_the_key_it_is_not_played_and_says_so(keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys
    path = tmp_path / "a.recording"
    writer = SealedWriter(path, recipient=load_key(public.read_bytes(), private=False), about={}, settings={})
    with pytest.raises(CameraError, match="pass the key"):
        open_recording(path)
    with pytest.raises(ConfigurationError, match="nowhere"):
        open_recording(path, key=tmp_path / "nowhere.pem")
    other = tmp_path / "other.pem"
    other.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    with pytest.raises(CameraError):
        open_recording(path, key=other)
    writer.frame(pack(make_frame(0), color=True))
    writer.close()
    assert [still.seconds for still in open_recording(path, key=private).stills()] == [0.0]


def test_the_command_replays_it(keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys
    record(PASSES, tmp_path / "a.recording", public, color=False)
    result = CliRunner().invoke(
        simulate, ["replay", "--json", str(tmp_path / "a.recording"), "--key", str(private)], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert '"text"' in result.output
