"""The record of the post's state: also the will that the broker publishes when the post falls silent."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from platepost.wire.records.base import Identifier, Seconds, Slug, UtcTime, WireModel
from platepost.wire.records.configuration import ConfigurationState
from platepost.wire.records.keys import KeyState
from platepost.wire.records.parts import ChainEnd, HotListState, Place, RecordData, Versions


class PerceivedSeverity(StrEnum):
    """How bad a fault is, by three of the levels of ITU-T X.733 (02/1992), 8.1.2.3; sorted, the worst comes first."""

    CRITICAL = "critical"
    """The post does not do its work, may be tampered with, or may alarm wrongly."""
    MAJOR = "major"
    """Part of its work is not done, or the fault may soon be critical."""
    MINOR = "minor"
    """The post does its work; a person should know."""


class Reason(WireModel):
    """One fault of the post."""

    name: Slug = Field(description="Name of the fault, such as `hotlist_stale` or `camera_silent`.")
    message: str = Field(max_length=200, description="The same for people; never a plate.")
    severity: PerceivedSeverity | None = Field(
        default=None,
        description=(
            "How bad the fault is: `critical`: the post does not do its work, may be tampered with, or may alarm "
            "wrongly; `major`: part of its work is not done, or it may soon be critical; `minor`: a person should "
            "know. Absent in notices, and from older posts."
        ),
    )


class SyntheticHit(WireModel):
    """The hit that the post made up last, to show that hits arrive."""

    hit: Identifier = Field(description="Its identifier.")
    made: UtcTime = Field(description="When it was made, by the post's own time.")
    every_minutes: Annotated[float, Field(gt=0)] = Field(
        description="How often one is made; one that is two such times old is missed."
    )
    released_seconds: Seconds | None = Field(
        default=None,
        description=(
            "How long after that everyone had it whom the post waits for: the required custodians, or else a broker. "
            "Absent until then."
        ),
    )


class Status(RecordData):
    """The state of the post; retained, so that a subscriber knows it at once."""

    state: Literal["online", "degraded", "offline"] = Field(
        description="`online`; `degraded`: works, with faults; `offline`: stopped, or silent when it is the will."
    )
    reasons: tuple[Reason, ...] = Field(default=(), description="Every present fault; empty when `online`.")
    notices: tuple[Reason, ...] = Field(
        default=(), description="What a person should know though it is no fault, such as `near_matching`."
    )
    since: UtcTime = Field(
        description=(
            "Since when this state and these reasons have held; with `offline`, when it stopped, or, in the "
            "will, when the connection began: it fell silent later."
        )
    )
    valid_seconds: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description=(
            "How long this is good for: a post that lives repeats its status sooner. A subscriber counts from when it "
            "received the status, or from `time` where the broker had retained it. Absent with `offline`, which holds "
            "until the post reports otherwise."
        ),
    )
    boot: Identifier = Field(description="Identifier of this run of the post's software.")
    place: Place | None = Field(default=None, description="Where the camera stands and looks.")
    versions: Versions = Field(description="Software, configuration and models in use.")
    hotlist: HotListState = Field(description="The hot list held.")
    configuration: ConfigurationState | None = Field(
        default=None, description="The active configuration and the last refused one; absent where none can be sent."
    )
    keys: tuple[KeyState, ...] = Field(
        default=(),
        description="Keys that the post goes by, for lists, configurations, and receipts; empty if fixed.",
    )
    last_read: UtcTime | None = Field(
        default=None,
        description="When the post last read a plate, by its own time; the next repeat has news of it.",
    )
    last_synthetic: SyntheticHit | None = Field(
        default=None,
        description=(
            "The last synthetic hit; absent if none was made since the start. The next repeat has news of it."
        ),
    )
    chain_end: ChainEnd | None = Field(
        default=None,
        description="Outside the chain only: the chain's last record when a repeat, or a will's connection, was begun.",
    )
    certificate_expires: UtcTime | None = Field(
        default=None, description="When the post's client certificate ends its validity."
    )

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.state == "degraded" and not self.reasons:
            raise ValueError("a degraded post states why")
        if self.state == "online" and self.reasons:
            raise ValueError("an online post has no faults")
        return self
