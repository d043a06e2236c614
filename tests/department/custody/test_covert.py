"""Anyone who is outside of a covert group cannot tell its hits from none, in anything that the database shows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from platepost.department.custody.messages import ReceivedMessage
from platepost.department.database.roles import AUDITOR, WEB
from platepost.department.ledger.entries import open_entry
from platepost.department.policy.policy import AccessPurpose
from platepost.wire.records import Envelope
from tests.department.custody.conftest import Open
from tests.department.custody.posts import COVERT, GROUP, Post, changed, deliveries

Connect = Callable[[str], psycopg.Connection]


def shown(connection: psycopg.Connection) -> dict[str, Any]:
    """Return all rows of all tables of custody that a role may select."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relname LIKE 'custody%' AND relkind IN ('p', 'r', 'v')"
        " AND NOT relispartition AND has_table_privilege(oid, 'SELECT')"
    ).fetchall()
    return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for (table,) in tables}


def seen(connect: Connect, entry: UUID) -> list[dict[str, Any]]:
    """Return what an outsider sees: without an entry, with an open one of another group, and as an auditor."""
    with connect(WEB) as web, connect(AUDITOR) as auditor:
        without = shown(web)
        # Every record there is, whoever guesses its number.
        web.execute("SELECT custody_cover_records(%s, ARRAY(SELECT generate_series(1, 20000)))", [entry])
        web.commit()
        web.execute("SELECT set_config('platepost.entry', %s, false)", [str(entry)])
        auditor.execute("SELECT set_config('platepost.entry', %s, false)", [str(entry)])
        return [without, shown(web), shown(auditor)]


def further(post: Post) -> Envelope:
    """Return the group's next record; the store that forgets has no name for its chain."""
    post.store.covert[GROUP] = replace(post.store.covert[GROUP], chain=COVERT.chain)
    return post.hit(GROUP)


@pytest.mark.parametrize(
    "covert",
    [
        lambda hit, _: deliveries(hit),
        lambda hit, _: deliveries(hit, hit),
        lambda hit, post: deliveries(hit, further(post)),
        lambda _, post: deliveries(further(post)),
        lambda hit, _: [changed(hit, subject="forged")],
        lambda hit, post: deliveries(hit, post.enemy().hit(GROUP)),
        lambda hit, _: [ReceivedMessage(hit.topic, b"unreadable")],
    ],
    ids=["one", "twice", "two", "the second alone", "forged", "foreign", "unreadable"],
)
def test_outsider_sees_the_same_with_and_without(
    connect: Connect, opened: Open, covert: Callable[[Envelope, Post], list[ReceivedMessage]]
) -> None:
    post, store = Post(), opened()
    store.keep(deliveries(*post.record(2), post.read(), post.hit(), post.withdrawal()))
    asked: dict[str, Any] = {"person": "a", "agency": "b", "purpose": AccessPurpose("patrol"), "query": {}}
    outside = open_entry(**asked, groups=["homicide"]).entry
    before = seen(connect, outside)
    assert [len(tables) for tables in before] == [16, 16, 2]
    store.keep(covert(post.hit(GROUP), post))
    assert seen(connect, outside) == before
    inside = seen(connect, open_entry(**asked, groups=[GROUP]).entry)
    assert inside != before, "the group itself sees it"


def test_group_sees_its_own_chain(connect: Connect, opened: Open) -> None:
    opened().keep(deliveries(Post().hit(GROUP)))
    entry = open_entry(person="a", agency="b", purpose=AccessPurpose("patrol"), query={}, groups=[GROUP]).entry
    (_, web, _) = seen(connect, entry)
    assert [row[:3] for row in web["custody_holding"]] == [(*COVERT, GROUP)]
    assert len(web["custody_hit"]) == 1
