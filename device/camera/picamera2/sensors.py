"""The sensors of Raspberry Pi's cameras that the device knows, by the model name that libcamera gives."""

from dataclasses import dataclass

from platepost.common.errors import CameraError


@dataclass(frozen=True, slots=True)
class ImageSensor:
    """What differs from sensor to sensor."""

    title: str
    """How people call the camera."""
    width: int
    height: int
    """Pixels of the mode that plates are read in: the full field of view, or its middle, fast enough for a road."""
    bits: int
    """Of that mode's raw pixels."""
    autofocus: bool
    """Whether its lens moves, and so has to be held where the technician focused it."""


SENSORS = {
    "imx296": ImageSensor("Global Shutter Camera", 1456, 1088, 10, autofocus=False),
    "imx477": ImageSensor("High Quality Camera", 2028, 1080, 12, autofocus=False),
    "imx708": ImageSensor("Camera Module 3", 2304, 1296, 10, autofocus=True),
}
"""Modes of raspberrypi.com's camera documentation: IMX296 1456x1088 at 60 Hz, IMX477 2028x1080 at 50 Hz, IMX708
2304x1296 at 56 Hz."""


def sensor(model: str) -> ImageSensor:
    """Return the sensor of a model name such as `imx708_wide_noir`.

    Raises:
        CameraError: it is none that the device knows.

    """
    known = SENSORS.get(model.partition("_")[0])
    if known is None:
        raise CameraError(f"a sensor {model!r} is not known; known: {', '.join(SENSORS)}")
    return known
