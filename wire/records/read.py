"""The record of a passage: what the post says of one vehicle's plate."""

from typing import Annotated, Literal

from pydantic import Field

from platepost.wire.records.base import Count, Fraction, Identifier, PlateText, UtcTime
from platepost.wire.records.parts import (
    Alternative,
    Character,
    HotListState,
    Location,
    Picture,
    Place,
    RecordData,
    VehicleDescription,
    Versions,
)

Direction = Literal["approaching", "receding", "unknown"]


class Sight(RecordData):
    """What a read and a hit say alike of the plate that was seen."""

    passage: Identifier = Field(description="Identifier of the passage; links a hit and the read that follows it.")
    plate_read: PlateText = Field(
        description="The plate as it was read, `?` for a character that something hides; never changed afterwards."
    )
    plate_key: PlateText = Field(
        description="Normalized form for look-up; O and 0 share a key, as do I and 1; `?` stays."
    )
    confidence: Fraction = Field(description="Probability that the whole text is right, 0 to 1.")
    characters: tuple[Character, ...] = Field(
        min_length=1, description="Each character of `plate_read` with its confidence, in order."
    )
    alternatives: tuple[Alternative, ...] = Field(default=(), description="Other texts, the likeliest first.")
    region: str | None = Field(
        default=None,
        max_length=16,
        description=(
            "Who issued the plate, by its look: a state of the United States or its district by ISO 3166-2, such as "
            "`US-CA`, or `other` for anyone but California where none can be named; absent where it is unknown."
        ),
    )
    region_confidence: Fraction | None = Field(default=None, description="Probability that `region` is right, 0 to 1.")
    vehicle: VehicleDescription | None = Field(
        default=None, description="The vehicle by its look, where anything of it can be told."
    )
    location: Location = Field(description="Where in the best frame the plate was.")
    captured: UtcTime = Field(
        description=(
            "Capture time of the best frame, as the system's clock showed it: of a post whose clock is behind, behind "
            "`time`. How old it was when the record was made: `time` less `clock.held_seconds`, where there, less this."
        )
    )
    captured_by: Literal["camera_clock", "arrival"] | None = Field(
        default=None,
        description=(
            "Of a camera of the network: whether its own clock dated the best frame, which agreed with the post's, or "
            "the frame's arrival at the post. Absent for a camera that is part of the post."
        ),
    )
    first_seen: UtcTime = Field(description="Capture time of the first frame with this plate, by the same clock.")
    last_seen: UtcTime = Field(description="Capture time of the last frame with this plate so far, by the same clock.")
    frames_seen: Annotated[int, Field(ge=1)] = Field(description="Frames in which this plate was found.")
    frames_agreeing: Count = Field(description="Frames whose own text equals `plate_read`.")
    direction: Direction = Field(
        description=(
            "The vehicle's movement relative to the camera; of one that was seen too briefly, by whether its front or "
            "its rear was."
        )
    )
    camera: str = Field(min_length=1, max_length=64, description="Name of the camera at the post.")
    lane: str | None = Field(
        default=None,
        max_length=64,
        description="Lane in which the plate was seen best, where lanes are drawn around it.",
    )
    place: Place = Field(description="Where the camera stands and looks.")
    versions: Versions = Field(description="Software, configuration and models in use.")
    pictures: tuple[Picture, ...] = Field(
        default=(),
        description=(
            "Patch and overview of the best frame, the first of each kind. A hit may have more patches: the plate as "
            "that frame has it (`rectified` is `false`), then from the passage's next best frames."
        ),
    )


class Consultation(HotListState):
    """The hot list that was asked, and what it answered."""

    result: Literal["match", "no_match", "not_consulted"] = Field(
        description="Whether the plate, an alternative or a pattern matched; `not_consulted` without a list."
    )


class Read(Sight):
    """A read: what the post says of one passage. Ends the passage; there is exactly one."""

    hotlist: Consultation = Field(description="The hot list consulted and its answer.")
    hits: tuple[Identifier, ...] = Field(
        default=(), description="Identifiers of this passage's hits that still stand: neither withdrawn nor covert."
    )
