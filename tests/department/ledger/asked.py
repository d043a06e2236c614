"""What somebody asks for in tests, and an intent as somebody makes it by hand."""

import json
from typing import Any

from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.policy.policy import AccessPurpose

PURPOSE = AccessPurpose("stolen vehicle", "26-00417")
ASKED: dict[str, Any] = {
    "person": "a.rivera",
    "agency": "springfield",
    "purpose": PURPOSE,
    "query": {"plate": "TEST123", "until": "2026-03-02"},
}
"""Arguments of `open_entry`."""


def hand_made(**more: object) -> str:
    """Return the fields of an intent as JSON, for `ledger_append`."""
    said: dict[str, Any] = dict.fromkeys(LedgerEvent.INTENT.kind.carries.split())
    return json.dumps(said | {"person": "a.rivera", "purpose": "patrol", "groups": [], **more})
