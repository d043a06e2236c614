"""The last checkpoint for anyone who asks the public page, and the proof that it adds to the one that they know."""

import json
from base64 import urlsafe_b64decode
from typing import Any

from psycopg import Connection

from platepost.department.ledger.tree import ENTRIES, RECORDS, MerkleLog

PAGE = "public page"
"""Its name among the destinations of checkpoints."""


def published_checkpoint(connection: Connection[Any], since: tuple[int, int] | None = None) -> bytes | None:
    """Return the last checkpoint as JSON: `head`, and in `since` the two proofs; None before the first.

    Args:
        connection: of the public page's role.
        since: how many entries and records the checkpoint had that the asker knows.

    Raises:
        psycopg.Error: the database does not answer.

    """
    sent = connection.execute("SELECT head FROM ledger_sent WHERE destination = %s", [PAGE]).fetchone()
    if sent is None or sent[0] is None:
        return None
    fields: dict[str, Any] = {"head": sent[0]}
    content = json.loads(urlsafe_b64decode(sent[0].split(".")[1] + "=="))
    if since is not None:
        proofs = {}
        for name, tree, old, new in (
            ("proof", ENTRIES, since[0], content["number"]),
            ("records_proof", RECORDS, since[1], content["records"]),
        ):
            try:
                proofs[name] = [node.hex() for node in MerkleLog(connection, tree).proof(old, new)]
            except LookupError:  # what is damaged proves nothing
                proofs[name] = []
        fields["since"] = proofs
    return json.dumps(fields).encode("ascii")
