"""The vital signs that a post sends once a minute."""

from typing import Annotated

from pydantic import Field

from platepost.wire.records.base import Count, Identifier, Seconds, WireModel
from platepost.wire.records.parts import ChainEnd, HotListState, RecordData


class Timing(WireModel):
    """How long a step took over the last minute."""

    median_ms: Annotated[float, Field(ge=0)] = Field(description="Median in milliseconds.")
    p95_ms: Annotated[float, Field(ge=0)] = Field(description="95th percentile in milliseconds.")
    count: Count = Field(description="How often the step ran.")


class Queue(WireModel):
    """What waits in the outbox, without records of covert entries: no one else is to know that there are any."""

    depth: Count = Field(description="Records waiting for the broker's acknowledgment.")
    sent: Count = Field(
        default=0, description="Records that have it and wait for a receipt of each custodian that is required."
    )
    oldest_unreleased_age_seconds: Seconds | None = Field(
        default=None, description="Age of the oldest of both in seconds; none if there is none."
    )
    oldest_age_seconds: Seconds | None = Field(
        default=None, description="Age of the oldest record waiting in seconds; none if none waits."
    )
    size_bytes: Count = Field(description="Bytes of both.")
    quota_bytes: Count = Field(description="Bytes, covert records included, at which pictures, then reads are dropped.")
    reads_dropped: Count = Field(description="Reads dropped whole since the outbox was made.")
    pictures_dropped: Count = Field(description="Reads that lost their pictures since the outbox was made.")


class Health(RecordData):
    """Vital signs, once a minute: QoS 0, signed but not part of the chain, not kept in the outbox."""

    boot: Identifier = Field(description="Identifier of this run of the post's software.")
    chain_end: ChainEnd | None = Field(
        default=None,
        description="The chain's last record when this was made (this is not in the chain); absent before the first.",
    )
    uptime_seconds: Seconds = Field(description="Since this run of the post's software began, seconds.")
    frame_rate: Annotated[float, Field(ge=0)] = Field(description="Frames evaluated per second over the last minute.")
    last_frame_age_seconds: Seconds | None = Field(
        default=None, description="Age of the newest frame in seconds; absent before the first."
    )
    frames_dropped: Count = Field(description="Frames that the post skipped because it was too slow, since it started.")
    frames_lost: Count = Field(default=0, description="Frames that the camera itself lost, since the post started.")
    reads_withheld: Count = Field(
        default=0,
        description="Reads that are no hit and died on the post, where only hits are recorded, since it started.",
    )
    camera_recoveries: dict[str, Count] = Field(
        default_factory=dict,
        description="How often each step was taken to bring the camera back, since the unit was installed: `reopen`, "
        "`power_cycle`, `restart`, `reboot`.",
    )
    inference: dict[str, Timing] = Field(default_factory=dict, description="By step: `detector`, `reader`.")
    queue: Queue = Field(description="The outbox.")
    hotlist: HotListState = Field(description="The hot list held.")
    connected: bool = Field(default=True, description="Whether the uplink was connected.")
    disk_free_bytes: Count | None = Field(
        default=None, description="Free bytes on the disk of the outbox, rounded down to whole 16 MiB."
    )
    temperature_celsius: float | None = Field(default=None, description="Temperature of the processor in Celsius.")
    memory_bytes: Count | None = Field(default=None, description="Memory that the post's software occupies, bytes.")
    load: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Load average of the last minute.")
