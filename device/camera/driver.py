"""A camera behind a driver of the unit, which may hang, and whose shutter and gain the post sets by the plates.

Capture is known to hang, sometimes in the kernel, where nothing ends it. So nothing here waits without end: opening and
closing run in threads of their own, and a camera that does not return from them reports that it is `stuck`.
"""

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Generic, TypeVar

from platepost.common.errors import CameraError, PlatepostError
from platepost.device.camera.base import Camera
from platepost.device.camera.exposure import Exposure, PlateMeter
from platepost.device.camera.exposure_settings import ExposureSettings
from platepost.device.frame import Box, Frame

log = logging.getLogger(__name__)

PLAUSIBLE_SECONDS = 5.0
"""Largest age of a frame at which its time stamp is believed."""
Result = TypeVar("Result")
Opened = TypeVar("Opened")
"""What a driver returns when its camera was opened."""


class Bounded(Generic[Result]):
    """One call in a thread of its own, with a time limit.

    Nothing can end a call that hangs in the kernel; its caller must go on without it.
    """

    def __init__(self, call: Callable[[], Result], *, name: str) -> None:
        self._call = call
        self._result: list[Result] = []
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it has not returned yet."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None) -> Result:
        """Return the result of the call, waiting forever if `seconds` is None.

        Raises:
            TimeoutError: it has not returned within `seconds`.
            Exception: what the call raised.

        """
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._call())
        except Exception as error:  # noqa: BLE001 - raised in the caller's thread
            self._error = error


class DriverCamera(Camera, Generic[Opened]):
    """Opens and closes its driver within a time limit, and meters by the plates.

    Args:
        settings: how it exposes.
        name: by which messages name it.

    """

    open_seconds: float
    """How long opening may take."""
    close_seconds: float
    """How long closing may take."""

    def __init__(self, settings: ExposureSettings, name: str) -> None:
        self.name = name
        self._exposure_settings = settings
        self._closed = Event()
        self._hanging: Bounded[None] | None = None
        self._infrared = False
        self._meter: PlateMeter | None = None

    def __repr__(self) -> str:
        state = "stuck" if self.stuck else "open" if self._is_open else "closed"
        return f"<{type(self).__name__} {self.name} {state}>"

    @property
    def stuck(self) -> bool:
        """Whether the driver has not returned yet from an opening or closing that was given up."""
        return self._hanging is not None and self._hanging.running

    def open(self) -> None:
        """Open the camera, and begin to capture.

        Raises:
            CameraError: it is missing, busy, not known, or its driver hangs.

        """
        if self.stuck:
            raise CameraError(f"{self.name}: its driver does not respond; restart the software to open it again")
        opening = Bounded(self._open_driver, name="camera-open")
        try:
            opened = opening.wait(self.open_seconds)
        except TimeoutError as error:
            # Should it return after all, what it opened must be closed.
            self._hanging = Bounded(lambda: self._release(opening.wait(None)), name="camera-abandon")
            raise CameraError(f"{self.name}: it was not open after {self.open_seconds:g} s") from error
        except PlatepostError:
            raise
        except Exception as error:
            raise CameraError(f"{self.name}: it cannot be opened: {self._in_words(error)}") from error
        self._closed.clear()
        self._begin(opened)

    def close(self) -> None:
        """Stop and release the camera; a second call does nothing."""
        self._closed.set()
        closing = Bounded(self._end, name="camera-close")
        try:
            closing.wait(self.close_seconds)
        except TimeoutError:
            self._hanging = closing
            log.error("%s does not close: its driver hangs", self.name)
        except Exception:
            log.exception("%s: it did not close in order", self.name)

    def infrared(self, *, on: bool) -> None:
        """Expose for infrared light or for daylight from now on, each with its own limits."""
        if on != self._infrared:
            self._infrared = on
            self._expose(self._first_exposure())

    def meter(self, frame: Frame, plates: Sequence[Box]) -> None:
        """Expose by the plates of a frame."""
        if self._meter is None:
            return
        seen = frame.gray if frame.small is None else frame.small
        cut = [part for part in (frame.inside(box) for box in plates) if part.size]
        exposure = self._meter.judge(seen, cut, now=frame.monotonic)
        if exposure is not None:
            self._expose(exposure)

    def _first_exposure(self) -> Exposure:
        """Begin to meter in the present light; return the exposure to start with."""
        settings, infrared = self._exposure_settings, self._infrared
        meter = PlateMeter(settings.limits(infrared=infrared), settings.start(infrared=infrared), by_road=not infrared)
        self._meter = meter if settings.exposure == "plates" else None
        return meter.exposure

    def _in_words(self, error: Exception) -> str:
        """Return what the driver's error means."""
        return str(error)

    @property
    @abstractmethod
    def _is_open(self) -> bool:
        """Whether the driver delivers frames."""

    @abstractmethod
    def _open_driver(self) -> Opened:
        """Open the driver; in a thread of its own.

        Raises:
            Exception: it cannot be opened; nothing of it is open then.

        """

    @abstractmethod
    def _begin(self, opened: Opened) -> None:
        """Take what `_open_driver` returned, and expose by `_first_exposure`."""

    @abstractmethod
    def _release(self, opened: Opened) -> None:
        """Close what `_open_driver` returned too late; in a thread of its own."""

    @abstractmethod
    def _end(self) -> None:
        """Close what is open, if anything is; in a thread of its own."""

    @abstractmethod
    def _expose(self, exposure: Exposure) -> None:
        """Have an open camera expose so; nothing for one that is closed."""
