"""Covers areas of pictures for a package: other plates, and faces.

The picture that the post signed stays in the archive. The package has a copy in which the areas are black, and a
statement of what was covered, by whom, and of which signed picture.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from math import ceil
from typing import Annotated, Literal

from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from platepost.department.custody.reading import WholeRecord
from platepost.department.errors import DepartmentError

AREAS_MOST = 50
"""Areas of one picture."""
_BLOCK = 16
"""Pixels of the largest block that a JPEG encodes together. An area grows to whole blocks, so that no pixel outside it
depends on what it covers."""
_QUALITY = 92

_Pixels = Annotated[int, Field(ge=0, le=65_535)]


class RedactedArea(BaseModel):
    """A rectangle of a picture that is covered, in pixels from its upper left corner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Literal["plate", "face", "other"]
    x: _Pixels
    y: _Pixels
    width: Annotated[_Pixels, Field(ge=1)]
    height: Annotated[_Pixels, Field(ge=1)]


class Redaction(BaseModel):
    """What a person had covered in a picture of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: int
    kind: str
    """Of the picture: `patch` or `overview`."""
    areas: Annotated[tuple[RedactedArea, ...], Field(min_length=1, max_length=AREAS_MOST)]
    person: str
    at: datetime


class RedactedPicture(Redaction):
    """The statement of it in a package."""

    original_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the picture that the post signed."""
    copy_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the copy in the package."""


AREAS = TypeAdapter(tuple[RedactedArea, ...])
REDACTIONS = TypeAdapter(tuple[Redaction, ...])
STATEMENTS = TypeAdapter(tuple[RedactedPicture, ...])
STATEMENT_FILE = "redactions.json"
"""The file of a package that has the statements; absent where no picture is redacted."""


def redacted_file(original: str) -> str:
    """Return the name in a package of the copy of a picture, which has this SHA-256."""
    return f"redacted/{original}.jpg"


def redacted(
    selected: Sequence[WholeRecord], redactions: Sequence[Redaction]
) -> tuple[list[WholeRecord], list[RedactedPicture], dict[str, bytes]]:
    """Return records without the pictures that are redacted, the statements of these, and their copies by file name.

    Raises:
        DepartmentError: a picture is not there any more, or an area lies outside of it.

    """
    pictures = {(stored.id, picture.kind): picture for stored, held in selected for picture in held}
    statements, files = [], {}
    for redaction in redactions:
        picture = pictures.get((redaction.record, redaction.kind))
        if picture is None:
            raise DepartmentError(
                f"the {redaction.kind} of record {redaction.record} is no longer stored and cannot be redacted:"
                " remove its areas"
            )
        copy, original = cover(picture.body, redaction.areas), picture.sha256.hex()
        files[redacted_file(original)] = copy
        statements.append(
            RedactedPicture(**dict(redaction), original_sha256=original, copy_sha256=sha256(copy).hexdigest())
        )
    covered = {statement.original_sha256 for statement in statements}
    rest = [
        (stored, tuple(picture for picture in held if picture.sha256.hex() not in covered)) for stored, held in selected
    ]
    return rest, statements, files


def cover(jpeg: bytes, areas: Sequence[RedactedArea]) -> bytes:
    """Return a JPEG with areas in black, and with no other data of the original, such as EXIF.

    Raises:
        DepartmentError: it is no picture, or an area lies outside of it.

    """
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as original:
            picture = original.convert("RGB")
    except (OSError, ValueError) as error:
        raise DepartmentError("a picture that is to be redacted cannot be decoded") from error
    draw = ImageDraw.Draw(picture)
    for area in areas:
        if area.x + area.width > picture.width or area.y + area.height > picture.height:
            raise DepartmentError("an area lies outside of its picture: remove it and draw it again")
        left = area.x // _BLOCK * _BLOCK
        top = area.y // _BLOCK * _BLOCK
        right = ceil((area.x + area.width) / _BLOCK) * _BLOCK
        bottom = ceil((area.y + area.height) / _BLOCK) * _BLOCK
        draw.rectangle((left, top, right - 1, bottom - 1), fill="black")
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=_QUALITY)
    return encoded.getvalue()
