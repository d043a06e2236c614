"""The records of an alarm: a possible match with the hot list, and its withdrawal."""

from typing import Annotated, Literal

from pydantic import Field

from platepost.wire.records.base import PLATE_LENGTH, Count, Fraction, Identifier, PlateText
from platepost.wire.records.parts import HotListState, RecordData
from platepost.wire.records.read import Sight

Group = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""The slug of a distribution group; it is a level of the topic."""
TextOrEmpty = Annotated[str, Field(max_length=PLATE_LENGTH)]
WORDING = "Possible match. Verify by eye and with the state's system before acting."
NEAR_WORDING = "Not what was read: only another possible reading is listed. Verify by eye first of all."
SYNTHETIC_WORDING = "Test: made up by the post to show that hits arrive. No vehicle was seen."
TEST_CATEGORY = "acceptance_test"
"""Category of a department's own test plates: a hit of it concerns no one."""
HELD_WORDING = "Held: far more hits of this category than usual; the list may be wrong. Ask who decides."


class Hit(Sight):
    """A read that matches the hot list. Always unverified when it leaves the post."""

    hit: Identifier = Field(description="Identifier of the hit; its withdrawal has it.")
    plate_matched: PlateText = Field(
        description="The list's own spelling of the plate that matched, or its pattern with `?` and `*`."
    )
    match: Literal["exact", "look_alike", "near", "partial"] = Field(
        description=(
            "`exact`: the read equals the entry; `look_alike`: equal except for O/0, I/1 or a pair that the post "
            "declares; `near`: an alternative of the reader matched; `partial`: a pattern matched, or all but a "
            "hidden character."
        )
    )
    differs: tuple[Count, ...] = Field(
        default=(), description="Positions in `plate_read`, from 0, at which it differs from what matched."
    )
    category: str = Field(min_length=1, max_length=64, description="Category of the entry, as in the list.")
    priority: Annotated[int, Field(ge=0, le=255)] = Field(description="Priority of the entry; 1 is the most urgent.")
    state: str | None = Field(default=None, max_length=16, description="State that issued the listed plate, if listed.")
    reference: str | None = Field(
        default=None, max_length=120, description="The department's reference of the entry or pattern, if listed."
    )
    author: str | None = Field(default=None, max_length=120, description="Who is responsible for a pattern.")
    distribution: Group | None = Field(
        default=None,
        description="Of a covert entry only: the group that alone may hear of it. Its topic is the group's.",
    )
    match_confidence: Fraction | None = Field(
        default=None,
        description=(
            "Probability that the plate bears what matched: the text, the alternative, or the characters known of "
            "both. Absent where the reader does not tell."
        ),
    )
    state_agreement: Literal["agrees", "contradicts", "unknown"] = Field(
        default="unknown",
        description="Whether the state read (`region`) is the listed one (`state`); `unknown` where one is missing.",
    )
    hotlist: HotListState = Field(description="The list that matched: version, when built, age.")
    hotlist_stale: bool = Field(description="Whether the list was older than its last limit: verify with special care.")
    verification: Literal["unverified"] = Field(default="unverified", description="A post never verifies a hit.")
    held: bool = Field(
        default=False,
        description=(
            "Whether far more different plates of this category hit at this post within an hour than are believable: "
            "a person looks at the list before anyone is alerted."
        ),
    )
    synthetic: bool = Field(
        default=False,
        description=(
            "Whether the post made this hit up, to show that hits arrive: it looked its test plate up in its list as "
            "if it had read it. No camera saw it; it has no pictures, and no read follows."
        ),
    )
    wording: str = Field(
        default=WORDING,
        min_length=1,
        max_length=200,
        description="What a console shows with the hit. Newer posts may say it otherwise.",
        examples=[WORDING, NEAR_WORDING, HELD_WORDING, SYNTHETIC_WORDING],
    )


class HitWithdrawn(RecordData):
    """A hit that the passage's text no longer bears out."""

    hit: Identifier = Field(description="Identifier of the hit withdrawn.")
    passage: Identifier = Field(description="Identifier of the passage.")
    category: str = Field(min_length=1, max_length=64, description="Category of the hit, as in the list.")
    distribution: Group | None = Field(default=None, description="As in the hit.")
    plate_read: TextOrEmpty = Field(description="The passage's text by then; empty if nothing legible is left.")
    plate_key: TextOrEmpty = Field(description="Normalized form of that text.")
    reason: Literal["text_changed", "not_listed"] = Field(
        description=(
            "`text_changed`: the text by then, or what else it may be, does not match as in the hit;"
            " `not_listed`: the entry left the list meanwhile."
        )
    )
