"""The database is killed between an intent and what was shown: nothing is shown, and both verifiers name it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import KEEPER
from platepost.department.ledger import verify
from platepost.department.ledger.chain import GENESIS, LedgerLine, digest_of_line
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.export import ledger_lines
from platepost.department.ledger.verify import verify_ledger
from tests.department.ledger.asked import ASKED
from tests.department.ledger.conftest import Connect
from tests.department.ledger.test_second_verifier import run_example


def earlier(lines: list[dict[str, Any]], number: int, by: timedelta) -> list[dict[str, Any]]:
    """Return entries of which one was made earlier, chained again."""
    created, previous = [], GENESIS
    for fields in lines:
        line = LedgerLine(
            fields["number"],
            UUID(fields["entry"]),
            datetime.fromisoformat(fields["at"]) - (by if fields["number"] == number else timedelta()),
            fields["event"],
            fields["class"],
            UUID(fields["refers_to"]) if fields["refers_to"] else None,
            fields["commitments"],
            previous,
            b"",
        )
        line = replace(line, digest=digest_of_line(line))
        at = line.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        created.append(fields | {"at": at, "previous": previous.hex(), "digest": line.digest.hex()})
        previous = line.digest
    return created


def test_between_intent_and_result(
    connect: Connect, cluster: PrivateCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cluster of the tests commits without waiting for the disk: the intent is there because it was waited for."""
    with connect(SUPERUSER) as superuser:
        superuser.autocommit = True
        superuser.execute("CHECKPOINT")  # what the tests before have done need not be recovered
    open_entry(**ASKED).shown()
    entry = open_entry(**ASKED)
    entry.fetched(records=[7])
    cluster.kill()
    try:
        with pytest.raises(LedgerError, match="cannot be written"):
            entry.shown()
    finally:
        connection.close()
        cluster.start()
    open_entry(**ASKED).shown()
    with connect(KEEPER) as keeper:
        verdict = verify_ledger(keeper)
        assert (verdict.entries, verdict.problems, verdict.unanswered) == (5, [], [])
        monkeypatch.setattr(verify, "OPEN_FOR", timedelta(0))
        assert verify_ledger(keeper).unanswered == [3]
        exported = [json.loads(line) for line in ledger_lines(keeper, bodies=False)]
    path = tmp_path / "ledger.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in earlier(exported, 3, timedelta(hours=1))), "utf-8")
    # The entry was moved back by an hour, behind the one before: that is reported, too.
    assert run_example(path) == {(3, "time"), (3, "unanswered")}
