"""Recordings of posts, played with the key that they are sealed to."""

from collections.abc import Iterator
from pathlib import Path

from device.errors import CameraError, ConfigurationError
from device.hotlist.package import load_key
from device.recording import RecordingError, SealedReader
from simulator.camera.recordings import Recording, Still

DEFAULT_SECONDS = 0.1


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
        self._seconds = DEFAULT_SECONDS

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
                    yield Still(last, frame.grey, frame.colour, frame.small)
            except RecordingError as error:
                raise CameraError(str(error)) from error
        if not played:
            raise CameraError(f"{self._path}: the recording has no frames")
        if played > 1:
            self._seconds = last / (played - 1)

    def frame_seconds(self) -> float:
        """Say how long a frame lasts on average, once the recording was played."""
        return self._seconds

    def count(self) -> int:
        """Say how many frames there are."""
        return self._count
