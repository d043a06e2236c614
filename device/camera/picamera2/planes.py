"""Frames of a camera that delivers YUV: one copy out of its buffer, and nothing converted that no one asked for."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import CameraError

FORMATS = ("YUV420", "NV12")
"""Luma of H rows, then chroma of half the resolution, its two parts one after the other or interleaved."""

Picture = tuple[NDArray[np.uint8], Callable[[], NDArray[np.uint8]]]


def picture(buffer: Any, stream: Mapping[str, Any]) -> Picture:
    """Copy a frame out of a buffer; return its luma, and what makes BGR of it.

    Args:
        buffer: bytes of the stream, which the camera fills again once this has returned.
        stream: the stream's `format`, `size` and `stride`, as Picamera2 describes them.

    Raises:
        CameraError: the format is another, or the buffer too small for it.

    """
    _, height, stride = _shape(stream)
    length = stride * height * 3 // 2
    content = _bytes(buffer, length)[:length].copy()
    width = stream["size"][0]
    gray = content[: stride * height].reshape(height, stride)[:, :width]
    return gray, partial(_color, content, stream["format"], width, height, stride)


def luma(buffer: Any, stream: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Copy only the luma of a frame, H x W, without the padding.

    Raises:
        CameraError: the format is another, or the buffer too small for it.

    """
    width, height, stride = _shape(stream)
    rows = _bytes(buffer, stride * height)[: stride * height].reshape(height, stride)
    return np.ascontiguousarray(rows[:, :width]) if stride != width else rows.copy()


def _shape(stream: Mapping[str, Any]) -> tuple[int, int, int]:
    if stream["format"] not in FORMATS:
        raise CameraError(f"the camera delivers {stream['format']} instead of {' or '.join(FORMATS)}")
    width, height = stream["size"]
    return width, height, stream["stride"]


def _bytes(buffer: Any, length: int) -> NDArray[np.uint8]:
    pixels = np.frombuffer(buffer, np.uint8)
    if pixels.size < length:
        raise CameraError(f"the camera's buffer has {pixels.size} bytes where {length} are due")
    return pixels


def _color(content: NDArray[np.uint8], kind: str, width: int, height: int, stride: int) -> NDArray[np.uint8]:
    """Make H x W x 3 BGR; the luma is full range (sYCC), which OpenCV converts from planes of equal size only."""
    gray = content[: stride * height].reshape(height, stride)
    chroma = content[stride * height :]
    if kind == "NV12":
        pairs = chroma.reshape(height // 2, stride // 2, 2)
        blue, red = pairs[:, :, 0], pairs[:, :, 1]
    else:
        blue, red = chroma.reshape(2, height // 2, stride // 2)
    full = [cv2.resize(plane, (stride, height), interpolation=cv2.INTER_LINEAR) for plane in (red, blue)]
    picture = cv2.cvtColor(cv2.merge([gray, *full]), cv2.COLOR_YCrCb2BGR)
    return np.asarray(picture[:, :width], dtype=np.uint8)
