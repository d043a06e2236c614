"""The functions and classes that `import platepost` offers; see `platepost/__init__.py`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import local

import numpy as np
from numpy.typing import NDArray

from platepost.common import errors
from platepost.common.errors import (
    BackendError,
    BoardError,
    CameraError,
    ConfigurationError,
    ModelError,
    PictureError,
    PlatepostError,
)
from platepost.device.backends import CameraAddress
from platepost.device.board.base import Board, Light
from platepost.device.camera.base import Camera
from platepost.device.frame import Box, Frame
from platepost.device.vision.clips import ClipRead, reads_of
from platepost.device.vision.ctc import Hypothesis
from platepost.device.vision.draw import draw_plates
from platepost.device.vision.photos import load_photo
from platepost.device.vision.pipeline import Pipeline
from platepost.device.vision.reader import Glyph, Reading
from platepost.device.vision.recognizer import Plate, Recognition, Recognizer
from platepost.device.vision.region import Issuer
from platepost.device.vision.vehicle import Appearance

__all__ = [
    "Appearance",
    "BackendError",
    "Board",
    "BoardError",
    "Box",
    "Camera",
    "CameraError",
    "ClipRead",
    "ConfigurationError",
    "Frame",
    "Glyph",
    "Hypothesis",
    "Issuer",
    "Light",
    "ModelError",
    "PictureError",
    "Plate",
    "PlatepostError",
    "Reading",
    "Recognition",
    "Recognizer",
    "draw_plates",
    "load_photo",
    "read_clip",
    "read_photo",
]


def read_photo(photo: str | Path | NDArray[np.uint8], *, recognizer: Recognizer | None = None) -> tuple[Plate, ...]:
    """Return the plates of a photo, the one that it is likeliest about first.

    Args:
        photo: a file, or an H x W x 3 (BGR) or H x W uint8 array, as OpenCV has them.
        recognizer: the networks; without them those that ship, which a thread loads with its first photo and keeps.

    Raises:
        PictureError: the photo cannot be read.
        BackendError: no TFLite runtime is installed.

    """
    picture = load_photo(photo) if isinstance(photo, str | Path) else photo
    return (recognizer or _kept_recognizer()).recognize_still(picture).plates


_kept = local()


def _kept_recognizer() -> Recognizer:
    """Return this thread's networks: threads must not share them, and loading takes as long as several photos."""
    if not hasattr(_kept, "recognizer"):
        _kept.recognizer = Recognizer.load()
    kept: Recognizer = _kept.recognizer
    return kept


def read_clip(
    clip: str | Path | Iterable[Frame],
    *,
    recognizer: Recognizer | None = None,
    user: str | None = None,
    password_file: str | Path | None = None,
    ca_file: str | Path | None = None,
) -> Iterator[ClipRead]:
    """Yield each read of a clip when its vehicle has gone: one for each vehicle, from all frames that show it.

    Args:
        clip: a video, a folder of images, the address of a camera (`rtsp://`, `rtsps://`, `/dev/video0`), or frames of
            your own. A file or folder needs the extra `clips`, an IP camera the extra `rtsp`. A camera is read until
            the iterator is closed.
        recognizer: the networks; without them they are loaded.
        user: the user name at an IP camera.
        password_file: a file with the password.
        ca_file: PEM of the authority that issued the certificate of a camera with `rtsps://`.

    Raises:
        CameraError: the clip cannot be played, or the camera failed.
        ConfigurationError: the address is none, or has a password in it.
        BackendError: PyAV or a TFLite runtime is not installed.

    """
    pipeline = Pipeline(recognizer or Recognizer.load())
    if not isinstance(clip, str | Path):
        yield from reads_of(clip, pipeline)
        return
    if CameraAddress.is_one(str(clip)):
        password, authority = (None if path is None else Path(path) for path in (password_file, ca_file))
        with CameraAddress(str(clip), user, password, authority).camera() as camera:
            yield from reads_of(camera.frames(), pipeline)
        return
    try:
        from platepost.device.camera.footage.camera import FootageCamera  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as error:
        raise BackendError(f"reading a clip needs {error.name}: {errors.installing('clips')}") from error
    with FootageCamera(path=clip, pace="fast") as footage:
        yield from reads_of(footage.frames(), pipeline)
