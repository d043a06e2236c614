"""Frames to H.264 in MP4."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from platepost.simulator.errors import SceneError


class ClipWriter:
    """An MP4 file (H.264, yuv420p) that frames are appended to; a context manager.

    Raises:
        SceneError: it cannot be written. FFmpeg would say so after minutes, at the first frame that it writes.

    """

    def __init__(self, path: Path, *, size: tuple[int, int], fps: int, quality: float, preset: str = "slow") -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("ab").close()
        except OSError as error:
            raise SceneError(f"{path}: cannot be written ({error.strerror})") from error
        self._container: Any = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: Any = self._container.add_stream("libx264", rate=Fraction(fps))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        # One thread and bit-exact: the same frames give the same file.
        self._stream.options = {"crf": f"{quality:g}", "preset": preset, "threads": "1", "g": str(fps * 2)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append a frame, H x W x 3 blue-green-red."""
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
