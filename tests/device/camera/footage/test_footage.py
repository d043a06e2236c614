import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Timer

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.common.errors import CameraError, ConfigurationError
from platepost.device.camera.capture import Capture
from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.camera.footage.recordings import VideoRecording

SIZE = (96, 64)
PASSES = Path(__file__).parents[4] / "simulator" / "footage" / "pass.mp4"


def pictures(count: int) -> list[NDArray[np.uint8]]:
    """Gray ramps with a colored block, each brighter than the one before."""
    made = []
    for index in range(count):
        picture = np.full((SIZE[1], SIZE[0], 3), 40 + 15 * index, dtype=np.uint8)
        picture[:, :16] = np.linspace(0, 255, SIZE[1], dtype=np.uint8)[:, None, None]
        made.append(picture)
    return made


def write_video(path: Path, count: int, *, rate: int = 20, pixel_format: str = "yuv420p") -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = SIZE[0], SIZE[1], pixel_format
        for picture in pictures(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())


def decode(path: Path) -> int:
    return sum(1 for _ in VideoRecording(path).stills())


def write_images(folder: Path, count: int) -> None:
    folder.mkdir()
    for index, picture in enumerate(pictures(count)):
        cv2.imwrite(str(folder / f"{index:04d}.png"), picture)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv444p"])
def test_gray_of_a_video_equals_gray_of_its_colors(tmp_path: Path, pixel_format: str) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, 4, pixel_format=pixel_format)

    with FootageCamera(path=clip, pace="fast") as camera:
        frames = list(camera.frames())

    assert len(frames) == 4
    for frame in frames:
        expected = cv2.cvtColor(frame.color(), cv2.COLOR_BGR2GRAY)
        assert frame.gray.shape == (SIZE[1], SIZE[0])
        assert np.abs(frame.gray.astype(int) - expected.astype(int)).max() <= 3
    assert frames[0].gray.min() <= 2  # full range: black is black, white is white
    assert frames[0].gray.max() >= 253


@pytest.mark.parametrize("pixel_format", ["yuv420p", "rgb24"])
@pytest.mark.parametrize("degrees", [-90, 90, 180])
def test_what_a_phone_wrote_on_its_side_is_seen_upright(tmp_path: Path, pixel_format: str, degrees: int) -> None:
    clip = tmp_path / "clip.mov"
    shown = pictures(1)[0]
    written = np.ascontiguousarray(np.rot90(shown, -degrees // 90))
    with av.open(str(clip), "w") as container:
        codec = "libx264rgb" if pixel_format == "rgb24" else "libx264"
        stream = container.add_stream(codec, rate=20, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = *written.shape[:2], pixel_format
        stream.set_display_rotation(degrees)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(written, format="bgr24")))
        container.mux(stream.encode())
    (still,) = VideoRecording(clip).stills()
    assert np.abs(still.color().astype(int) - shown).max() <= 6
    assert np.abs(still.gray.astype(int) - cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY)).max() <= 6


@pytest.mark.parametrize("name", ["text.jpg", "text.png", "text.mp4"])
def test_a_file_that_is_no_video_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("This is text.\n")

    with pytest.raises(CameraError, match=rf"{name}: not a video that can be (decoded|played)"):
        decode(path)


def test_frames_stay_valid_after_the_next_is_decoded(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, 8)

    with FootageCamera(path=clip, pace="fast") as camera:
        frames = list(camera.frames())

    levels = [int(frame.gray[5, 60]) for frame in frames]
    assert levels == sorted(levels)
    assert [int(frame.color()[5, 60, 1]) for frame in frames] == pytest.approx(levels, abs=3)


def test_time_goes_on_where_pieces_were_put_into_one_file(tmp_path: Path) -> None:
    piece = tmp_path / "piece.ts"
    write_video(piece, 6, rate=20)
    clip = tmp_path / "clip.ts"
    clip.write_bytes(piece.read_bytes() * 2)

    times = [still.seconds for still in VideoRecording(clip).stills()]

    assert times == pytest.approx([0.05 * index for index in range(12)], abs=0.002)


def test_times_are_the_footage_s_own_whatever_the_pace(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, 6, rate=20)

    with FootageCamera(path=clip, pace="fast") as camera:
        frames = list(camera.frames())

    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert frames[5].monotonic - frames[0].monotonic == pytest.approx(0.25)
    assert frames[5].captured - frames[0].captured == timedelta(seconds=0.25)


def test_realtime_never_delivers_a_frame_before_it_is_due(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, 5, rate=20)

    with FootageCamera(path=clip) as camera:
        lateness = [time.monotonic() - frame.monotonic for frame in camera.frames()]

    assert len(lateness) == 5
    assert min(lateness) >= 0


def test_realtime_leaves_out_no_frame_for_a_slow_consumer(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, 5, rate=100)
    numbers = []

    with FootageCamera(path=clip) as camera:
        for frame in camera.frames():
            numbers.append(frame.number)
            time.sleep(0.03)

    assert numbers == [0, 1, 2, 3, 4]


def test_a_patient_camera_is_in_time_with_one_that_keeps_up_and_waits_for_one_that_does_not(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, 5, rate=20)

    with FootageCamera(path=clip, pace="patient") as camera:
        lateness = [time.monotonic() - frame.monotonic for frame in camera.frames()]
        capture = Capture(camera, queue_frames=1)
        capture.start()
        seen = []
        for frame in capture.frames():
            if frame is not None:
                seen.append(frame.number)
                time.sleep(0.2)
        capture.stop()

    assert min(lateness) >= 0
    assert (seen, capture.dropped) == ([0, 1, 2, 3, 4], 0)


def test_loop_goes_on_with_numbers_and_times(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    write_images(folder, 3)
    camera = FootageCamera(path=folder, pace="fast", loop=True, frames_per_second=10)
    assert not camera.finite

    with camera:
        frames = [frame for frame, _ in zip(camera.frames(), range(7), strict=False)]

    assert [frame.number for frame in frames] == list(range(7))
    steps = np.diff([frame.monotonic for frame in frames])
    assert steps == pytest.approx([0.1] * 6)
    assert np.array_equal(frames[0].gray, frames[3].gray)


def test_sequence_keeps_the_times_of_its_timing_file(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    write_images(folder, 3)
    timing = "file,seconds\n0000.png,100.0\n0002.png,100.04\n0001.png,100.5\n"
    (folder / "timing.csv").write_text(timing, encoding="utf-8-sig")  # as spreadsheets write it

    with FootageCamera(path=folder, pace="fast") as camera:
        frames = list(camera.frames())

    assert [frame.monotonic - frames[0].monotonic for frame in frames] == pytest.approx([0, 0.04, 0.5])
    assert int(frames[1].gray[5, 60]) > int(frames[2].gray[5, 60])


def test_close_ends_a_wait_for_the_next_frame(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    write_images(folder, 2)
    (folder / "timing.csv").write_text("file,seconds\n0000.png,0\n0001.png,3600\n")
    camera = FootageCamera(path=folder)
    camera.open()
    numbers = []
    for frame in camera.frames():
        numbers.append(frame.number)
        Timer(0.1, camera.close).start()

    assert numbers == [0]
    camera.close()


@pytest.mark.parametrize(
    ("timing", "message"),
    [
        ("file,seconds\n", "names no frame"),
        ("file,seconds\n0000.png,soon\n", "line 2"),
        ("name\n0000.png\n", "line 2"),
        ("file,seconds\n0000.png,1\n0001.png,1\n", "increase"),
        ("file,seconds\n0000.png,0\n0001.png,nan\n", "increase"),
        ("file,seconds\n0000.png,-1e300\n0001.png,1e300\n", "more than a year"),
        ("file,seconds\n\xe9.png,0\n", "in UTF-8"),
        (f"file,seconds\n{'0' * 200_000}.png,0\n", "field larger than"),
    ],
    ids=["empty", "word", "column", "twice", "nan", "far", "latin-1", "long"],
)
def test_bad_timing_file_is_named(tmp_path: Path, timing: str, message: str) -> None:
    folder = tmp_path / "frames"
    write_images(folder, 2)
    (folder / "timing.csv").write_text(timing, encoding="latin-1")
    with pytest.raises(CameraError, match=message):
        FootageCamera(path=folder).open()


def test_missing_or_unplayable_footage_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    (tmp_path / "empty").mkdir()
    for path, message in ((tmp_path / "gone.mp4", "no such"), (text, "not a video"), (tmp_path / "empty", "no images")):
        with pytest.raises(CameraError, match=message):
            FootageCamera(path=path).open()


def test_picture_of_a_folder_is_read_whatever_its_name_and_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    write_images(folder, 1)
    (folder / "0000.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    with FootageCamera(path=folder, pace="fast") as camera:
        assert len(list(camera.frames())) == 1
    (folder / "huge.pgm").write_bytes(b"P5\n60000 60000\n255\n")
    with (
        pytest.raises(CameraError, match=r"huge\.pgm: too many pixels"),
        FootageCamera(path=folder, pace="fast") as camera,
    ):
        list(camera.frames())


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="pace"):
        FootageCamera(path="clip.mp4", pace="slow")
    with pytest.raises(ConfigurationError, match="frames_per_second"):
        FootageCamera(path="clip.mp4", frames_per_second=0)


def test_frames_of_a_camera_that_is_not_open_are_refused() -> None:
    with pytest.raises(CameraError, match="not open"):
        next(FootageCamera(path="clip.mp4").frames())


def test_several_threads_may_ask_for_the_colors_of_one_frame() -> None:
    still = next(iter(VideoRecording(PASSES).stills()))
    with ThreadPoolExecutor(4) as pool:
        pictures = [made.result(timeout=60) for made in [pool.submit(still.color) for _ in range(32)]]
    assert all((picture == pictures[0]).all() for picture in pictures)


def test_a_video_that_was_trimmed_without_coding_it_anew_is_whole(tmp_path: Path) -> None:
    trimmed = tmp_path / "trimmed.mp4"  # as phones do, and ffmpeg -ss 3 -c copy: an edit list hides what is left over
    with av.open(str(PASSES)) as whole, av.open(str(trimmed), "w") as container:
        (source,) = whole.streams.video
        stream = container.add_stream_from_template(source)
        for packet in whole.demux(source):
            if packet.dts is not None and packet.pts is not None and source.time_base is not None:
                packet.pts, packet.dts = (at - round(3 / source.time_base) for at in (packet.pts, packet.dts))
                packet.stream = stream
                container.mux(packet)

    assert VideoRecording(trimmed).count() == decode(trimmed) == 80


def test_a_video_that_was_cut_off_is_not_replayed_as_if_it_were_whole(tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    whole = PASSES.read_bytes()
    assert whole.index(b"moov") < whole.index(b"mdat"), "its table comes first, so that what is left can be played"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(CameraError, match="of 140 frames: it is not whole"):
        decode(cut)
