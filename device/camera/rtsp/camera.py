"""An IP camera by RTSP over TCP: H.264 or H.265, decoded by PyAV (FFmpeg).

FFmpeg wants the password in the address, and its errors repeat the address: neither leaves this module. Waiting is
bounded by FFmpeg's own timeouts; `close` from another thread waits for the next packet or timeout.
"""

import logging
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import av
import av.error
from av.codec.hwaccel import HWAccel

from platepost.common.errors import CameraError, ConfigurationError
from platepost.common.secrets.credentials import delivered
from platepost.common.settings import checked
from platepost.device.camera.base import Camera
from platepost.device.camera.decoding import Color, luma
from platepost.device.camera.rtsp.frame_times import FrameTimes, utc_of
from platepost.device.camera.rtsp.settings import RtspSettings
from platepost.device.frame import Frame

log = logging.getLogger(__name__)

_OPTIONS = {"rtsp_transport": "tcp", "analyzeduration": "0", "probesize": "32"}
"""Of FFmpeg: the stream's description has what probing would find, which takes five seconds."""
_CODECS = frozenset({"h264", "hevc"})
_PRODUCER_TIME = "prft"
"""Side data of a packet: the camera's clock by its sender reports, as FFmpeg's AVProducerReferenceTime."""
_PRODUCER_TIME_FIELDS = struct.Struct("<qi")
"""Microseconds since 1970, and flags."""
_REFUSALS: tuple[tuple[type[Exception], str], ...] = (
    (av.error.HTTPUnauthorizedError, "it refuses the user name or the password"),
    (av.error.HTTPForbiddenError, "it forbids this user its pictures"),
    (av.error.HTTPNotFoundError, "it has no stream of that path"),
    (av.error.ConnectionRefusedError, "no RTSP server listens there"),
    (av.error.TimeoutError, "it does not answer"),
    (av.error.ExitError, "it sends nothing"),
    (av.error.InvalidDataError, "what it sends is no stream that can be decoded"),
)
"""What errors of FFmpeg mean, in words without the address."""


class RtspCamera(Camera):
    """An IP camera."""

    settings_model = RtspSettings

    def __init__(self, **settings: Any) -> None:
        """Check the settings, those of `RtspSettings`; nothing is opened yet.

        Raises:
            ConfigurationError: a setting is not known, or has a value that cannot be.

        """
        self._settings = checked(RtspSettings, settings, table="camera.rtsp")
        self._closed = Event()
        self._reading = Lock()
        """Held while FFmpeg waits for a packet, which no other thread may then take the connection from."""
        self._container: Any = None
        self.name = f"rtsp {urlsplit(self._settings.url).hostname}"
        self.by_camera_clock: bool | None = None
        """Whether frames are dated by the camera's sender reports at present; None before the first frame."""

    def __repr__(self) -> str:
        return f"<RtspCamera {self.name} {'closed' if self._container is None else 'open'}>"

    @property
    def noisy(self) -> bool:
        """Return False: where little moves, an encoder repeats a picture to the last bit."""
        return False

    @property
    def encoded(self) -> bool:
        """Return True."""
        return True

    @property
    def attached(self) -> bool:
        """Return False: it has power and software of its own."""
        return False

    def open(self) -> None:
        """Connect, log in, and ask for the stream.

        Raises:
            CameraError: it does not answer, refuses, or has no H.264 or H.265 stream.

        """
        self._closed.clear()
        settings = self._settings
        options = dict(_OPTIONS)
        if settings.ca_file is not None:
            options |= {"tls_verify": "1", "ca_file": str(settings.ca_file)}
        address = _with_password(settings)
        try:
            # FFmpeg logs addresses; `None` keeps PyAV's logging off.
            av.logging.set_level(None)
            container = self._connected(address, options)
        except (av.error.FFmpegError, OSError) as error:
            words = _in_words(error)
            if settings.ca_file is not None and type(error).__name__ == "OSError":  # FFmpeg has no error of TLS
                words = "it cannot be reached by TLS, or its certificate is not one of the authority in `ca_file`"
            raise CameraError(f"{self.name}: {words}") from None
        video = container.streams.video
        if not video or video[0].codec_context.name not in _CODECS:
            container.close()
            raise CameraError(f"{self.name}: it has no H.264 or H.265 video")
        video[0].thread_type = "SLICE"  # threads for whole frames would each hold one back
        self._container = container

    def _connected(self, address: str, options: dict[str, str]) -> Any:
        settings = self._settings
        timeout = (settings.open_seconds, settings.read_seconds)
        if settings.hardware_decoder is not None:
            try:
                decoder = HWAccel(device_type=settings.hardware_decoder, allow_software_fallback=True)
                return av.open(address, options=dict(options), timeout=timeout, hwaccel=decoder)
            except (av.error.FFmpegError, OSError, ValueError, RuntimeError, NotImplementedError):
                log.warning("%s: without %s; the processor decodes", self.name, settings.hardware_decoder)
        return av.open(address, options=options, timeout=timeout)

    def close(self) -> None:
        """Hang up; a blocked `frames` ends within the time that the camera may be silent."""
        self._closed.set()
        if self._reading.acquire(timeout=self._settings.read_seconds + 1):
            try:
                self._hang_up()
            finally:
                self._reading.release()

    def frames(self) -> Iterator[Frame]:
        """Yield frames as they arrive.

        Raises:
            CameraError: the camera is not open, hung up, sends nothing, or sends what cannot be decoded.

        """
        container = self._container
        if container is None:
            raise CameraError(f"{self.name}: the camera is not open")
        stream = container.streams.video[0]
        times, ticks = FrameTimes(one_behind=True), stream.time_base
        number, size = 0, None
        reference: tuple[datetime, int] | None = None
        reported_before = False
        for packet, monotonic, pictures in self._decoded(container.demux(stream)):
            now = datetime.now(UTC) - timedelta(seconds=time.monotonic() - monotonic)
            reporting = _reference(packet)
            if reported_before:  # FFmpeg puts the first report to a frame too early
                reference = reporting or reference
            reported_before = reported_before or reporting is not None
            for picture in pictures:
                if picture.pts is None:
                    continue  # before the first packet that has a time
                size = size or (picture.width, picture.height)
                if (picture.width, picture.height) != size:
                    raise CameraError(f"{self.name}: the picture size changed")
                reported = None
                if reference is not None:
                    reported = reference[0] + timedelta(seconds=float((picture.pts - reference[1]) * ticks))
                taken = times.date(float(picture.pts * ticks), now=now, monotonic=monotonic, reported=reported)
                self._note_clock(by_camera=taken.by_camera)
                yield Frame(
                    number,
                    taken.captured,
                    taken.monotonic,
                    luma(picture),
                    Color(picture),
                    captured_by="camera_clock" if taken.by_camera else "arrival",
                )
                number += 1
        if not self._closed.is_set():
            raise CameraError(f"{self.name}: it ended the stream")

    def _decoded(self, packets: Iterator[Any]) -> Iterator[tuple[Any, float, list[Any]]]:
        """Yield each packet, `time.monotonic()` when it arrived, and the pictures that it completes.

        Ends with the stream, or when the camera is closed.
        """
        while True:
            with self._reading:
                if self._closed.is_set():
                    return
                try:
                    packet = next(packets, None)
                    arrived = time.monotonic()
                    pictures = [] if packet is None else packet.decode()
                except (av.error.FFmpegError, OSError) as error:
                    raise CameraError(f"{self.name}: {_in_words(error)}") from None
            if packet is None:
                return
            yield packet, arrived, pictures

    def _note_clock(self, *, by_camera: bool) -> None:
        if by_camera != self.by_camera_clock:
            self.by_camera_clock = by_camera
            log.info("%s: frames are dated by %s", self.name, "the camera's clock" if by_camera else "their arrival")

    def _hang_up(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            with suppress(av.error.FFmpegError, OSError):
                container.close()


def _reference(packet: Any) -> tuple[datetime, int] | None:
    """Return what the camera's clock was at a packet, and the packet's time in ticks; None where it is not known."""
    if packet.pts is None:
        return None
    for data in packet.iter_sidedata():
        if str(data.data_type) == _PRODUCER_TIME:
            microseconds, _ = _PRODUCER_TIME_FIELDS.unpack_from(bytes(data))
            time_of_packet = utc_of(microseconds)
            return None if time_of_packet is None else (time_of_packet, packet.pts)
    return None


def _with_password(settings: RtspSettings) -> str:
    """Return the address with user name and password, as FFmpeg wants them.

    Raises:
        ConfigurationError: the file of the password cannot be read.

    """
    if settings.user is None or settings.password_file is None:
        return settings.url
    path = delivered(settings.password_file)
    try:
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the camera's password in {path.name}: {error}") from error
    parts = urlsplit(settings.url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(settings.user, safe='')}:{quote(password, safe='')}@{host}"))


def _in_words(error: Exception) -> str:
    """Return what an error of FFmpeg means; its own text repeats the address, with the password."""
    for kind, words in _REFUSALS:
        if isinstance(error, kind):
            return words
    return f"it cannot be reached ({type(error).__name__})"
