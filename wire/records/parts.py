"""Parts that several kinds of record carry."""

import base64
import binascii
import hashlib
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from platepost.wire.records.base import (
    Count,
    Digest,
    Fraction,
    Identifier,
    PlateText,
    Seconds,
    Slug,
    UtcTime,
    WireModel,
)


class ClockQuality(WireModel):
    """How far the post's clock can be trusted at the moment of the record."""

    source: Literal["chrony", "kernel", "unknown"] = Field(
        description="Who vouches for the clock: chrony, the kernel's clock discipline (adjtimex), or no one."
    )
    synchronised: bool = Field(
        description="Whether the clock is at present disciplined by a time source. The name keeps its British spelling:"
        " it is in records that are signed, and subscribers read it."
    )
    estimated_error_seconds: Seconds | None = Field(
        default=None, description="Estimated error in seconds; absent while not synchronized or unknown."
    )
    maximum_error_seconds: Seconds | None = Field(
        default=None, description="Bound of the error in seconds; absent while not synchronized or unknown."
    )
    reference: str | None = Field(
        default=None,
        max_length=64,
        description="What the clock is set by: an address, or a reference clock such as PPS.",
    )
    stratum: Annotated[int, Field(ge=1, le=16)] | None = Field(
        default=None, description="How many steps from a reference clock."
    )
    held_seconds: float | None = Field(
        default=None,
        description=(
            "How far the record's `time` is ahead of the system's clock, or behind it if negative: that clock is "
            "certainly wrong, and `time` continued without it. Absent while the clock is believed. `time` less this is "
            "what the clock showed."
        ),
    )
    stepped_back_seconds: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description=(
            "How much earlier the record's `time` is than that of the record before it in its chain: the clock was "
            "ahead, and is right now or righter. No record without this is earlier than the one before it."
        ),
    )


class ChainEnd(WireModel):
    """A record of the chain by its place: all before it are bound by its digest."""

    chain: Identifier = Field(description="The chain.")
    sequence: Annotated[int, Field(ge=1)] = Field(description="The record's number in it.")
    digest: Digest = Field(description="The record's digest.")


class RecordData(WireModel):
    """What every kind of record has."""

    clock: ClockQuality = Field(description="Quality of the clock when the record was made.")


class Character(WireModel):
    """One character of a plate as read."""

    value: Annotated[str, Field(min_length=1, max_length=1)] = Field(description="The character.")
    confidence: Fraction = Field(description="Probability that it is right, 0 to 1.")


class Alternative(WireModel):
    """Another text the plate may bear."""

    text: PlateText = Field(description="The whole text of the alternative.")
    confidence: Fraction = Field(description="Probability that it is right, 0 to 1.")


class VehicleDescription(WireModel):
    """A vehicle by its look, in the terms of `records.vehicles`. What the post is not sure of is absent."""

    kind: str | None = Field(
        default=None,
        max_length=16,
        description="`car` (also SUVs), `van`, `pickup`, `truck`, `bus` or `motorcycle`; absent where it is unknown.",
    )
    colors: tuple[Annotated[str, Field(max_length=16)], ...] | None = Field(
        default=None,
        min_length=1,
        max_length=2,
        description=(
            "It has one of these, the likeliest first: `white`, `black`, `gray` (also silver), `red`, `blue`, `green`, "
            "`yellow`, `brown` (also beige and gold), `orange`. Absent where it is unknown, by night for instance."
        ),
    )


class Box(WireModel):
    """An upright rectangle in the full-size frame."""

    x: int = Field(description="Left edge in pixels from the left of the frame.")
    y: int = Field(description="Upper edge in pixels from the top of the frame.")
    width: Count = Field(description="Width in pixels.")
    height: Count = Field(description="Height in pixels.")


class Point(WireModel):
    """A point in the full-size frame."""

    x: float = Field(description="Pixels from the left of the frame.")
    y: float = Field(description="Pixels from the top of the frame.")


class Location(WireModel):
    """Where in its frame a plate was."""

    frame_width: Count = Field(description="Width of the full-size frame in pixels.")
    frame_height: Count = Field(description="Height of the full-size frame in pixels.")
    box: Box = Field(description="Upright rectangle around the plate.")
    corners: tuple[Point, Point, Point, Point] | None = Field(
        default=None,
        description="The plate's corners: top left, top right, bottom right, bottom left as a person reads it.",
    )


class Place(WireModel):
    """Where the post stands and looks."""

    site: str | None = Field(default=None, max_length=120, description="Name of the site, for people.")
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = Field(default=None, description="Degrees north, WGS 84.")
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = Field(
        default=None, description="Degrees east, WGS 84."
    )
    heading_degrees: Annotated[float, Field(ge=0, lt=360)] | None = Field(
        default=None, description="Direction the camera looks in, degrees clockwise from true north."
    )


class Model(WireModel):
    """One recognition model in use."""

    name: Slug = Field(description="What the model does: `detector` or `reader`.")
    digest: Digest = Field(description="SHA-256 of the model file.")


class Versions(WireModel):
    """What was running when the record was made."""

    software: str = Field(min_length=1, max_length=64, description="Version of the post's software.")
    configuration: str = Field(
        min_length=1, max_length=64, description="Version of the active configuration, or the head of its SHA-256."
    )
    models: tuple[Model, ...] = Field(default=(), description="The recognition models, by name and digest.")


ListState = Literal["none", "current", "warning", "stale"]


class HotListState(WireModel):
    """Which hot list the post holds, and how old it is."""

    state: ListState = Field(
        description="`none` is held; `current`; `warning`: older than the first limit; `stale`: than the last."
    )
    version: Count | None = Field(default=None, description="Version of the list; absent without a list.")
    issuer: str | None = Field(default=None, max_length=120, description="Who issued the list.")
    built: UtcTime | None = Field(default=None, description="When the department built the list.")
    age_seconds: Seconds | None = Field(default=None, description="Age of the list when the record was made, seconds.")
    entries: Count | None = Field(default=None, description="How many plates and patterns the list holds.")
    near_alternatives: Count = Field(
        default=0,
        description=(
            "How many other readings of a plate are looked up as well, of which most are wrong: 0 unless the "
            "department has turned near matching on."
        ),
    )


class Picture(WireModel):
    """A picture, named by its digest; the bytes may be left out without harm to signature and chain.

    Signature and chain cover every field but `data`: a picture dropped on the way (disk low, packet too large) leaves
    a record that still verifies and still proves which picture there was.
    """

    kind: Literal["patch", "overview"] = Field(description="`patch`: the plate; `overview`: the vehicle.")
    rectified: bool | None = Field(
        default=None,
        description=(
            "Of a patch: `false` where it is the plate as the frame has it, pixel for pixel; absent where it was"
            " straightened, to be seen from the front."
        ),
    )
    media_type: Literal["image/jpeg"] = Field(default="image/jpeg", description="Media type of the bytes.")
    width: Annotated[int, Field(ge=1)] = Field(description="Width in pixels.")
    height: Annotated[int, Field(ge=1)] = Field(description="Height in pixels.")
    size: Annotated[int, Field(ge=1)] = Field(description="Length of the picture in bytes, before base64.")
    sha256: Digest = Field(description="SHA-256 of the picture's bytes, before base64.")
    data: str | None = Field(
        default=None,
        description="The bytes in base64 (RFC 4648, section 4), outside the signature; absent when dropped.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/jpeg"},
    )

    @model_validator(mode="after")
    def _matches(self) -> Self:
        if self.data is not None and not picture_matches(self.data, size=self.size, sha256=self.sha256):
            raise ValueError("picture does not match its size and SHA-256")
        return self

    @classmethod
    def of(cls, kind: Literal["patch", "overview"], jpeg: bytes, *, width: int, height: int) -> Self:
        """Make the picture of the bytes of a JPEG of `width` x `height` pixels."""
        return cls(
            kind=kind,
            width=width,
            height=height,
            size=len(jpeg),
            sha256=hashlib.sha256(jpeg).hexdigest(),
            data=base64.b64encode(jpeg).decode("ascii"),
        )


def picture_bytes(data: str, *, size: int, sha256: str) -> bytes | None:
    """Return the picture that base64 `data` is; None if it is not the one of `size` bytes with the digest `sha256`."""
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if len(content) == size and hashlib.sha256(content).hexdigest() == sha256 else None


def picture_matches(data: str, *, size: int, sha256: str) -> bool:
    """Tell whether base64 `data` is the picture of `size` bytes with the digest `sha256`."""
    return picture_bytes(data, size=size, sha256=sha256) is not None


def pictures_match(event: dict[str, Any]) -> bool:
    """Tell whether every picture of an event that has its bytes is the one that the event names."""
    data = event.get("data")
    pictures = data.get("pictures", []) if isinstance(data, dict) else []
    return isinstance(pictures, list) and all(
        isinstance(picture, dict)
        and (
            "data" not in picture
            or picture_matches(str(picture["data"]), size=picture.get("size", -1), sha256=picture.get("sha256", ""))
        )
        for picture in pictures
    )
