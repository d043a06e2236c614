"""What the public is told: counts of a month, published once, rounded so that none can be worked back.

Counts are disjoint, and no total of them is published: what anyone adds up or subtracts is a function of what each
says by itself.
"""

import json
from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from joserfc.jwk import ECKey

from platepost.department.errors import DepartmentError
from platepost.wire.jose import sign

REPORT_TYPE = "platepost-transparency+jws"
"""The JWS header's `typ`."""
FORMAT = "platepost-transparency-1"
STEP = 5
"""Counts are multiples of it; smaller ones are withheld."""
CORRECTABLE = frozenset({"releases", "audits", "findings", "purges"})
"""Parts of which a later count is the same, unless the first one was wrong."""
PARTS = ("posts", "reads", "hits", "searches", "releases", "audits", "findings", "purges")


def disclosed(cells: Mapping[str, int]) -> dict[str, int | None]:
    """Return counts that belong together as they may be published; None is withheld.

    Each is rounded by itself. What is below 5 and not zero is withheld; a single one takes the smallest of the others
    with it, so that subtraction from the true total leaves a range.
    """
    withheld = {name for name, count in cells.items() if 0 < count < STEP}
    others = sorted((count, name) for name, count in cells.items() if count >= STEP)
    if len(withheld) == 1 and others:
        withheld.add(others[0][1])
    return {name: None if name in withheld else STEP * round(count / STEP) for name, count in sorted(cells.items())}


def month_after(month: date) -> date:
    """Return the first day of the month after that of a day."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def months_due(keeper: psycopg.Connection[Any], last: date) -> list[date]:
    """Return the months, by their first days, from the report before `last` on up to `last`: nights may have failed.

    Where nothing was published before, that is `last` alone.
    """
    ((before,),) = keeper.execute("SELECT max(month) FROM sharing_report WHERE month < %s", [last]).fetchall()
    month, due = month_after(before) if before is not None else last, []
    while month <= last:
        due.append(month)
        month = month_after(month)
    return due


def publish_month(keeper: psycopg.Connection[Any], month: date, key: ECKey, zone: ZoneInfo, **about: str) -> bool:
    """Publish a month's counts, signed; return False where it was published, whatever it said.

    What is counted of purged hits goes once their month is published.

    Args:
        keeper: a connection that may count, and sees no record by it.
        month: the first day of a month that is over.
        key: the custodian's.
        zone: of the department.
        about: what else the report says: `agency`, `contact`.

    Raises:
        DepartmentError: the month is not over.

    """
    since, until = (datetime.combine(day, time(), zone) for day in (month, month_after(month)))
    if until > datetime.now(UTC):
        raise DepartmentError(f"{month:%Y-%m} is not over")
    parts: dict[str, dict[str, int]] = defaultdict(dict)
    for part, name, count in keeper.execute("SELECT * FROM sharing_counts(%s, %s)", [since, until]):
        parts[part][name] = count
    policy = keeper.execute("SELECT digest, hearing FROM sharing_policy ORDER BY at DESC LIMIT 1").fetchone()
    terms = keeper.execute("SELECT class, kept_days FROM archive_term ORDER BY class").fetchall()
    statement = {
        "format": FORMAT,
        "month": f"{month:%Y-%m}",
        "policy": policy and {"sha256": policy[0], "hearing": policy[1].isoformat()},
        "kept_days": dict(terms),
        "counts": {part: disclosed(parts[part]) for part in PARTS},
        **about,
    }
    signed = sign(json.dumps(statement, sort_keys=True).encode(), key, typ=REPORT_TYPE, kid=key.thumbprint())
    row = [month, signed.decode(), key.as_pem(private=False).decode()]
    done = keeper.execute(
        "INSERT INTO sharing_report (month, signed, key) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", row
    )
    # Hits of such months are purged for years: what is counted of them no report needs.
    keeper.execute("SELECT sharing_forget_counted(%s)", [zone.key])
    return done.rowcount == 1


def correct_month(
    keeper: psycopg.Connection[Any], month: date, key: ECKey, zone: ZoneInfo, *, parts: Collection[str], because: str
) -> bool:
    """Publish a correction of parts of a month's report, signed; return False where they are right as published.

    The report stays. Only parts about the department's own work can be corrected: of reads, hits and searches a later
    count would tell what came or went since.

    Raises:
        DepartmentError: the month was not published, or a part cannot be corrected.

    """
    if wrong := {*parts} - CORRECTABLE:
        raise DepartmentError(
            f"can't be corrected: {', '.join(sorted(wrong))}; choose of {', '.join(sorted(CORRECTABLE))}"
        )
    earlier = keeper.execute(
        "SELECT signed FROM sharing_report WHERE month = %s UNION ALL"
        " (SELECT signed FROM sharing_correction WHERE month = %s ORDER BY number)",
        [month, month],
    ).fetchall()
    if not earlier:
        raise DepartmentError(f"{month:%Y-%m} was not published")
    published: dict[str, Any] = {}
    for (signed,) in earlier:
        published |= payload_of(signed)["counts"]
    since, until = (datetime.combine(day, time(), zone) for day in (month, month_after(month)))
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    for part, name, count in keeper.execute("SELECT * FROM sharing_counts(%s, %s)", [since, until]):
        counted[part][name] = count
    counts = {part: disclosed(counted[part]) for part in sorted(parts)}
    changed = {part: cells for part, cells in counts.items() if cells != published[part]}
    if not changed:
        return False
    statement = {
        "format": FORMAT,
        "month": f"{month:%Y-%m}",
        "agency": payload_of(earlier[0][0])["agency"],
        "corrects": sha256(earlier[0][0].encode()).hexdigest(),
        "correction": len(earlier),
        "because": because,
        "counts": changed,
    }
    signed = sign(json.dumps(statement, sort_keys=True).encode(), key, typ=REPORT_TYPE, kid=key.thumbprint()).decode()
    row = [month, len(earlier), signed, key.as_pem(private=False).decode()]
    keeper.execute("INSERT INTO sharing_correction (month, number, signed, key) VALUES (%s, %s, %s, %s)", row)
    return True


def payload_of(signed: str) -> dict[str, Any]:
    """Return what a signed report states. The signature is for others to verify: the database has it from here."""
    statement: dict[str, Any] = json.loads(urlsafe_b64decode(signed.split(".")[1] + "=="))
    return statement
