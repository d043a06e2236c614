"""What someone asks for in tests, and an intent as someone makes it by hand."""

import json
from datetime import UTC, datetime
from typing import Any

from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.policy.policy import AccessPurpose
from platepost.wire.records.ledger_head import LedgerHead
from platepost.wire.verify.noted_heads import NotedHead

PURPOSE = AccessPurpose("stolen vehicle", "26-00417")
ASKED: dict[str, Any] = {
    "person": "a.rivera",
    "agency": "springfield",
    "purpose": PURPOSE,
    "query": {"plate": "TEST123", "until": "2026-03-02"},
}
"""Arguments of `open_entry`."""


def handmade(**more: object) -> str:
    """Return the fields of an intent as JSON, for `ledger_append`."""
    fields: dict[str, Any] = dict.fromkeys(LedgerEvent.INTENT.kind.required)
    known = {"person": "a.rivera", "agency": "springfield", "purpose": "patrol", "query": {}, "groups": []}
    return json.dumps(fields | known | {"exigent": False, "policy": "00" * 32} | more)


def checkpoint(head: NotedHead, *, agency: str = "springfield", custodian: str = "records", **more: Any) -> LedgerHead:
    """Return a checkpoint without records, the root of which is the digest: its tree proves nothing."""
    now = datetime.now(UTC)
    fields = {"number": head.sequence, "digest": head.digest, "root": head.digest, "records": 0, "previous": (0, 0)}
    proofs = {"records_root": "00" * 32, "proof": (), "records_proof": ()}
    return LedgerHead(agency=agency, custodian=custodian, time=now, entered=now, **{**fields, **proofs, **more})
