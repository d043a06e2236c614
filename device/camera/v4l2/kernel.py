"""The kernel's interface to video devices, as far as a post uses it: linux/videodev2.h of a 64-bit machine.

Own code, because what others wrote does not serve: OpenCV's and FFmpeg's capture hide the number of a frame, and can't
be interrupted while they wait; linuxpy (v4l2py) is under the GPL.
"""

import fcntl
import mmap
import os
import select
from collections.abc import Iterator
from contextlib import suppress
from ctypes import Array, Structure, c_char, c_int32, c_int64, c_uint8, c_uint32, sizeof
from dataclasses import dataclass
from errno import EAGAIN, EINVAL

CAPTURE, MMAP = 1, 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_MEMORY_MMAP."""
VIDEO_CAPTURE, STREAMING, DEVICE_CAPABILITIES = 0x1, 0x04000000, 0x80000000
FULL_RANGE = 1
"""V4L2_QUANTIZATION_FULL_RANGE: luma from 0 to 255."""
DAMAGED, MONOTONIC, TIME_SOURCE, START_OF_EXPOSURE = 0x40, 0x2000, 0x00070000, 0x00010000
"""Flags of a buffer."""
DISABLED = 0x1
"""Flag of a control."""


class _Capability(Structure):
    _fields_ = (
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class _Format(Structure):
    _fields_ = (
        ("type", c_uint32),
        ("_align", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
        ("_rest", c_uint8 * 152),
    )


class _Parameters(Structure):
    _fields_ = (
        ("type", c_uint32),
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("_rest", c_uint8 * 184),
    )


class _BuffersRequest(Structure):
    _fields_ = (("count", c_uint32), ("type", c_uint32), ("memory", c_uint32), ("_rest", c_uint32 * 2))


class _Buffer(Structure):
    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("_align", c_uint32),
        ("seconds", c_int64),
        ("microseconds", c_int64),
        ("timecode", c_uint8 * 16),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("offset", c_uint32),
        ("_offset_rest", c_uint32),
        ("length", c_uint32),
        ("_rest", c_uint32 * 3),
    )


class _Control(Structure):
    _fields_ = (("id", c_uint32), ("value", c_int32))


class _ControlQuery(Structure):
    _fields_ = (
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default_value", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    )


def _code(direction: int, number: int, size: int) -> int:
    """Return an ioctl's number: `_IOR`, `_IOW` and `_IOWR` of the letter V, asm-generic/ioctl.h."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


_WRITE, _READ, _BOTH = 1, 2, 3
QUERYCAP = _code(_READ, 0, sizeof(_Capability))
S_FMT = _code(_BOTH, 5, sizeof(_Format))
REQBUFS = _code(_BOTH, 8, sizeof(_BuffersRequest))
QUERYBUF = _code(_BOTH, 9, sizeof(_Buffer))
QBUF = _code(_BOTH, 15, sizeof(_Buffer))
DQBUF = _code(_BOTH, 17, sizeof(_Buffer))
STREAMON = _code(_WRITE, 18, 4)
STREAMOFF = _code(_WRITE, 19, 4)
S_PARM = _code(_BOTH, 22, sizeof(_Parameters))
G_CTRL = _code(_BOTH, 27, sizeof(_Control))
S_CTRL = _code(_BOTH, 28, sizeof(_Control))
QUERYCTRL = _code(_BOTH, 36, sizeof(_ControlQuery))


def fourcc(letters: str) -> int:
    """Return the number of a pixel format, such as `YUYV`."""
    return int.from_bytes(letters.encode("ascii"), "little")


def letters(code: int) -> str:
    """Return the letters of a pixel format's number."""
    return code.to_bytes(4, "little").decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What a device delivers."""

    code: str
    """Four letters."""
    width: int
    height: int
    row_bytes: int
    full_range: bool


@dataclass(frozen=True, slots=True)
class Captured:
    """One frame as the driver delivered it."""

    content: bytes
    number: int
    """Of the driver; a gap is frames that it lost."""
    monotonic: float | None
    """`time.monotonic()` of the time stamp, seconds; None where the driver's is of another clock."""
    at_start: bool
    """Whether that is when the exposure began, rather than when the frame was complete."""
    damaged: bool


@dataclass(frozen=True, slots=True)
class ControlRange:
    """What a control may be set to."""

    least: int
    most: int
    step: int

    def clamped(self, value: float) -> int:
        """Return the nearest value that it may have."""
        steps = round((min(max(value, self.least), self.most) - self.least) / max(self.step, 1))
        return self.least + steps * max(self.step, 1)


class VideoDevice:
    """An open video device. Every method raises OSError as the kernel has it; controls may be set from any thread."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._memory: list[mmap.mmap] = []
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def card(self) -> str | None:
        """Return what the device is called; None where it captures no video."""
        capability = _Capability()
        self._ioctl(QUERYCAP, capability)
        able = capability.device_caps if capability.capabilities & DEVICE_CAPABILITIES else capability.capabilities
        return capability.card.decode("utf-8", "replace") if able & VIDEO_CAPTURE and able & STREAMING else None

    def choose(self, code: str, width: int, height: int) -> PixelFormat:
        """Ask for a format; return the one that the driver made of it."""
        requested = _Format(type=CAPTURE, width=width, height=height, pixelformat=fourcc(code), field=1)  # progressive
        self._ioctl(S_FMT, requested)
        return PixelFormat(
            letters(requested.pixelformat),
            requested.width,
            requested.height,
            requested.bytesperline,
            full_range=requested.quantization == FULL_RANGE,
        )

    def set_rate(self, frames_per_second: float) -> None:
        """Ask for a frame rate; does nothing where the driver has only one."""
        requested = _Parameters(type=CAPTURE, numerator=1000, denominator=round(frames_per_second * 1000))
        with suppress(OSError):
            self._ioctl(S_PARM, requested)

    def start(self, buffers: int) -> None:
        """Begin to capture into so many buffers."""
        request = _BuffersRequest(count=buffers, type=CAPTURE, memory=MMAP)
        self._ioctl(REQBUFS, request)
        for index in range(request.count):
            buffer = _Buffer(index=index, type=CAPTURE, memory=MMAP)
            self._ioctl(QUERYBUF, buffer)
            self._memory.append(mmap.mmap(self._file, buffer.length, offset=buffer.offset))
            self._ioctl(QBUF, buffer)
        self._ioctl(STREAMON, c_int32(CAPTURE))

    def wait(self, seconds: float) -> Captured | None:
        """Return the next frame; None where none came in time."""
        if not self._poll.poll(seconds * 1000):
            return None
        buffer = _Buffer(type=CAPTURE, memory=MMAP)
        try:
            self._ioctl(DQBUF, buffer)
        except OSError as error:
            if error.errno == EAGAIN:
                return None
            raise
        content = self._memory[buffer.index][: buffer.bytesused]
        captured = Captured(
            content,
            buffer.sequence,
            buffer.seconds + buffer.microseconds / 1e6 if buffer.flags & MONOTONIC else None,
            at_start=buffer.flags & TIME_SOURCE == START_OF_EXPOSURE,
            damaged=bool(buffer.flags & DAMAGED),
        )
        self._ioctl(QBUF, _Buffer(index=buffer.index, type=CAPTURE, memory=MMAP))
        return captured

    def range_of(self, control: int) -> ControlRange | None:
        """Return what a control may be set to; None where the device does not have it."""
        query = _ControlQuery(id=control)
        try:
            self._ioctl(QUERYCTRL, query)
        except OSError as error:
            if error.errno == EINVAL:
                return None
            raise
        return None if query.flags & DISABLED else ControlRange(query.minimum, query.maximum, query.step)

    def control(self, control: int) -> int:
        """Return what a control is set to."""
        value = _Control(id=control)
        self._ioctl(G_CTRL, value)
        return int(value.value)

    def set_control(self, control: int, value: int) -> None:
        """Set a control."""
        self._ioctl(S_CTRL, _Control(id=control, value=value))

    def close(self) -> None:
        """Stop capturing, and let go of the device; a second call does nothing."""
        file, self._file = self._file, -1
        if file < 0:
            return
        with suppress(OSError):  # unplugged
            fcntl.ioctl(file, STREAMOFF, c_int32(CAPTURE))
        for memory in self._memory:
            memory.close()
        self._memory.clear()
        os.close(file)

    def _ioctl(self, code: int, argument: Structure | Array[c_char] | c_int32) -> None:
        fcntl.ioctl(self._file, code, argument)


def connected(folder: str = "/sys/class/video4linux") -> Iterator[str]:
    """Yield the video devices of this machine, as `/dev/video0 (HD Webcam)`."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names only
    for name in names:
        title = ""
        with suppress(OSError), open(f"{folder}/{name}/name", encoding="utf-8") as file:  # noqa: PTH123
            title = file.read().strip()
        yield f"/dev/{name} ({title})"
