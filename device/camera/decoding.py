"""What PyAV decodes, as the post's frames have it: luma of full range, and color when a picture is kept.

The gray picture is the video's own luma plane, so that it equals what training saw of the same frame
(`cv2.cvtColor` to gray), and no frame is converted to color in vain. Pictures are turned as the video says that they
are to be shown: a phone that is held upright writes its picture on its side, and how to turn it beside it. FFmpeg's
decoders leave that to the program that shows the picture (libavutil/display.h).
"""

from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.luma import full_range

_PLANAR_LUMA = frozenset({"gray", "nv12", "nv21", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"})
"""Pixel formats whose first plane is eight-bit luma."""
_FULL_RANGE_FORMATS = frozenset({"gray", "yuvj420p", "yuvj422p", "yuvj444p"})
_FULL_RANGE = 2
"""AVCOL_RANGE_JPEG of FFmpeg: luma from 0 to 255; anything else is 16 to 235 (ITU-R BT.601, BT.709)."""


def luma(frame: Any) -> NDArray[np.uint8]:
    """Return a frame's gray picture, H x W uint8; a copy, for the decoder reuses its buffers."""
    if frame.format.name not in _PLANAR_LUMA:
        return np.asarray(cv2.cvtColor(bgr(frame), cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    plane = frame.planes[0]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    rows = _upright(rows[: frame.height, : frame.width], frame)
    if frame.color_range == _FULL_RANGE or frame.format.name in _FULL_RANGE_FORMATS:
        return rows.copy()
    return full_range(rows)


def bgr(frame: Any) -> NDArray[np.uint8]:
    """Return a frame in color, H x W x 3 uint8 BGR."""
    return _upright(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), frame)


def _upright(picture: NDArray[np.uint8], frame: Any) -> NDArray[np.uint8]:
    turns = round(frame.rotation / 90) % 4  # degrees against the clock
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


class Color:
    """Makes a frame's color picture, for one thread after the other: two at once in FFmpeg's converter wait forever."""

    __slots__ = ("_frame", "_lock")

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._lock = Lock()

    def __call__(self) -> NDArray[np.uint8]:
        """Return the picture, H x W x 3 uint8 BGR."""
        with self._lock:
            return bgr(self._frame)
