"""Exposure of a video device: set by hand, and held against a camera that changes it by itself."""

import logging

from platepost.device.camera.exposure import Exposure
from platepost.device.camera.v4l2.kernel import ControlRange, VideoDevice

log = logging.getLogger(__name__)

EXPOSURE_AUTO, EXPOSURE_ABSOLUTE, EXPOSURE_AUTO_PRIORITY = 0x009A0901, 0x009A0902, 0x009A0903
FOCUS_ABSOLUTE, FOCUS_AUTO, WIDE_DYNAMIC_RANGE = 0x009A090A, 0x009A090C, 0x009A0915
AUTOGAIN, GAIN, BACKLIGHT_COMPENSATION = 0x00980912, 0x00980913, 0x0098091C
"""Controls by their number in linux/v4l2-controls.h."""
MANUAL = 1
"""V4L2_EXPOSURE_MANUAL: shutter and iris by hand."""
UNIT_MICROSECONDS = 100
"""Of `EXPOSURE_ABSOLUTE`."""

_OFF = (AUTOGAIN, EXPOSURE_AUTO_PRIORITY, WIDE_DYNAMIC_RANGE, BACKLIGHT_COMPENSATION, FOCUS_AUTO)
"""What a camera would change by itself, or expose twice for."""


class ExposureControls:
    """The controls of one open device that hold its exposure.

    A camera that forgets them while it streams, as some do after a reset of the bus, is set again by `hold`.

    Args:
        device: which; it captures already, for some cameras forget what was set before.
        most_gain: the gain that is the control's greatest value; 1 is its least.
        focus: where the lens is held, in the camera's own units; None leaves it.

    """

    def __init__(self, device: VideoDevice, *, most_gain: float, focus: int | None) -> None:
        self._device, self._most_gain = device, most_gain
        self._shutter, self._gain = self._offered(EXPOSURE_ABSOLUTE), self._offered(GAIN)
        self._wanted: dict[int, int] = {}
        self._warned = False
        if self._shutter is None:
            log.warning("camera: its shutter cannot be set: plates of fast vehicles may blur")
        if self._offered(EXPOSURE_AUTO) is not None:
            self._want(EXPOSURE_AUTO, MANUAL)
        for control in _OFF:
            if self._offered(control) is not None:
                self._want(control, 0)
        if focus is not None and (lens := self._offered(FOCUS_ABSOLUTE)) is not None:
            self._want(FOCUS_ABSOLUTE, lens.clamped(focus))

    def expose(self, exposure: Exposure) -> None:
        """Set shutter and gain, as near as the camera can."""
        if self._shutter is not None:
            # Rounded down: longer than the road allows would blur.
            target = exposure.microseconds // UNIT_MICROSECONDS
            if target < self._shutter.least and not self._warned:
                self._warned = True
                shortest = self._shutter.least * UNIT_MICROSECONDS
                log.warning("camera: its shortest shutter is %d us: plates of fast vehicles may blur", shortest)
            self._want(EXPOSURE_ABSOLUTE, self._shutter.clamped(target))
        if self._gain is not None:
            share = (exposure.gain - 1) / max(self._most_gain - 1, 1e-6)
            self._want(GAIN, self._gain.clamped(self._gain.least + share * (self._gain.most - self._gain.least)))

    def hold(self) -> None:
        """Set again what the camera has changed by itself."""
        for control, value in self._wanted.items():
            try:
                changed = self._device.control(control) != value
            except OSError:
                continue
            if changed:
                log.warning("camera: control %#x was changed; set to %d again", control, value)
                self._want(control, value)

    def _offered(self, control: int) -> ControlRange | None:
        try:
            return self._device.range_of(control)
        except OSError:
            return None

    def _want(self, control: int, value: int) -> None:
        if self._wanted.get(control) == value and self._is(control, value):
            return
        try:
            self._device.set_control(control, value)
        except OSError as error:
            log.warning("camera: it does not take %d for control %#x: %s", value, control, error.strerror)
            self._wanted.pop(control, None)
            return
        self._wanted[control] = value

    def _is(self, control: int, value: int) -> bool:
        try:
            return self._device.control(control) == value
        except OSError:
            return False
