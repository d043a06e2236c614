"""What a technician says of the camera: the table `camera.picamera2` of the configuration."""

from typing import Self

from pydantic import Field, model_validator

from platepost.device.camera.exposure_settings import ExposureSettings

EVEN = "must be even: two pixels share one color"


class Picamera2Settings(ExposureSettings):
    """A camera of Raspberry Pi, pointed at one lane."""

    number: int = Field(default=0, ge=0, le=7, description="Which camera, as `rpicam-hello --list-cameras` counts.")
    frames_per_second: float = Field(default=15, ge=1, le=60, description="How many frames are taken a second.")
    width: int | None = Field(default=None, ge=640, le=4608, description="Pixels; the sensor's own mode by default.")
    height: int | None = Field(default=None, ge=360, le=3040, description="Pixels; the sensor's own mode by default.")
    lens_position: float = Field(
        default=0.1, ge=0, le=32, description="Where an autofocus lens is held, in diopters: 1 / meters."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("set both width and height")
        if (self.width or 0) % 2 or (self.height or 0) % 2:
            raise ValueError(f"width and height: {EVEN}")
        return self
