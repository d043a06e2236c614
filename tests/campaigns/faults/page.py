"""The outcome of a campaign as Markdown, for docs/reliability.md."""

from collections.abc import Iterator

from tests.campaigns.faults import cluster, week, whole
from tests.campaigns.faults.catalogue import CATALOGUE
from tests.campaigns.faults.result import CampaignResult, KindTotals, seconds

DESCRIPTIONS: dict[str, tuple[str, str]] = {
    **{kind.name: (kind.what, kind.heals) for kind in CATALOGUE},
    week.NAME: (week.WHAT, week.HEALS),
    week.DAILY: ("kill -9 of the post in that week", "the post is started again"),
    whole.NAME: (whole.WHAT, whole.HEALS),
    **dict.fromkeys(cluster.NAMES.values(), (cluster.WHAT, cluster.HEALS)),
}
"""What is done, and what ends it, by the name of every kind of fault."""


def as_markdown(result: CampaignResult) -> str:
    """Return both tables: the records, and the faults in the order of their description."""
    return "\n".join([*_records(result), "", *_faults(result)]) + "\n"


def _records(result: CampaignResult) -> Iterator[str]:
    yield "| | |"
    yield "|---|---:|"
    figures = {
        f"faults inflicted, in {result.seconds:.0f} s (seed {result.seed})": len(result.injected),
        "records that the outbox had confirmed": result.total("stored"),
        "different records that arrived": result.total("delivered"),
        "arrivals of a record that had arrived already, same content": result.total("repeats"),
        "reads given up by the quota, each named in the audit": result.total("given_up"),
        "records on damaged pages, named in the audit": result.total("damaged"),
        "**records lost**": result.total("lost"),
        "times that the broker crashed by itself, and was started again": len(result.broker_ends),
        "chains, each proved from its first record to its last": result.total("chains"),
        "problems found": len(result.problems),
    }
    for name, figure in figures.items():
        yield f"| {name} | {figure:,} |"


def _faults(result: CampaignResult) -> Iterator[str]:
    yield "| fault | what is done | what ends it | times | recovery, median s | longest s |"
    yield "|---|---|---|---:|---:|---:|"
    rows = {row.name: row for row in result.rows()}
    for name, (what, heals) in DESCRIPTIONS.items():
        row = rows.get(name, KindTotals(name, 0, None, None))
        yield f"| {name} | {what} | {heals} | {row.count} | {seconds(row.median)} | {seconds(row.worst)} |"
    every = result.overall()
    yield f"| **all** | | | {every.count:,} | {seconds(every.median)} | {seconds(every.worst)} |"
