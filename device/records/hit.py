"""The records of an alarm: a possible match with the hot list, and its withdrawal."""

from typing import Annotated, Literal

from pydantic import Field

from device.records.base import PLATE_LENGTH, Count, Identifier, PlateText
from device.records.parts import HotListState, RecordData
from device.records.read import Sight

FinalText = Annotated[str, Field(max_length=PLATE_LENGTH)]
WORDING = "Possible match. Verify by eye and with the state's system before acting."


class Hit(Sight):
    """A read that matches the hot list. Always unverified when it leaves the post."""

    hit: Identifier = Field(description="Identifier of the hit; a withdrawal names it.")
    plate_matched: PlateText = Field(
        description="What matched: the key looked up (the post holds no plate in clear), or the list's pattern."
    )
    match: Literal["exact", "look_alike", "near", "partial"] = Field(
        description=(
            "`exact`: the read equals the entry; `look_alike`: equal but for O/0 and I/1; `near`: an alternative of "
            "the reader matched; `partial`: a pattern matched."
        )
    )
    differs: tuple[Count, ...] = Field(
        default=(), description="Positions in `plate_read`, from 0, at which it differs from what matched."
    )
    category: str = Field(min_length=1, max_length=64, description="Category of the entry, as the list names it.")
    priority: Annotated[int, Field(ge=0, le=255)] = Field(description="Priority of the entry; 1 is the most urgent.")
    state: str | None = Field(default=None, max_length=16, description="State that issued the listed plate, if listed.")
    reference: str | None = Field(
        default=None, max_length=120, description="The department's reference of the entry or pattern, if listed."
    )
    hotlist: HotListState = Field(description="The list that matched: version, when built, age.")
    hotlist_stale: bool = Field(description="Whether the list was older than its last limit: verify with special care.")
    verification: Literal["unverified"] = Field(default="unverified", description="A post never verifies a hit.")
    wording: Literal["Possible match. Verify by eye and with the state's system before acting."] = Field(
        default="Possible match. Verify by eye and with the state's system before acting.",
        description="What a console shows with the hit.",
    )


class HitWithdrawn(RecordData):
    """A hit that the passage's final text no longer bears out."""

    hit: Identifier = Field(description="Identifier of the hit withdrawn.")
    passage: Identifier = Field(description="Identifier of the passage.")
    category: str = Field(min_length=1, max_length=64, description="Category of the hit, as the list names it.")
    plate_read: FinalText = Field(description="The passage's final text; empty if nothing legible is left.")
    plate_key: FinalText = Field(description="Normalised form of the final text.")
    reason: Literal["text_changed", "not_listed"] = Field(
        description=("`text_changed`: the final text does not match; `not_listed`: the entry left the list meanwhile.")
    )
