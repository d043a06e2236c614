"""Capture: the thread that takes frames from the camera and never waits for what follows."""

import logging
from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic

from platepost.common.errors import CameraError
from platepost.device.camera.base import Camera
from platepost.device.frame import Frame

log = logging.getLogger(__name__)


class Capture:
    """Frames of a camera, handed over through a short queue.

    When the post is too slow the newest frame is dropped and counted; a patient camera's frames wait instead. The
    camera must be open, and stays the caller's to close.
    """

    def __init__(self, camera: Camera, *, queue_frames: int) -> None:
        self._camera = camera
        self._queue: Queue[Frame] = Queue(queue_frames)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="capture", daemon=True)
        self._started = monotonic()
        self.dropped = 0
        """Frames that the post was too slow for."""
        self.lost = 0
        """Frames that the camera itself lost: gaps in its numbers."""
        self.last_frame: float | None = None
        """`time.monotonic()` when the newest frame came."""
        self.fault: CameraError | None = None
        """Why the camera stopped, if it did not end by itself."""

    def start(self) -> None:
        """Begin to take frames."""
        self._started = monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Stop taking frames; returns when the thread has ended, or after two seconds if the camera hangs."""
        self._stop.set()
        self._thread.join(timeout=2)

    @property
    def age(self) -> float:
        """Seconds since the newest frame, or since the start if none has come."""
        return monotonic() - (self.last_frame or self._started)

    @property
    def running(self) -> bool:
        """Whether frames may still come."""
        return self._thread.is_alive() or not self._queue.empty()

    def frames(self, *, patience: float = 0.2) -> Iterator[Frame | None]:
        """Yield frames until the camera ends; None when none came for `patience` seconds, for the caller to breathe."""
        while self.running and not self._stop.is_set():
            try:
                yield self._queue.get(timeout=patience)
            except Empty:
                yield None

    def _run(self) -> None:
        expected = 0
        try:
            for frame in self._camera.frames():
                self.last_frame = monotonic()
                self.lost += max(0, frame.number - expected)
                expected = frame.number + 1
                self._put(frame)
                if self._stop.is_set():
                    return
        except CameraError as error:
            log.exception("the camera stopped")
            self.fault = error

    def _put(self, frame: Frame) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(frame, block=self._camera.patient, timeout=0.2)
            except Full:
                if self._camera.patient:
                    continue
                self.dropped += 1
            return
