"""What footage is made of: video files, folders of images, frame sequences with their timing.

A recording is a sequence of `Still` in the order of their time.
"""

import csv
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import CameraError, ConfigurationError, PictureError
from platepost.device.camera.decoding import Color, luma
from platepost.device.recording import SUFFIX, RecordingError, SealedReader
from platepost.device.vision.photos import load_photo
from platepost.wire.hotlist.package import load_key

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
TIMING_FILE = "timing.csv"
"""Beside the images of a frame sequence: a header `file,seconds`, then a line a frame, seconds since the first."""

WHOLE = 0.95
"""Share of the frames that a container claims to show from which a video counts as whole: some may hide at its ends."""

_LONGEST_SECONDS = 366 * 86_400
"""Longer than anything that is recorded: its times are milliseconds, or no times."""
_SEALED_SECONDS = 0.1
"""How long a frame of a post's recording is taken to last before it was played."""


@dataclass(frozen=True, slots=True)
class Still:
    """One frame of a recording: seconds since its first, gray H x W uint8, and how to make BGR H x W x 3 of it."""

    seconds: float
    gray: NDArray[np.uint8]
    color: Callable[[], NDArray[np.uint8]]
    small: NDArray[np.uint8] | None = None
    """What the camera itself shrank for the detector, where it did."""


class Recording(ABC):
    """A sequence of stills that can be played more than once."""

    @abstractmethod
    def stills(self, *, start: float = 0.0) -> Iterator[Still]:
        """Yield the stills to the last, from second `start` on or from some earlier one; their times do not change.

        Raises:
            CameraError: the footage cannot be decoded.

        """

    @abstractmethod
    def frame_seconds(self) -> float:
        """Return how long one frame lasts: the time from the last frame to the first when the recording repeats."""

    @abstractmethod
    def count(self) -> int:
        """Return how many frames the recording has, 0 where only playing it would tell."""


def open_recording(path: Path, *, frames_per_second: float | None = None, key: Path | None = None) -> Recording:
    """Open a video, a folder of images, a frame sequence (a folder with `timing.csv`), or what a post recorded.

    `frames_per_second` is for image folders, which do not know it; `key` is the PEM that a post's recording is sealed
    to.

    Raises:
        CameraError: there is nothing at the path, or nothing that can be played.

    """
    if path.is_dir():
        return SequenceRecording(path) if (path / TIMING_FILE).is_file() else FolderRecording(path, frames_per_second)
    if path.is_file() and path.suffix == SUFFIX:
        if key is None:
            raise CameraError(f"{path}: recordings of a post are encrypted; pass the key that decrypts them")
        return SealedRecording(path, key)
    if path.is_file():
        return VideoRecording(path)
    raise CameraError(f"{path}: no such footage; expected a video file or a folder of images")


class VideoRecording(Recording):
    """A video file, in any format that FFmpeg decodes; timing is the video's own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as container:
            stream = container.streams.video[0]
            self._rate = float(stream.average_rate or stream.guessed_rate or 25)
            self._count = int(stream.frames or 0)
            if "mp4" in container.format.name and stream.duration:  # what an edit list hides is in the file still
                self._count = min(self._count, round(float(stream.duration * stream.time_base) * self._rate))

    def _open(self) -> Any:
        try:
            container = av.open(str(self._path))
        except (av.error.FFmpegError, OSError) as error:
            raise CameraError(f"{self._path}: not a video that can be played ({error.strerror or error})") from error
        if not container.streams.video:
            container.close()
            raise CameraError(f"{self._path}: this file has no picture")
        return container

    def stills(self, *, start: float = 0.0) -> Iterator[Still]:
        """Decode the video from the last picture before `start` that stands alone."""
        with self._open() as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            first: float | None = None
            if start > 0 and stream.start_time is not None and stream.time_base:
                first = float(stream.start_time * stream.time_base)
                container.seek(stream.start_time + int(start / stream.time_base), stream=stream)
            decoded, last = 0, -math.inf
            try:
                for frame in container.decode(stream):
                    moment = frame.time if frame.time is not None else decoded / self._rate
                    first = moment if first is None else first
                    if moment - first < last:  # pieces in one file, each counting from its own beginning
                        first = moment - last - 1 / self._rate
                    decoded, last = decoded + 1, moment - first
                    yield Still(last, luma(frame), Color(frame))
            except av.error.FFmpegError as error:
                state = f"damaged after {decoded} frames" if decoded else "not a video that can be decoded"
                raise CameraError(f"{self._path}: {state} ({error.strerror or error})") from error
            if not decoded:
                raise CameraError(f"{self._path}: not a video that can be decoded (it has no frames)")
            if start <= 0 and decoded < self._count * WHOLE:
                raise CameraError(f"{self._path}: ends after {decoded} of {self._count} frames: it is not whole")

    def frame_seconds(self) -> float:
        """Return how long one frame lasts, by the average rate."""
        return 1 / self._rate

    def count(self) -> int:
        """Return how many frames the container claims to show."""
        return self._count


class FolderRecording(Recording):
    """The images of a folder in the order of their names, evenly timed."""

    def __init__(self, path: Path, frames_per_second: float | None) -> None:
        self._seconds = 1 / (frames_per_second or 10.0)
        self._files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        if not self._files:
            raise CameraError(f"{path}: no images in this folder")

    def stills(self, *, start: float = 0.0) -> Iterator[Still]:  # noqa: ARG002 - reading an image is cheap
        """Read the images one after the other."""
        for index, file in enumerate(self._files):
            yield _still(file, index * self._seconds)

    def frame_seconds(self) -> float:
        """Return how far apart the images are."""
        return self._seconds

    def count(self) -> int:
        """Return how many images there are."""
        return len(self._files)


class SequenceRecording(Recording):
    """The images of a folder that its `timing.csv` names, at the times it gives."""

    def __init__(self, path: Path) -> None:
        self._frames: list[tuple[Path, float]] = []
        timing = path / TIMING_FILE
        try:
            with timing.open(encoding="utf-8-sig", newline="") as lines:
                rows = list(csv.DictReader(lines))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CameraError(f"{timing}: expected lines of `file,seconds` in UTF-8 ({error})") from error
        for number, row in enumerate(rows, start=2):
            try:
                self._frames.append((path / row["file"], float(row["seconds"])))
            except (KeyError, TypeError, ValueError) as error:
                raise CameraError(f"{timing}, line {number}: expected `file,seconds`") from error
        if not self._frames:
            raise CameraError(f"{timing}: names no frame")
        times = [seconds for _, seconds in self._frames]
        if not all(map(math.isfinite, times)) or any(later <= earlier for earlier, later in pairwise(times)):
            raise CameraError(f"{timing}: the times of the frames must increase")
        if times[-1] - times[0] > _LONGEST_SECONDS:
            raise CameraError(f"{timing}: its times are more than a year apart; they are seconds")

    def stills(self, *, start: float = 0.0) -> Iterator[Still]:  # noqa: ARG002 - reading an image is cheap
        """Read the images that the timing file names."""
        begin = self._frames[0][1]
        for file, seconds in self._frames:
            yield _still(file, seconds - begin)

    def frame_seconds(self) -> float:
        """Return how long a frame lasts on average."""
        return (self._frames[-1][1] - self._frames[0][1]) / max(len(self._frames) - 1, 1) or 0.1

    def count(self) -> int:
        """Return how many frames the timing file names."""
        return len(self._frames)


class SealedRecording(Recording):
    """What a post recorded: each frame as the post evaluated it, to the last bit, at its own time."""

    def __init__(self, path: Path, key: Path) -> None:
        """Open a recording.

        Raises:
            CameraError: it is damaged, no recording, or not for this key.
            ConfigurationError: the key cannot be read.

        """
        try:
            pem = key.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{key}: {error.strerror or error}") from error
        self._path = path
        self._key = load_key(pem, private=True)
        with self._open() as reader:
            self._count = reader.count()
            self.settings = reader.settings
        self._seconds = _SEALED_SECONDS

    def _open(self) -> SealedReader:
        try:
            return SealedReader(self._path, self._key)
        except RecordingError as error:
            raise CameraError(str(error)) from error

    def stills(self, *, start: float = 0.0) -> Iterator[Still]:  # noqa: ARG002 - it is allowed to begin earlier
        """Open the frames one after the other; one that a power cut ended is played as far as it goes."""
        first: float | None = None
        last, played = 0.0, 0
        with self._open() as reader:
            try:
                for frame in reader.frames():
                    first = frame.monotonic if first is None else first
                    last, played = frame.monotonic - first, played + 1
                    yield Still(last, frame.gray, frame.color, frame.small)
            except RecordingError as error:
                raise CameraError(str(error)) from error
        if not played:
            raise CameraError(f"{self._path}: the recording has no frames")
        if played > 1:
            self._seconds = last / (played - 1)

    def frame_seconds(self) -> float:
        """Return how long a frame lasts on average, once the recording was played."""
        return self._seconds

    def count(self) -> int:
        """Return how many frames there are."""
        return self._count


def _still(file: Path, seconds: float) -> Still:
    try:
        color = load_photo(file)
    except PictureError as error:
        raise CameraError(str(error)) from error
    return Still(seconds, np.asarray(cv2.cvtColor(color, cv2.COLOR_BGR2GRAY), dtype=np.uint8), lambda: color)
