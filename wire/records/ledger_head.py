"""A checkpoint: the payload of a signed statement of how far a custodian's access log and its records have come."""

from typing import Annotated

from pydantic import Field

from platepost.wire.monitor import HEAD_TYPE
from platepost.wire.records.base import Digest, UtcTime, WireModel
from platepost.wire.records.receipt import ClientName, Sequence

LEDGER_HEAD_TYPE = HEAD_TYPE
"""The JWS header's `typ`, so that nothing else signed with the same key is taken for a checkpoint."""
Size = Annotated[int, Field(ge=0, le=2**53)]
Proof = Annotated[tuple[Digest, ...], Field(max_length=128)]


class LedgerHead(WireModel):
    """The payload of a checkpoint: a compact JWS, ES256, by the custodian's own key.

    It names no person, no case and no plate. Anyone who keeps it can tell later whether the log or the records were cut
    or remade: the roots are those of Merkle trees as RFC 6962 has them, and two proofs show that each tree begins with
    that of the checkpoint before.
    """

    agency: ClientName = Field(description="Whose access log it is.")
    custodian: ClientName = Field(description="Who keeps it: the common name of its certificate.")
    number: Sequence = Field(description="Number of the last entry: how many there are.")
    digest: Digest = Field(description="Digest of the last entry: it binds all entries before it.")
    time: Annotated[UtcTime, Field(description="When it was signed, by the custodian's clock.")]
    entered: Annotated[UtcTime, Field(description="When the last entry was made, by the database's clock.")]
    root: Digest = Field(description="Root of the Merkle tree over the digests of the entries, in their order.")
    records: Size = Field(description="How many records were kept, except those of covert groups; purged ones count.")
    records_root: Digest = Field(
        description="Root of the Merkle tree over their digests, in the order of their coming."
    )
    previous: tuple[Size, Size] = Field(description="Entries and records of the checkpoint before; zeros if none.")
    proof: Proof = Field(description="That the tree of entries begins with the one before (RFC 6962, section 2.1.2).")
    records_proof: Proof = Field(description="The same of the tree of records.")
    problems: tuple[Annotated[str, Field(max_length=200)], ...] = Field(
        default=(), max_length=32, description="What the custodian finds wrong with its own database, by kind."
    )
