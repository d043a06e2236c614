"""The camera of a unit: Picamera2 on libcamera.

Two streams come from the sensor: `main`, which plates are read in, and `lores`, which the detector looks at and which
the image processor shrinks for nothing. Both are YUV: the luma is taken as it is, color is made only of a frame whose
picture is kept. Each frame is copied once, out of a buffer that the camera must have back.

Capture is known to hang, sometimes in the kernel, where nothing ends it. So nothing here waits without end: opening and
closing run in threads of their own, and a camera that does not return from them says that it is `stuck`.
"""

import atexit
import importlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

from platepost.common.errors import CameraError, PlatepostError
from platepost.common.settings import checked
from platepost.device.camera.base import Camera
from platepost.device.camera.bounded import Bounded
from platepost.device.camera.exposure import PlateMeter
from platepost.device.camera.picamera2.controls import controls
from platepost.device.camera.picamera2.planes import luma, picture
from platepost.device.camera.picamera2.sensors import ImageSensor, sensor
from platepost.device.camera.picamera2.settings import Picamera2Settings
from platepost.device.frame import Box, Frame
from platepost.device.vision.detector import HEIGHT, WIDTH

if TYPE_CHECKING:
    from picamera2 import CompletedRequest, Job, Picamera2

log = logging.getLogger(__name__)

OPEN_SECONDS = 20.0
"""How long opening may take: a Pi 4 that has just booted needs four."""
CLOSE_SECONDS = 5.0
"""How long closing may take; it is done within half a second or never."""
WAIT_SECONDS = 0.5
"""How long one wait for a frame lasts before `close` is looked for."""
BUFFERS = 4
"""Frames that the camera may be ahead; 1456x1088 takes 2.4 MB of contiguous memory each."""
PACE = 0.8
"""Share of a frame's time that passes before the next is asked for, also where the sensor heeds no frame rate."""
PLAUSIBLE_SECONDS = 5.0
"""Largest age of a frame at which its time stamp is believed."""


class Picamera2Camera(Camera):
    """A camera of Raspberry Pi: Global Shutter (IMX296), High Quality (IMX477) or Module 3 (IMX708)."""

    settings_model = Picamera2Settings

    def __init__(self, **settings: Any) -> None:
        """Check the settings, those of `Picamera2Settings`; nothing is opened yet.

        Raises:
            ConfigurationError: a setting is not known, or has a value that cannot be.
            ImportError: picamera2 is not installed.

        """
        self._settings = checked(Picamera2Settings, settings, table="camera.picamera2")
        self._library = importlib.import_module("picamera2")
        self._camera: Picamera2 | None = None
        self._hanging: Bounded[Any] | None = None
        self._closed = Event()
        self._infrared = False
        self._lux: float | None = None
        self._meter: PlateMeter | None = None
        self.name = f"picamera2 {self._settings.number}"

    def __repr__(self) -> str:
        state = "stuck" if self.stuck else "closed" if self._camera is None else "open"
        return f"<Picamera2Camera {self._settings.number} {state}>"

    @property
    def stuck(self) -> bool:
        """Whether the driver has not returned yet from an opening or closing that was given up."""
        return self._hanging is not None and self._hanging.running

    @property
    def lux(self) -> float | None:
        """How bright libcamera estimates the scene to be, lux."""
        return self._lux

    def open(self) -> None:
        """Open the camera and start both streams.

        Raises:
            CameraError: there is none, its sensor is not known, it is busy, or it does not let itself be opened.

        """
        if self.stuck:
            raise CameraError("the camera's driver does not respond; restart the software to open it again")
        opening = Bounded(self._opened, name="camera-open")
        try:
            self._camera = opening.wait(OPEN_SECONDS)
        except TimeoutError as error:
            # Should it return after all, what it opened must be closed.
            self._hanging = Bounded(lambda: _let_go(opening.wait(None)), name="camera-abandon")
            raise CameraError(f"the camera was not open after {OPEN_SECONDS:g} s") from error
        except PlatepostError:
            raise
        except Exception as error:
            raise CameraError(f"the camera cannot be opened: {error}") from error
        self._closed.clear()

    def close(self) -> None:
        """Stop and release the camera; a second call does nothing."""
        self._closed.set()
        camera, self._camera = self._camera, None
        if camera is None:
            return
        closing = Bounded(lambda: _let_go(camera), name="camera-close")
        try:
            closing.wait(CLOSE_SECONDS)
        except TimeoutError:
            self._hanging = closing
            atexit.unregister(camera.close)  # Picamera2 would have the interpreter's end wait for it, too
            log.error("the camera does not close: its driver hangs")
        except Exception:
            log.exception("the camera did not close in order")

    def infrared(self, *, on: bool) -> None:
        """Expose for infrared light or for daylight from now on, each with its own limits."""
        if on != self._infrared:
            self._infrared = on
            if self._camera is not None:
                self._set(self._begin_exposure(self._camera.camera_controls))

    def meter(self, frame: Frame, plates: Sequence[Box]) -> None:
        """Expose by the plates of a frame."""
        if self._meter is None:
            return
        seen = frame.gray if frame.small is None else frame.small
        cut = [part for part in (frame.inside(box) for box in plates) if part.size]
        wanted = self._meter.judge(seen, cut, now=frame.monotonic)
        if wanted is not None:
            self._set({"ExposureTime": wanted.microseconds, "AnalogueGain": wanted.gain})

    def frames(self) -> Iterator[Frame]:
        """Yield frames at the configured rate.

        Raises:
            CameraError: the camera is not open, or Picamera2 failed.

        """
        camera = self._camera
        if camera is None:
            raise CameraError("the camera is not open")
        clock = _Clock()
        job: Job | None = None
        due = 0.0
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            try:
                job = job or camera.capture_request(wait=False)
                request = camera.wait(job, timeout=WAIT_SECONDS)
            except TimeoutError:
                continue
            except Exception as error:
                if self._closed.is_set():
                    return
                raise CameraError(f"the camera failed: {error}") from error
            job = None
            due = time.monotonic() + PACE / self._settings.frames_per_second
            yield self._frame(request, clock)

    def _frame(self, request: "CompletedRequest", clock: "_Clock") -> Frame:
        try:
            metadata = request.get_metadata()
            streams = request.config
            with self._library.MappedArray(request, "main", reshape=False, write=False) as mapped:
                gray, color = picture(mapped.array, streams["main"])
            with self._library.MappedArray(request, "lores", reshape=False, write=False) as mapped:
                small = luma(mapped.array, streams["lores"])
        finally:
            request.release()
        self._lux = metadata.get("Lux", self._lux)
        age = clock.age(metadata)
        return Frame(
            number=clock.number(metadata),
            captured=datetime.now(UTC) - timedelta(seconds=age),
            monotonic=time.monotonic() - age,
            gray=gray,
            color=color,
            small=small,
        )

    def _opened(self) -> "Picamera2":
        settings = self._settings
        found = self._library.Picamera2.global_camera_info()
        if settings.number >= len(found):
            models = ", ".join(str(info.get("Model")) for info in found) or "none"
            raise CameraError(f"there is no camera {settings.number}; found: {models}; check the ribbon cable")
        known = sensor(str(found[settings.number]["Model"]))
        camera: Picamera2 = self._library.Picamera2(settings.number)
        try:
            width, height = settings.width or known.width, settings.height or known.height
            scale = min(WIDTH / width, HEIGHT / height, 1.0)
            camera.configure(
                camera.create_preview_configuration(
                    main={"format": "YUV420", "size": (width, height)},
                    lores={"format": "YUV420", "size": (_even(width * scale), _even(height * scale))},
                    raw=None,
                    sensor={"output_size": (known.width, known.height), "bit_depth": known.bits},
                    buffer_count=BUFFERS,
                    controls=self._all_controls(camera.camera_controls, known),
                    display=None,
                    encode=None,
                )
            )
            camera.start()
        except Exception:
            _let_go(camera)
            raise
        log.info("camera: %s (%s), %d x %d", known.title, found[settings.number]["Model"], width, height)
        return camera

    def _all_controls(self, offered: Mapping[str, Any], known: ImageSensor) -> dict[str, Any]:
        fixed = controls(self._settings, known)
        return {name: value for name, value in fixed.items() if name in offered} | self._begin_exposure(offered)

    def _begin_exposure(self, offered: Mapping[str, Any]) -> dict[str, Any]:
        """Start exposing by the profile in force; return the controls for it, of those that the camera offers."""
        settings, infrared = self._settings, self._infrared
        meter = PlateMeter(settings.limits(infrared=infrared), settings.start(infrared=infrared), by_road=not infrared)
        self._meter = meter if settings.exposure == "plates" else None
        wanted = {
            "AeEnable": False,
            "ExposureTime": meter.exposure.microseconds,
            "AnalogueGain": meter.exposure.gain,
            # Infrared light has no color, but noise has.
            "Saturation": 0.0 if infrared else 1.0,
        }
        return {name: value for name, value in wanted.items() if name in offered}

    def _set(self, wanted: Mapping[str, Any]) -> None:
        camera = self._camera
        if camera is None:
            return
        offered = {name: value for name, value in wanted.items() if name in camera.camera_controls}
        try:
            camera.set_controls(offered)
        except RuntimeError as error:
            log.warning("the camera does not take %s: %s", offered, error)


class _Clock:
    """When frames were taken, and which of them are missing."""

    def __init__(self) -> None:
        self._number = -1
        self._stamp: int | None = None

    def age(self, metadata: Mapping[str, Any]) -> float:
        """Return the seconds since the middle of the exposure.

        A time stamp is that of the end of the first row's exposure, on the clock of the boot or, with some drivers, on
        the monotonic one; they differ only on machines that sleep.
        """
        exposed = metadata.get("ExposureTime", 0) / 2e6
        stamp = metadata.get("SensorTimestamp")
        if stamp is None:
            return float(exposed)
        for clock in (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC):
            age = (time.clock_gettime_ns(clock) - stamp) / 1e9
            if 0 <= age < PLAUSIBLE_SECONDS:
                return float(age + exposed)
        return float(exposed)

    def number(self, metadata: Mapping[str, Any]) -> int:
        """Count the frame, and those that the sensor took since the last but nobody got."""
        stamp, before = metadata.get("SensorTimestamp"), self._stamp
        duration = metadata.get("FrameDuration")
        steps = 1
        if stamp and before and duration:
            steps = max(1, round((stamp - before) / 1000 / duration))
        self._number += steps
        self._stamp = stamp
        return self._number


def _let_go(camera: "Picamera2") -> None:
    camera.cancel_all_and_flush()
    camera.stop()
    camera.close()


def _even(pixels: float) -> int:
    return int(pixels) // 2 * 2
