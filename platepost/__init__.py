"""Read license plates in photos and clips, and write cameras and boards of your own.

Five lines read a photo and a clip::

    import platepost

    for plate in platepost.read_photo("photo.jpg"):
        print(plate.text, plate.confidence)
    for read in platepost.read_clip("clip.mp4"):  # needs the extra `clips`
        print(read.text, read.confidence, read.first_second)

What `__all__` lists is the public interface, with the public attributes of these classes: versions follow Semantic
Versioning by it. Everything in the subpackages is private and may change in any version.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from platepost.version import __version__

if TYPE_CHECKING:
    from platepost.library import (
        Appearance,
        BackendError,
        Board,
        BoardError,
        Box,
        Camera,
        CameraError,
        ClipRead,
        ConfigurationError,
        Frame,
        Glyph,
        Hypothesis,
        Issuer,
        Light,
        ModelError,
        PictureError,
        Plate,
        PlatepostError,
        Reading,
        Recognition,
        Recognizer,
        draw_plates,
        load_photo,
        read_clip,
        read_photo,
    )


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
    "__version__",
    "draw_plates",
    "load_photo",
    "read_clip",
    "read_photo",
]


def __getattr__(name: str) -> object:
    """Load the library when one of its names is first used: every subpackage imports this module first."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("platepost.library"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
