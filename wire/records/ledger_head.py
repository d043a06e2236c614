"""The end of a custodian's ledger: the payload of a signed statement that anybody may keep against a cut tail."""

from typing import Annotated

from pydantic import Field

from platepost.wire.records.base import Digest, UtcTime, WireModel
from platepost.wire.records.receipt import ClientName, Sequence

LEDGER_HEAD_TYPE = "platepost-ledger-head+jws"
"""The JWS header's `typ`, so that nothing else signed with the same key is taken for an end."""


class LedgerHead(WireModel):
    """The payload of an end of the ledger: a compact JWS, ES256, by the custodian's own key.

    It names no person, no case and no plate. Anyone who keeps it can tell later that the ledger was cut or remade.
    """

    agency: ClientName = Field(description="Whose ledger it is.")
    custodian: ClientName = Field(description="Who keeps it: the common name of its certificate.")
    number: Sequence = Field(description="Number of the last entry.")
    digest: Digest = Field(description="Digest of the last entry: it binds all entries before it.")
    time: Annotated[UtcTime, Field(description="When it was signed, by the custodian's clock.")]
