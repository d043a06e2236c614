"""How often hits turn out to be none, and why: by post, source and category of the list, and misread characters.

Each rate has its 95 % interval by Wilson: of few hits nothing follows. Nothing of covert groups is counted. A hit whose
entry left the list afterwards, as that of a car that was recovered does, counts as what it had come to.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from platepost.department.alerts.states import RejectReason
from platepost.department.database.queries import rows

Z = 1.959964
"""Of the normal distribution, for 95 %."""
RECENT = timedelta(days=7)
"""The time of which a post's rejections are held against those before."""
BEFORE = timedelta(days=90)
FEWEST = 5
"""Rejections below which no post is a fault, and no source is stale."""
STALE = 0.1
"""A source is stale where its entries no longer held in more than this share of its hits."""
UNKNOWN = "not known"
"""The source of an entry that stands in none: no import has this name, as theirs have no space."""
_DECIDED = """
SELECT alert.post, alert.category, alert.reject_reason, coalesce(step.pairs, '{}'), alert.list_sources, count(*)
FROM alerts_alert AS alert
LEFT JOIN LATERAL (
    SELECT pairs FROM alerts_step AS own WHERE own.record_id = alert.record_id AND own.step = 'reject'
    AND alert.reject_reason IS NOT NULL ORDER BY revision DESC LIMIT 1
) AS step ON true
WHERE alert.covert_group IS NULL AND alert.captured_at >= %s AND alert.captured_at < %s
AND (alert.reject_reason IS NOT NULL OR CASE
    WHEN alert.withdrawn_because = 'entry_removed' THEN alert.withdrawn_from ELSE alert.state
END IN ('confirmed', 'actionable', 'closed'))
GROUP BY 1, 2, 3, 4, 5
"""


@dataclass(frozen=True, slots=True)
class RejectRate:
    """How many of the decided hits were rejected."""

    rejected: int
    decided: int
    low: float
    """Of the interval in which the rate lies."""
    high: float

    @property
    def low_percent(self) -> str:
        """`low`, for people."""
        return f"{self.low * 100:.1f}"

    @property
    def high_percent(self) -> str:
        """`high`, for people."""
        return f"{self.high * 100:.1f}"


@dataclass(frozen=True, slots=True)
class HitQuality:
    """What was decided in a time."""

    since: datetime
    until: datetime
    reasons: dict[str, RejectRate]
    """All hits, by reason."""
    posts: dict[str, dict[str, RejectRate]]
    """By post and reason; `all` is for any reason."""
    categories: dict[str, dict[str, RejectRate]]
    """By the list's category and reason."""
    sources: dict[str, dict[str, RejectRate]]
    """By source of the entry and reason, `misread` and `stale_entry` always among them: an import's name, `own entries`
    of the department's people, or `UNKNOWN`. What two sources list counts for both."""
    pairs: dict[str, RejectRate]
    """By what was read and what it was: `D0`."""

    def wire(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        return asdict(self) | {"since": self.since.isoformat(), "until": self.until.isoformat()}


def reject_rate(rejected: int, decided: int) -> RejectRate:
    """Return a rate with its interval; from 0 to 1 of nothing."""
    if not decided:
        return RejectRate(0, 0, 0.0, 1.0)
    share, spread = rejected / decided, Z * Z / decided
    middle = share + spread / 2
    half = Z * math.sqrt(share * (1 - share) / decided + spread / (4 * decided))
    low, high = ((middle + side * half) / (1 + spread) for side in (-1, 1))
    return RejectRate(rejected, decided, round(max(low, 0.0), 4), round(min(high, 1.0), 4))


def hit_quality(since: datetime, until: datetime) -> HitQuality:
    """Return what was decided about the hits that were captured in a time."""
    decided = rows(_DECIDED, [since, until])
    pairs: Counter[str] = Counter()
    for _, _, _, pairs_found, _, count in decided:
        pairs.update(dict.fromkeys(pairs_found, count))
    every = sum(count for *_, count in decided)
    return HitQuality(
        since,
        until,
        reasons=_by_reason((reason, count) for _, _, reason, *_, count in decided),
        posts=_grouped((post, reason, count) for post, _, reason, *_, count in decided),
        categories=_grouped((category, reason, count) for _, category, reason, *_, count in decided),
        sources=_grouped(
            ((source, reason, count) for _, _, reason, _, named, count in decided for source in named or [UNKNOWN]),
            always=(RejectReason.MISREAD, RejectReason.STALE_ENTRY),
        ),
        pairs={pair: reject_rate(count, every) for pair, count in pairs.most_common()},
    )


def worse_posts(at: datetime | None = None) -> dict[str, RejectRate]:
    """Return the posts of which far more hits were rejected lately than before, or than at all posts: look at them.

    The interval of the last seven days lies above that of the 90 days before.
    """
    at = at or datetime.now(UTC)
    lately = hit_quality(at - RECENT, at).posts
    before = hit_quality(at - RECENT - BEFORE, at - RECENT)
    everywhere = _all(rates["all"] for rates in before.posts.values())
    worse = {}
    for post, rates in lately.items():
        own = before.posts.get(post, {}).get("all")
        usual = own if own is not None and own.decided >= FEWEST else everywhere
        if rates["all"].rejected >= FEWEST and rates["all"].low > usual.high:
            worse[post] = rates["all"]
    return worse


def stale_sources(at: datetime | None = None) -> dict[str, RejectRate]:
    """Return the sources of whose hits in 90 days too many were of entries that no longer held: ask them for news.

    The whole interval lies above `STALE`.
    """
    at = at or datetime.now(UTC)
    stale = {name: rates["stale_entry"] for name, rates in hit_quality(at - BEFORE, at).sources.items()}
    return {
        name: rate for name, rate in stale.items() if name != UNKNOWN and rate.rejected >= FEWEST and rate.low > STALE
    }


def _grouped(
    counted: Iterable[tuple[str, str | None, int]], always: Collection[RejectReason] = ()
) -> dict[str, dict[str, RejectRate]]:
    named: dict[str, list[tuple[str | None, int]]] = {}
    for name, reason, count in counted:
        named.setdefault(name, []).append((reason, count))
    return {name: _by_reason(counts, always) for name, counts in sorted(named.items())}


def _by_reason(
    counted: Iterable[tuple[str | None, int]], always: Collection[RejectReason] = ()
) -> dict[str, RejectRate]:
    counts: Counter[str | None] = Counter()
    for reason, count in counted:
        counts[reason] += count
    decided, rejected = counts.total(), counts.total() - counts[None]
    named = [reason for reason in RejectReason if counts[reason.value] or reason in always]
    rates = {reason.value: reject_rate(counts[reason.value], decided) for reason in named}
    return {"all": reject_rate(rejected, decided), **rates}


def _all(rates: Iterable[RejectRate]) -> RejectRate:
    known = list(rates)
    return reject_rate(sum(rate.rejected for rate in known), sum(rate.decided for rate in known))
