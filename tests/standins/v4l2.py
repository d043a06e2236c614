"""A stand-in for the kernel's video devices: what `device/camera/v4l2` asks of it, answered in memory.

It is strict where the kernel is: a buffer that was not queued gets no frame, a control out of its range is refused, and
exposure can't be set while the camera sets it itself. `make test-v4l2` tries the kernel's own drivers.
"""

import ctypes
import errno
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.v4l2 import controls, kernel

PATH = "/dev/video7"
BUFFER_BYTES = 4 << 20


class VideoSensor:
    """A camera on USB, as someone outside sees it.

    Args:
        pictures: gray, H x W uint8, shown again and again.
        frames_per_second: how fast.

    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], *, frames_per_second: float = 30) -> None:
        height, width = pictures[0].shape
        self.size = (width, height)
        self.formats = {"MJPG": [_jpeg(picture) for picture in pictures], "YUYV": [_yuyv(each) for each in pictures]}
        self.frames_per_second = frames_per_second
        self.busy = self.unplugged = False
        self.hung = threading.Event()
        self.ranges = {
            controls.EXPOSURE_AUTO: (0, 3, 1),
            controls.EXPOSURE_ABSOLUTE: (1, 5000, 1),
            controls.EXPOSURE_AUTO_PRIORITY: (0, 1, 1),
            controls.GAIN: (0, 255, 1),
            controls.FOCUS_AUTO: (0, 1, 1),
            controls.FOCUS_ABSOLUTE: (0, 250, 5),
        }
        """Least, most, step of each control."""
        self.values = dict.fromkeys(self.ranges, 0) | {controls.EXPOSURE_AUTO: 3, controls.EXPOSURE_AUTO_PRIORITY: 1}
        self.damaged: set[int] = set()
        """Numbers of frames that are cut off on the way."""
        self.lost: set[int] = set()
        """Numbers of frames that the driver has no buffer for."""
        self._queued: list[int] = []
        self._filled: list[tuple[int, int, int, float]] = []
        self._memory: list[mmap.mmap] = []
        self._changed = threading.Condition()
        self._code, self._number, self._streaming = "MJPG", 0, False
        self._read, self._write = -1, -1

    # --- what the kernel's interface is made of

    def open(self, path: str, _flags: int) -> int:
        """Open the device."""
        if path != PATH or self.unplugged:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        with self._changed:
            self._end(None)  # the kernel forgets what a file had when it is closed
            self._read, self._write = os.pipe()
        return self._read

    def map(self, _file: int, length: int, *, offset: int) -> mmap.mmap:
        """Map a buffer."""
        assert length == BUFFER_BYTES
        return self._memory[offset // BUFFER_BYTES]

    def ioctl(self, file: int, code: int, argument: Any) -> int:
        """Answer a request."""
        if file != self._read:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if self.unplugged:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        assert (code >> 16) & 0x3FFF == ctypes.sizeof(argument)
        with self._changed:
            self._answers[code](self, argument)
        return 0

    def _query(self, found: Any) -> None:
        found.card = b"Stand-in"
        found.capabilities = kernel.DEVICE_CAPABILITIES
        found.device_caps = kernel.VIDEO_CAPTURE | kernel.STREAMING

    def _choose(self, wanted: Any) -> None:
        if self.busy:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        code = kernel.letters(wanted.pixelformat)
        self._code = code if code in self.formats else next(iter(self.formats))
        wanted.pixelformat = kernel.fourcc(self._code)
        wanted.width, wanted.height = self.size
        wanted.bytesperline = self.size[0] * 2 if self._code == "YUYV" else 0

    def _request(self, request: Any) -> None:
        self._memory = [mmap.mmap(-1, BUFFER_BYTES) for _ in range(request.count)]

    def _query_buffer(self, buffer: Any) -> None:
        buffer.length, buffer.offset = BUFFER_BYTES, buffer.index * BUFFER_BYTES

    def _queue(self, buffer: Any) -> None:
        assert buffer.index not in self._queued
        self._queued.append(buffer.index)

    def _dequeue(self, buffer: Any) -> None:
        if not self._filled:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        os.read(self._read, 1)
        buffer.index, buffer.bytesused, buffer.sequence, taken = self._filled.pop(0)
        buffer.flags = kernel.MONOTONIC | (kernel.DAMAGED if buffer.sequence in self.damaged else 0)
        buffer.seconds, buffer.microseconds = int(taken), int(taken % 1 * 1e6)

    def _begin(self, _type: Any) -> None:
        self._number, self._streaming = 0, True
        threading.Thread(target=self._deliver, daemon=True).start()

    def _end(self, _type: Any) -> None:
        self._streaming = False
        self._queued.clear()
        self._filled.clear()

    def _query_control(self, query: Any) -> None:
        if query.id not in self.ranges:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        query.minimum, query.maximum, query.step = self.ranges[query.id]

    def _get(self, control: Any) -> None:
        control.value = self.values[control.id]

    def _set(self, control: Any) -> None:
        least, most, _ = self.ranges[control.id]
        by_itself = control.id == controls.EXPOSURE_ABSOLUTE and self.values[controls.EXPOSURE_AUTO] != controls.MANUAL
        if not least <= control.value <= most or by_itself:
            raise OSError(errno.EIO if by_itself else errno.ERANGE, "refused")
        self.values[control.id] = control.value

    def _nothing(self, _argument: Any) -> None:
        return

    _answers: dict[int, Callable[["VideoSensor", Any], None]] = {  # noqa: RUF012 - never changed
        kernel.QUERYCAP: _query,
        kernel.S_FMT: _choose,
        kernel.S_PARM: _nothing,
        kernel.REQBUFS: _request,
        kernel.QUERYBUF: _query_buffer,
        kernel.QBUF: _queue,
        kernel.DQBUF: _dequeue,
        kernel.STREAMON: _begin,
        kernel.STREAMOFF: _end,
        kernel.QUERYCTRL: _query_control,
        kernel.G_CTRL: _get,
        kernel.S_CTRL: _set,
    }

    def _deliver(self) -> None:
        pipe = self._write
        while True:
            time.sleep(1 / self.frames_per_second)
            with self._changed:
                if not self._streaming or pipe != self._write:
                    os.close(pipe)
                    return
                if self.hung.is_set():
                    continue
                number, self._number = self._number, self._number + 1
                if not self._queued or number in self.lost:
                    continue
                pictures = self.formats[self._code]
                content, index = pictures[number % len(pictures)], self._queued.pop(0)
                self._memory[index][: len(content)] = content
                self._filled.append((index, len(content), number, time.monotonic()))
                os.write(pipe, b"f")


@contextmanager
def plugged_in(sensor: VideoSensor) -> Iterator[VideoSensor]:
    """Let the device's own code find the camera at `PATH` while a test lasts."""
    # The names of that one module: the rest of the process keeps the real ones.
    system = SimpleNamespace(**{**vars(os), "open": sensor.open})
    with (
        mock.patch.object(kernel, "os", system),
        mock.patch.object(kernel, "fcntl", SimpleNamespace(ioctl=sensor.ioctl)),
        mock.patch.object(kernel, "mmap", SimpleNamespace(mmap=sensor.map)),
    ):
        yield sensor


def _jpeg(gray: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def _yuyv(gray: NDArray[np.uint8]) -> bytes:
    limited = np.rint(gray * (219 / 255) + 16).astype(np.uint8)
    return np.dstack([limited, np.full_like(gray, 128)]).tobytes()
