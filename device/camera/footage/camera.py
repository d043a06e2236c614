"""Footage as a camera: plays a recording to a post as a lens would, or as fast as the post can take it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, Literal

from pydantic import Field

from platepost.common.errors import CameraError
from platepost.common.settings import Section, checked
from platepost.device.camera.base import Camera
from platepost.device.camera.footage.recordings import Recording, open_recording
from platepost.device.camera.footage.zoomed import Side, Zoomed
from platepost.device.frame import Frame

Pace = Literal["realtime", "patient", "fast"]


class FootageSettings(Section):
    """What the footage is and how it is played: the table `camera.footage` of the configuration."""

    path: str = Field(min_length=1, description="The footage: a video, a folder, or what a post recorded.")
    pace: Pace = Field(
        default="realtime",
        description="`realtime`; `patient`: slower where the post does not keep up; or `fast`: as fast as it takes it.",
    )
    loop: bool = Field(default=False, description="Whether it begins again when it ends, forever.")
    frames_per_second: float | None = Field(
        default=None, ge=0.001, le=1000, description="Of a folder of images, which does not know it (10 if not given)."
    )
    key: str | None = Field(default=None, description="PEM of the private key that opens what a post recorded.")
    zoom: float = Field(default=1, ge=1, le=4, description="As through a lens so many times as long.")
    side: Side = Field(default="middle", description="Where a longer lens is turned to: `left`, `middle`, `right`.")


class FootageCamera(Camera):
    """Plays a video file, a folder of images, a frame sequence with its timing, or what a post recorded.

    In pace `realtime` each frame is delivered when it is due and none is left out: a consumer that is too slow must
    drop them, as with a lens. In pace `patient` each waits for the consumer, so that a slow machine sees all that a
    fast one does, later. In pace `fast` they do, and come without waiting until they are due. Always a frame's
    `captured` and `monotonic` are those of the footage, counted from when its first frame was asked for, so that what
    follows sees the vehicles' true speed; in pace `fast` they run ahead of the clock, in pace `patient` behind it.

    It does not simulate: exposure, auto-focus, a lens that is cut off, rolling shutter. Those are in the footage or
    absent.
    """

    settings_model = FootageSettings

    def __init__(self, **settings: Any) -> None:
        """Check the settings, those of `FootageSettings`; paths may be `Path`. Nothing is opened yet.

        Raises:
            ConfigurationError: a setting is not known, or has a value that cannot be.

        """
        values = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
        self._settings = checked(FootageSettings, values, table="camera.footage")
        self._path = Path(self._settings.path)
        self._recording: Recording | None = None
        self._closed = Event()
        self.name = f"footage {self._path.name}"

    def __repr__(self) -> str:
        state = "closed" if self._recording is None else "open"
        return f"<FootageCamera {self._path.name!r} {self._settings.pace}, {state}>"

    @property
    def finite(self) -> bool:
        """Whether the footage ends by itself."""
        return not self._settings.loop

    @property
    def patient(self) -> bool:
        """Whether frames wait for the consumer."""
        return self._settings.pace != "realtime"

    @property
    def noisy(self) -> bool:
        """Return False: a video may repeat a frame to the last bit where nothing moves."""
        return False

    @property
    def frame_count(self) -> int:
        """How many frames the footage has, 0 where only playing it would tell; the camera must be open."""
        return self._opened().count()

    def open(self) -> None:
        """Open the footage.

        Raises:
            CameraError: it is missing, or nothing that can be played.

        """
        self._closed.clear()
        settings, key = self._settings, self._settings.key
        recording = open_recording(
            self._path, frames_per_second=settings.frames_per_second, key=None if key is None else Path(key)
        )
        self._recording = recording if settings.zoom == 1 else Zoomed(recording, zoom=settings.zoom, side=settings.side)

    def close(self) -> None:
        """Stop playing; a blocked `frames` ends."""
        self._closed.set()
        self._recording = None

    def frames(self) -> Iterator[Frame]:
        """Yield every frame of the footage, each when it is due.

        Raises:
            CameraError: the camera is not open, or the footage is damaged.

        """
        recording = self._opened()
        number = 0
        offset = 0.0
        begin, begin_utc = time.monotonic(), datetime.now(UTC)
        while not self._closed.is_set():
            seconds = offset
            for still in recording.stills():
                seconds = offset + still.seconds
                if self._wait_until(begin + seconds):
                    return
                yield Frame(
                    number=number,
                    captured=begin_utc + timedelta(seconds=seconds),
                    monotonic=begin + seconds,
                    gray=still.gray,
                    color=still.color,
                    small=still.small,
                )
                number += 1
            if not self._settings.loop:
                return
            offset = seconds + recording.frame_seconds()

    def _wait_until(self, moment: float) -> bool:
        """Wait for the moment unless the pace is `fast`; return whether the camera was closed."""
        if self._settings.pace == "fast":
            return self._closed.is_set()
        return self._closed.wait(max(0.0, moment - time.monotonic()))

    def _opened(self) -> Recording:
        if self._recording is None:
            raise CameraError(f"{self._path}: the camera is not open")
        return self._recording
