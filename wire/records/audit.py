"""The record of an event that people are accountable for."""

import hashlib
from typing import Annotated

from pydantic import Field, JsonValue

from platepost.wire.records.base import Count, Digest, Identifier, Outcome, Slug, Thumbprint, UtcTime, WireModel
from platepost.wire.records.parts import RecordData


class SequenceRange(WireModel):
    """Consecutive sequence numbers of the chain that the record itself belongs to."""

    first: Annotated[int, Field(ge=1)] = Field(description="First sequence number.")
    last: Annotated[int, Field(ge=1)] = Field(description="Last sequence number, inclusive.")


class Dropped(WireModel):
    """What the post gave up because the disk ran low, since the last record of this kind."""

    reads: Count = Field(description="Reads dropped whole.")
    pictures: Count = Field(description="Reads whose pictures were dropped.")
    sequences: tuple[SequenceRange, ...] = Field(
        default=(), description="Sequence numbers of the reads dropped whole: these are gone, not missing."
    )


class Lost(WireModel):
    """What damage to the disk cost, of the chain it names, which may be one that ended with it."""

    chain: Identifier = Field(description="The chain that the numbers belong to.")
    records: Count = Field(description="Records known to be lost.")
    sequences: tuple[SequenceRange, ...] = Field(
        default=(), description="Their sequence numbers: these are gone, not missing."
    )
    complete: bool = Field(
        description="Whether that is all; false where the damage hides whether more were waiting to be sent."
    )


class ChainMark(WireModel):
    """The end of a chain, named so that only those who know the chain recognize it."""

    chain: Digest = Field(description="SHA-256 of the chain's identifier, as it is written in records.")
    digest: Digest = Field(description="Digest of the chain's last record then.")


def mark_of(chain: str) -> str:
    """Return how a mark names a chain."""
    return hashlib.sha256(chain.encode()).hexdigest()


class KeyChange(WireModel):
    """A new record-signing key, vouched for by the one before: the record that carries this is the former's last."""

    former: Thumbprint = Field(description="Thumbprint of the key that signed the chain until now.")
    thumbprint: Thumbprint = Field(description="Thumbprint of the key that signs from the next record on.")
    public_key: str = Field(max_length=400, description="That key's public half, PEM.")
    ends: Annotated[tuple[ChainMark, ...], Field(max_length=256)] = Field(
        default=(),
        description=(
            "Ends of the post's other chains that the former key has signed in: it is valid in those up to there, and "
            "in no other chain. Most of them are made up, so that their number reveals nothing."
        ),
    )


ACTIONS = (
    "boot",
    "stop",
    "died",
    "reboot",
    "hotlist_installed",
    "hotlist_refused",
    "safelist_applied",
    "hits_held",
    "configuration_applied",
    "configuration_refused",
    "configuration_reverted",
    "command_executed",
    "command_refused",
    "logged_in",
    "logged_out",
    "login_refused",
    "sudo",
    "logins_missed",
    "technician_session",
    "view_accepted",
    "acceptance",
    "tamper_opened",
    "tamper_closed",
    "door_opened",
    "door_closed",
    "camera_failed",
    "camera_recovered",
    "clock_stepped",
    "key_changed",
    "trusted_keys_changed",
    "trusted_keys_refused",
    "trusted_key_retired",
    "certificate_renewed",
    "identity_elsewhere",
    "chain_forked",
    "receipt_refused",
    "custody_forked",
    "recording_started",
    "recording_ended",
    "recording_refused",
    "recording_deleted",
    "decommissioned",
    "outbox_set_aside",
    "update_ordered",
    "update_failed",
    "records_dropped",
    "records_lost",
)
"""What the audit trail of a post tells of."""


class Audit(RecordData):
    """An event of the audit trail: what, when, where, source, outcome, identity. Never a plate in clear."""

    action: Slug = Field(
        description=f"What happened: {', '.join(f'`{action}`' for action in ACTIONS)}; others may follow."
    )
    occurred: UtcTime = Field(description="When it happened.")
    where: str = Field(min_length=1, max_length=120, description="Where: the post, or the part of it.")
    source: str = Field(
        min_length=1, max_length=120, description="Where it came from: a module, a topic, an address, a console."
    )
    outcome: Outcome = Field(description="How it ended.")
    identity: str = Field(
        min_length=1, max_length=120, description="Who did it: the post's own name, a technician, an issuer."
    )
    reason: str | None = Field(default=None, max_length=64, description="Why it failed or was refused, a slug.")
    object: str | None = Field(
        default=None,
        max_length=200,
        description="What it was done to: a record's identifier, a version, a file.",
    )
    details: dict[str, JsonValue] = Field(default_factory=dict, description="More, by name; never a plate.")
    dropped: Dropped | None = Field(default=None, description="With `records_dropped` only: what was dropped.")
    lost: Lost | None = Field(default=None, description="With `records_lost` only: what damage to the disk cost.")
    key: KeyChange | None = Field(
        default=None,
        description=(
            "With `key_changed` only: the new signing key. Signed by the former key, it vouches for the new one; with "
            "outcome `failure` the former key was missing, and only the department can vouch."
        ),
    )
