"""Rows of custody's bookkeeping, as the keeper leaves them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.department.planting import RECORD

NOW = datetime.now(UTC).replace(microsecond=0)
CHAIN = "01890a5d-ac96-774b-bcce-b302099a8057"
COVERT_CHAIN = "01890a5d-ac96-774b-bcce-b302099a8058"


def put(execute: Callable[..., object]) -> None:
    """Put in one post with a gap, a fork, odd records and a synthetic hit, and another with nothing wrong."""
    tally(execute, "post-1", kind="read", verdict="genuine", count=7, at=NOW - timedelta(minutes=5))
    tally(execute, "post-1", kind="hit", verdict="genuine", count=2, at=NOW - timedelta(minutes=4))
    tally(execute, "post-1", kind="read", verdict="forged", count=1, at=NOW - timedelta(minutes=3))
    tally(execute, "post-1", kind="hit", verdict="forged", count=2, at=NOW - timedelta(minutes=2))
    tally(execute, "post-1", kind="read", verdict="duplicate", count=3, at=NOW)
    tally(execute, "post-2", kind="read", verdict="genuine", count=1, at=NOW - timedelta(days=2))
    holding(execute, "post-1", CHAIN, [(1, 4), (7, 10)], dropped=[(5, 5)], forks=[(9, "00")])
    holding(execute, "post-2", CHAIN, [(1, 1)])
    execute("SELECT custody_make_partitions(%s, %s)", [(NOW - timedelta(days=1)).date(), NOW.date()])
    synthetic(execute, "post-1", NOW - timedelta(minutes=30))
    status(execute, "post-1", 60)
    status(execute, "post-2", 60)


def put_covert(execute: Callable[..., object]) -> None:
    """Put in what belongs to a covert group, some of it of a post that has nothing else."""
    for post in ("post-1", "post-3"):
        tally(execute, post, kind="hit", verdict="genuine", count=100, at=NOW, group="narcotics")
        holding(execute, post, COVERT_CHAIN, [(1, 50), (60, 100)], group="narcotics")
    synthetic(execute, "post-1", NOW, group="narcotics")


def tally(
    execute: Callable[..., object],
    post: str,
    *,
    kind: str,
    verdict: str,
    count: int,
    at: datetime,
    group: str | None = None,
) -> None:
    row = [post, at.date(), kind, verdict, group, count, at]
    execute("INSERT INTO custody_tally VALUES (%s, %s, %s, %s, %s, %s, %s)", row)


def holding(
    execute: Callable[..., object],
    post: str,
    chain: str,
    runs: list[tuple[int, int]],
    *,
    dropped: list[tuple[int, int]] | None = None,
    forks: list[tuple[int, str]] | None = None,
    group: str | None = None,
) -> None:
    spans = [[first, last, "00", "00"] for first, last in runs]
    row = [post, chain, group, *map(json.dumps, (spans, [], dropped or [], forks or []))]
    execute(
        "INSERT INTO custody_holding (post, chain, covert_group, runs, unproven, dropped, forks)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        row,
    )


def synthetic(execute: Callable[..., object], post: str, at: datetime, *, group: str | None = None) -> None:
    execute(RECORD, ["hit", at, post, "platepost.hit.v1"])
    execute(
        "INSERT INTO custody_hit (record_id, class, retained_from, post, covert_group, hit, passage, captured_at,"
        " plate_read, plate_key, plate_fold, plate_matched, match, category, priority, hotlist_stale, synthetic, held,"
        " state_agreement) VALUES (currval('custody_record_id'), 'hit', %s, %s, %s, 'h', 'p', %s, 'TEST', 'TEST',"
        " 'TEST', 'TEST', 'exact', 'test', 1, false, true, false, 'none')",
        [at, post, group, at],
    )


def status(execute: Callable[..., object], post: str, every_minutes: float) -> None:
    execute(RECORD, ["log", NOW, post, "platepost.status.v1"])
    execute(
        "INSERT INTO custody_status (record_id, class, retained_from, post, at, state, since, reasons, software,"
        " synthetic_every_minutes) VALUES (currval('custody_record_id'), 'log', %s, %s, %s, 'ok', %s, '{}', '0', %s)",
        [NOW, post, NOW, NOW, every_minutes],
    )
