"""Who looked at a post itself is in the ledger as soon as the keeper has the post's own record of it."""

from typing import Any

import psycopg

from platepost.department.custody.rebuild import rebuild
from platepost.department.database.roles import KEEPER, OWNER
from platepost.department.ledger.verify import verify_ledger
from platepost.wire.contract.examples import example_audit
from tests.department.custody.conftest import Open, Rows
from tests.department.custody.posts import STRANGER, Post, deliveries

ENTERED = """
SELECT json_object_agg(field, value::json) FROM ledger_entry JOIN ledger_body USING (entry)
WHERE event = 'post_accessed' AND number > %s GROUP BY number ORDER BY number
"""


def test_still_recording_and_session_are_entered_once(opened: Open, rows: Rows, database: str) -> None:
    ((before,),) = rows("SELECT coalesce(max(number), 0) FROM ledger_entry")
    post, stranger = Post(), Post(signer=STRANGER)
    seen = [("command_executed", "still"), ("recording_started", "r1"), ("technician_session", None)]
    created = [post.recorder.record(example_audit(kind, object=target)) for kind, target in (*seen, ("boot", None))]
    store = opened()
    store.keep(deliveries(*created, stranger.recorder.record(example_audit("technician_session"))))
    store.keep(deliveries(*created))

    def entered() -> list[dict[str, Any]]:
        return [fields for (fields,) in rows(ENTERED, before)]

    matches = entered()
    assert [(fields["kind"], fields["object"]) for fields in matches] == seen
    event = created[0].event["data"]
    assert (matches[0]["post"], matches[0]["person"], matches[0]["outcome"]) == ("post-1", event["identity"], "success")
    assert len(rows("DELETE FROM custody_access RETURNING record_id")) == len(seen)
    with psycopg.connect(database, user=OWNER, autocommit=True) as owner:
        assert not rebuild(owner).identical
    assert len(rows("SELECT FROM custody_access")) == len(seen)
    assert entered() == matches, "made again from the records, it is no other access"
    with psycopg.connect(database, user=KEEPER) as keeper:
        assert verify_ledger(keeper).problems == []
