"""The view that a technician accepted: by it a post can tell later that its camera was moved or its window covered.

One small file beside the outbox, `view.json`: for daylight and for infrared each a picture of 64 x 36 gray levels, the
frame's size, its sharpness, who accepted it and when. No plate can be read in so few pixels.
"""

import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from platepost.common.errors import ConfigurationError
from platepost.common.files import StateFile

FILE = "view.json"
WIDTH, HEIGHT = 64, 36

Light = Literal["day", "infrared"]


def _gray_levels(text: str) -> str:
    if len(base64.b64decode(text, validate=True)) != WIDTH * HEIGHT:
        raise ValueError(f"not {WIDTH} x {HEIGHT} gray levels")
    return text


class View(BaseModel):
    """One accepted view."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accepted: datetime
    accepted_by: str
    frame_width: Annotated[int, Field(ge=1)]
    frame_height: Annotated[int, Field(ge=1)]
    sharpness: Annotated[float, Field(ge=0)]
    """Variance of the Laplacian of the whole frame at 640 pixels across, gray levels squared."""
    luminance: Annotated[str, AfterValidator(_gray_levels)]
    """Base64 of 64 x 36 gray levels, row by row."""

    @classmethod
    def of(cls, gray: NDArray[np.uint8], *, accepted: datetime, accepted_by: str) -> "View":
        """Remember an H x W frame."""
        height, width = gray.shape
        return cls.of_street(
            small(gray), frame_sharpness(gray), size=(width, height), accepted=accepted, accepted_by=accepted_by
        )

    @classmethod
    def of_street(
        cls,
        street: NDArray[np.uint8],
        sharpness: float,
        *,
        size: tuple[int, int],
        accepted: datetime,
        accepted_by: str,
    ) -> "View":
        """Remember 36 x 64 gray levels and a sharpness, such as the medians of some frames of `size` pixels."""
        return cls(
            accepted=accepted,
            accepted_by=accepted_by,
            frame_width=size[0],
            frame_height=size[1],
            sharpness=round(sharpness, 2),
            luminance=base64.b64encode(street.tobytes()).decode("ascii"),
        )

    @property
    def picture(self) -> NDArray[np.uint8]:
        """The 36 x 64 gray levels."""
        return np.frombuffer(base64.b64decode(self.luminance), np.uint8).reshape(HEIGHT, WIDTH)


class Views(BaseModel):
    """The accepted views of a post."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    day: View | None = None
    infrared: View | None = None

    def of(self, light: Light) -> View | None:
        """Return the view accepted in one light."""
        return self.day if light == "day" else self.infrared

    def save(self, folder: Path) -> None:
        """Write them into the folder of the post's state. Raises OSError."""
        StateFile(folder / FILE, Views).write(self)


def load_views(folder: Path) -> Views:
    """Read the accepted views of a post; none of them if there is no file.

    Raises:
        ConfigurationError: the file is damaged or of a later version.

    """
    path = folder / FILE
    try:
        return StateFile(path, Views).read() or Views()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: the accepted view cannot be read; aim again: platepost aim") from error


def small(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an H x W frame as 36 x 64 gray levels."""
    return cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def frame_sharpness(gray: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian of an H x W frame at 640 pixels across, gray levels squared."""
    size = (640, max(1, round(640 * gray.shape[0] / gray.shape[1])))
    return float(cv2.Laplacian(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), cv2.CV_32F).var())
