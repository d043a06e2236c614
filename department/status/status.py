"""What the department keeps, as the status page and `platepost department status` say it.

Nothing here needs a purpose: no plate, no passage, no person. Nothing of a covert chain is counted.
"""

import json
import shutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from platepost.department.alerts.alerts import unanswered
from platepost.department.alerts.liveness import SYNTHETIC_LATE
from platepost.department.alerts.quality import stale_sources, worse_posts
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.errors import PictureStoreError
from platepost.department.custody.holding import Span
from platepost.department.custody.receipt_log import LostRange, ReceiptState
from platepost.department.custody.tables import KEEPERS
from platepost.department.database.queries import rows
from platepost.department.folder import nearest
from platepost.department.status.nightly import RestoreTest, nightly_problems, read_report
from platepost.wire.verify.chains import merged

_SIZE_AND_BACKUP = (
    "SELECT pg_database_size(current_database()), (SELECT max(made_at) FROM archive_backup WHERE removed_at IS NULL)"
)
_MOST_GAPS = 20
"""Gaps of one chain that are named, the newest."""


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """What is held of one chain."""

    chain: str
    first: int
    last: int
    kept: int
    gaps: tuple[Span, ...]
    """First and last of numbers that are neither held nor given up by the post, ascending."""
    missing: int
    """How many numbers that are, those of gaps that are not named too."""
    dropped: int
    forks: tuple[int, ...]
    """Numbers of which the post made two records."""


@dataclass(frozen=True, slots=True)
class PostStatus:
    """What is kept of one post."""

    post: str
    kept: int
    """All genuine records."""
    types: dict[str, int]
    """Genuine records by type."""
    odd: dict[str, int]
    """Records of each other verdict, and `duplicate` for those that came again."""
    last_kept: datetime | None
    """When the last genuine record was kept."""
    missing: int
    """Numbers of all its chains that are missing."""
    chains: tuple[ChainStatus, ...]
    synthetic_kept: datetime | None
    """When the last synthetic hit that is here was made."""
    synthetic_every: float | None
    """How often the post says that it makes one, in seconds; None where it makes none."""
    synthetic_late: bool
    """Whether one should have come by now."""
    rejects_rose: bool
    """Whether far more of its hits were rejected lately than before."""

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """Genuine records by type, for people: `platepost.hit.withdrawn.v1` is `hit withdrawn`."""
        return [(" ".join(name.split(".")[1:-1]) or name, count) for name, count in self.types.items()]


@dataclass(frozen=True, slots=True)
class CustodyStatus:
    """What is kept, and whether more of it comes."""

    at: datetime
    last_kept: datetime | None
    """When the last genuine record of any post was kept."""
    posts: tuple[PostStatus, ...]
    keepers: tuple[str, ...]
    """Each keeper that is connected to the database now, with its version."""
    database_bytes: int
    disks: dict[str, dict[str, int]]
    """`free` bytes and `size` of the disk of each folder."""
    receipted_not_held: tuple[LostRange, ...] = ()
    """What was not held when a keeper started, though receipted: incidents, of chains that are shown."""
    nightly: dict[str, str] = field(default_factory=dict)
    """What is wrong with the nightly work, by step."""
    stale_sources: tuple[str, ...] = ()
    """Sources of hot lists too many of whose entries no longer held when they made a hit."""
    unanswered: int = 0
    """Hits that no one has taken in time; of covert groups none."""
    unanswered_since: datetime | None = None
    """When the oldest of them arrived."""
    pictures: str | None = None
    """What is wrong with the bucket of pictures; None if nothing, or if there is none."""
    backup_made: datetime | None = None
    """When the newest backup was made; of a server of the department's own nothing is known."""
    restore_test: RestoreTest | None = None
    """The last trial of a restore, as `nightly` knows it; None before the first."""

    def wire(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        fields: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_stamp))
        return fields


def custody_status(
    folders: dict[str, Path],
    *,
    receipts: Path | None = None,
    nightly: Path | None = None,
    bucket: PictureBucket | None = None,
    at: datetime | None = None,
) -> CustodyStatus:
    """Return what is kept now, by what the web role may see.

    Args:
        folders: those whose disks matter, by what they hold.
        receipts: the log of receipts, which knows of incidents.
        nightly: the file in which `nightly` reports.
        bucket: where pictures are stored that are not in the database.
        at: the time; now if None.

    Raises:
        CustodyError: the log of receipts is damaged.
        django.db.Error: the database does not answer.

    """
    at = at or datetime.now(UTC)
    posts = _post_statuses(at)
    keepers = tuple(name for name, *_ in rows(KEEPERS))
    ((size, backup_made),) = rows(_SIZE_AND_BACKUP)
    usage = {name: shutil.disk_usage(nearest(folder)) for name, folder in folders.items()}
    disks = {name: {"free": disk.free, "size": disk.total} for name, disk in usage.items()}
    # One that is not shown may be covert, also where nothing is held of it.
    shown = {(post.post, chain.chain) for post in posts for chain in post.chains}
    lost = tuple(gap for gap in ReceiptState(receipts).incidents if (gap.post, gap.chain) in shown) if receipts else ()
    wrong = nightly_problems(nightly, at) if nightly else {}
    stale = tuple(sorted(stale_sources(at)))
    late, late_since = unanswered(at)
    report = read_report(nightly) if nightly else None
    return CustodyStatus(
        at,
        last_kept=max((post.last_kept for post in posts if post.last_kept), default=None),
        posts=posts,
        keepers=keepers,
        database_bytes=size,
        disks=disks,
        receipted_not_held=lost,
        nightly=wrong,
        stale_sources=stale,
        unanswered=late,
        unanswered_since=late_since,
        pictures=_wrong_with(bucket),
        backup_made=backup_made,
        restore_test=report.restore if report else None,
    )


def _post_statuses(at: datetime) -> tuple[PostStatus, ...]:
    types: dict[str, dict[str, int]] = {}
    odd: dict[str, dict[str, int]] = {}
    last: dict[str, datetime] = {}
    tallies = (
        "SELECT post, verdict = 'genuine', CASE verdict WHEN 'genuine' THEN type ELSE verdict END AS name,"
        " sum(count)::bigint, max(last_kept_at) FROM custody_tally"
        " WHERE covert_group IS NULL GROUP BY post, verdict, name ORDER BY post, name"
    )
    for post, genuine, name, count, kept_at in rows(tallies):
        (types if genuine else odd).setdefault(post, {})[name] = count
        if genuine:
            last[post] = max(kept_at, last.get(post, kept_at))
    chains: dict[str, list[ChainStatus]] = {}
    held = (
        "SELECT post, chain, runs, unproven, dropped, forks FROM custody_holding"
        " WHERE covert_group IS NULL ORDER BY post, chain"
    )
    for post, chain, *members in rows(held):
        runs, unproven, dropped, forks = map(json.loads, members)  # as text: Django leaves JSON to its models
        chains.setdefault(post, []).append(_chain(chain, [*runs, *unproven], dropped, forks))
    says = (
        "SELECT DISTINCT ON (post) post, synthetic_every_minutes FROM custody_status"
        " WHERE covert_group IS NULL AND class = 'log' AND retained_from > %s - interval '31 days'"
        " AND post NOT IN (SELECT gone.post FROM custody_decommissioned() AS gone) ORDER BY post, at DESC"
    )
    every = dict(rows(says, [at]))
    test_hits = dict(rows("SELECT post, captured_at FROM custody_synthetic_kept()"))
    worse, posts = worse_posts(at), []
    for post in sorted({*types, *odd, *chains}):
        seconds = every[post] * 60 if every.get(post) else None
        last_test = test_hits.get(post)
        late = seconds is not None and (
            last_test is None or (at - last_test).total_seconds() > SYNTHETIC_LATE * seconds
        )
        posts.append(
            PostStatus(
                post=post,
                kept=sum(types.get(post, {}).values()),
                types=types.get(post, {}),
                odd=odd.get(post, {}),
                last_kept=last.get(post),
                missing=sum(chain.missing for chain in chains.get(post, ())),
                chains=tuple(chains.get(post, ())),
                synthetic_kept=last_test,
                synthetic_every=seconds,
                synthetic_late=late,
                rejects_rose=post in worse,
            )
        )
    return tuple(posts)


def _wrong_with(bucket: PictureBucket | None) -> str | None:
    try:
        if bucket is not None:
            bucket.check()
    except PictureStoreError as error:
        return str(error)
    return None


def _chain(chain: str, runs: list[list[Any]], dropped: list[Span], forks: list[tuple[int, str]]) -> ChainStatus:
    spans = merged((first, last) for first, last, *_ in runs)
    known = merged([*spans, *((first, last) for first, last in dropped)])
    gaps = [(before[1] + 1, after[0] - 1) for before, after in pairwise(known)]
    stored = sum(last - first + 1 for first, last in spans)
    return ChainStatus(
        chain,
        first=spans[0][0] if spans else 0,
        last=spans[-1][1] if spans else 0,
        kept=stored,
        gaps=tuple(gaps[-_MOST_GAPS:]),
        missing=sum(last - first + 1 for first, last in gaps),
        dropped=sum(last - first + 1 for first, last in known) - stored,
        forks=tuple(sorted({number for number, _ in forks})),
    )


def _stamp(value: datetime | RestoreTest) -> object:
    if isinstance(value, RestoreTest):
        return value.model_dump(mode="json")
    return value.astimezone(UTC).isoformat(timespec="milliseconds")
