"""A USB camera: the table `camera.v4l2` of the configuration."""

from typing import Literal, Self

from pydantic import Field, model_validator

from platepost.device.camera.exposure_settings import ExposureSettings


class V4l2Settings(ExposureSettings):
    """A USB camera, or another with a `/dev/video`, pointed at one lane."""

    device: str = Field(
        default="/dev/video0",
        pattern="^/dev/",
        max_length=200,
        description="Device file; those in `/dev/v4l/by-id` stay the same whatever else is plugged in.",
    )
    width: int | None = Field(
        default=None, ge=640, le=4608, description="Pixels; the camera's size nearest to 1920 by default."
    )
    height: int | None = Field(
        default=None, ge=360, le=3040, description="Pixels; the camera's size nearest to 1080 by default."
    )
    frames_per_second: float = Field(default=15, ge=1, le=60, description="How many frames are taken a second.")
    pixel_format: Literal["mjpeg", "yuyv"] | None = Field(
        default=None,
        description="`mjpeg`, or `yuyv`, which is not compressed: USB 2 carries only a few such pictures a second in"
        " full size. By default `mjpeg` if the camera has it.",
    )
    focus: int | None = Field(
        default=None, ge=0, le=65_535, description="Where an autofocus lens is held, in the camera's own units."
    )

    @model_validator(mode="after")
    def _whole_size(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("set both width and height")
        return self
