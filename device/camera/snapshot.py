"""One frame for someone who asked: handed over from the thread that evaluates frames to the one that answers."""

from queue import Empty, Full, Queue
from threading import Event

from platepost.common.errors import CameraError
from platepost.device.frame import Frame
from platepost.device.part import Part
from platepost.device.vision.pictures import Jpeg, encode

STILL_BYTES = 40 * 1024
"""Largest still: sealed and in base64 it stays below the 64 KiB that a broker must take."""
PATIENCE_SECONDS = 5.0


class Snapshot(Part):
    """Takes the next frame when one is wanted. Nothing is kept otherwise."""

    def __init__(self) -> None:
        self._wanted = Event()
        self._frames: Queue[Frame] = Queue(1)

    def update(self, frame: Frame) -> None:
        """Hand over a frame if one is wanted; called for every frame, so it costs nothing else."""
        if self._wanted.is_set():
            self._wanted.clear()
            try:
                self._frames.put_nowait(frame)
            except Full:
                return

    def take(self) -> Jpeg:
        """Wait for the next frame and return it as a JPEG.

        Raises:
            CameraError: none came in time.
            PictureError: it cannot be made small enough.

        """
        while not self._frames.empty():
            self._frames.get_nowait()
        self._wanted.set()
        try:
            frame = self._frames.get(timeout=PATIENCE_SECONDS)
        except Empty:
            self._wanted.clear()
            raise CameraError(f"no frame arrived within {PATIENCE_SECONDS:g} s") from None
        return encode(frame.color(), largest=STILL_BYTES)
