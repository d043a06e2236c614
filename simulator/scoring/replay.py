"""Replay: a clip through the post's own vision, without network, as fast as this machine can and no frame dropped."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter

from platepost.common.signals import check
from platepost.device.camera.base import Camera
from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.frame import Frame
from platepost.device.vision.clips import ClipRead, reads_of
from platepost.device.vision.pipeline import Pipeline
from platepost.device.vision.recognizer import Recognizer


@dataclass(slots=True)
class Replay:
    """One run over footage, or over what a camera sees for some time.

    `reads` gives the reads as they end; the figures are whole when it is exhausted.
    """

    camera: Camera
    recognizer: Recognizer
    limit_seconds: float = math.inf
    """How long a camera is followed that does not end by itself."""
    on_frame: Callable[[int, int], None] = lambda _done, _of: None
    """Called after each frame with how many are done and how many there are, 0 where that is not known."""
    seconds: float = field(default=0.0, init=False)
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.recognizer)

    def reads(self) -> Iterator[ClipRead]:
        """Play the clip and yield each read when its passage ends.

        Raises:
            CameraError: the clip cannot be played, or the camera failed.

        """
        start = perf_counter()
        with self.camera:
            yield from reads_of(self._counted(), self.pipeline)
        self.seconds = perf_counter() - start

    def _counted(self) -> Iterator[Frame]:
        total = self.camera.frame_count if isinstance(self.camera, FootageCamera) else 0
        begin: float | None = None
        for frame in self.camera.frames():
            check()
            begin = frame.monotonic if begin is None else begin
            if frame.monotonic - begin > self.limit_seconds:
                return
            yield frame
            self.on_frame(frame.number + 1, total)
