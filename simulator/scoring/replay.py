"""Replay: a clip through the post's own vision, without network, as fast as this machine can and no frame dropped."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from platepost.common.signals import check
from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.frame import Frame
from platepost.device.vision.clips import ClipRead, reads_of
from platepost.device.vision.pipeline import Pipeline
from platepost.device.vision.recognizer import Recognizer


@dataclass(slots=True)
class Replay:
    """One run over a clip; `reads` gives the reads as they end, the figures are whole when it is exhausted."""

    clip: Path
    recognizer: Recognizer
    frames_per_second: float | None = None
    """For a folder of images, which does not know it."""
    key: Path | None = None
    """PEM of the private key that opens what a post recorded."""
    on_frame: Callable[[int, int], None] = lambda _done, _of: None
    """Called after each frame with how many are done and how many there are, 0 where that is not known."""
    seconds: float = field(default=0.0, init=False)
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.recognizer)

    def reads(self) -> Iterator[ClipRead]:
        """Play the clip and yield each read when its passage ends.

        Raises:
            CameraError: the clip cannot be played.

        """
        start = perf_counter()
        camera = FootageCamera(path=self.clip, pace="fast", frames_per_second=self.frames_per_second, key=self.key)
        with camera:
            yield from reads_of(self._counted(camera), self.pipeline)
        self.seconds = perf_counter() - start

    def _counted(self, camera: FootageCamera) -> Iterator[Frame]:
        total = camera.frame_count
        for frame in camera.frames():
            check()
            yield frame
            self.on_frame(frame.number + 1, total)
