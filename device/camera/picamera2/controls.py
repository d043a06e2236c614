"""What libcamera is told once, when a camera is opened."""

from typing import Any

from platepost.device.camera.picamera2.sensors import ImageSensor
from platepost.device.camera.picamera2.settings import Picamera2Settings

AF_MANUAL = 0
"""`AfMode` of libcamera: the lens stays where it is put."""
NOISE_REDUCTION_FAST = 1
"""`draft.NoiseReductionMode` of libcamera: what costs no time."""


def controls(settings: Picamera2Settings, sensor: ImageSensor) -> dict[str, Any]:
    """Return the controls by their libcamera names; a camera may not offer all of them."""
    duration = round(1e6 / settings.frames_per_second)
    wanted: dict[str, Any] = {
        "FrameDurationLimits": (duration, duration),
        "NoiseReductionMode": NOISE_REDUCTION_FAST,
    }
    if sensor.autofocus:
        # A lens that hunts is out of focus while a vehicle passes.
        wanted |= {"AfMode": AF_MANUAL, "LensPosition": settings.lens_position}
    return wanted
