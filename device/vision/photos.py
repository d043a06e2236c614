"""Photos: files that people have, decoded with bounds and with errors in words."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import PictureError

LARGEST_FILE = 256 * 2**20
"""Bytes of a picture file: more than a camera of 80 megapixels writes without compression."""
HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif"})
"""Brands of ISO/IEC 23008-12 (HEIF), which OpenCV's wheel does not decode."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNK_FRAME_BYTES = 12
"""Of a PNG's chunk, around its data: length and type before it, checksum behind."""


def load_photo(path: Path | str) -> NDArray[np.uint8]:
    """Decode a photo, as H x W x 3 BGR uint8, turned as its EXIF data says.

    Raises:
        PictureError: it cannot be read, is too large, or is no picture that OpenCV decodes.

    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)  # no more: it may be a device or a pipe without an end
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from error
    if len(content) > LARGEST_FILE:
        raise PictureError(f"{path}: larger than {LARGEST_FILE // 2**20} MiB{_hint(content)}")
    if not _has_whole_chunks(content):
        raise PictureError(f"{path}: cut off or damaged: a part of this PNG is longer than the file")
    with picture_errors(path):
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if picture is None:
        raise PictureError(f"{path}: not a picture that can be decoded{_hint(content)}")
    return picture  # type: ignore[return-value]


def _has_whole_chunks(content: bytes) -> bool:
    """Report whether no chunk of a PNG claims to be longer than the file; OpenCV allocates what a chunk claims.

    True for what is not PNG. Chunks: W3C Portable Network Graphics, third edition, section 5.3.
    """
    if not content.startswith(PNG_SIGNATURE):
        return True
    at = len(PNG_SIGNATURE)
    while at + CHUNK_FRAME_BYTES <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        at += CHUNK_FRAME_BYTES + length
        if kind == b"IEND":
            break
    return at <= len(content)


@contextmanager
def picture_errors(path: Path | str) -> Iterator[None]:
    """Turn what OpenCV raises of a picture, such as one too large for it, into an error of that picture."""
    try:
        yield
    except cv2.error as error:
        reason = "too many pixels" if "CV_IO_MAX_IMAGE" in error.err else f"OpenCV cannot deal with it: {error.err}"
        raise PictureError(f"{path}: {reason}") from error


def _hint(content: bytes) -> str:
    """Say what to do with a file that people often take for a picture that can be read."""
    if content[4:8] == b"ftyp" and content[8:12] in HEIF_BRANDS:
        return ": it is HEIC; save it as JPEG first (a phone's camera has 'most compatible' in its settings)"
    if content[4:8] == b"ftyp" or content[:4] in {b"RIFF", b"\x1aE\xdf\xa3"}:
        return ": it is a video; 'platepost simulate replay' reads videos"
    return ""
