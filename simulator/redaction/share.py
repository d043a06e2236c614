"""Writing what may be shared: H.264 in MP4 that says nothing of where it came from, whole or not at all."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

TICKS = 90_000
"""A second, in the unit that times are written in."""
QUALITY = 18


class ShareWriter:
    """Frames with their times into a file beside the wanted one, which takes its name when all went well.

    No sound, no title, no place, no maker, no date: nothing is taken over but the pictures.

    Raises:
        OSError: it cannot be written.

    """

    def __init__(self, path: Path, *, size: tuple[int, int]) -> None:
        self._path = path
        self._aside = path.with_name(f".{path.stem}.part{path.suffix}")
        self._aside.open("wb").close()  # FFmpeg would say only at the first frame that it cannot be written
        self._container: Any = av.open(str(self._aside), "w", options={"movflags": "+faststart", "fflags": "+bitexact"})
        self._stream: Any = self._container.add_stream("libx264", rate=30)
        # Even sizes only: what is left over of an odd one is cut off.
        self._stream.width, self._stream.height = size[0] // 2 * 2, size[1] // 2 * 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = self._stream.codec_context.time_base = Fraction(1, TICKS)
        self._stream.options = {"crf": str(QUALITY), "preset": "fast", "threads": "2"}
        self._stream.codec_context.flags |= av.codec.context.Flags.bitexact
        self._last = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._mux(None)
            self._container.close()
            if kind is None:
                self._aside.replace(self._path)
        finally:
            self._aside.unlink(missing_ok=True)

    def add(self, picture: NDArray[np.uint8], seconds: float) -> None:
        """Append a frame, H x W x 3 blue-green-red, at its time."""
        even = np.ascontiguousarray(picture[: self._stream.height, : self._stream.width])
        frame = av.VideoFrame.from_ndarray(even, format="bgr24")
        self._last = frame.pts = max(self._last + 1, round(seconds * TICKS))
        frame.time_base = Fraction(1, TICKS)
        self._mux(frame)

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
