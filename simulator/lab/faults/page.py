"""The outcome of a campaign as Markdown: what stands in docs/reliability.md."""

from collections.abc import Iterator

from simulator.lab.faults import cluster, week, whole
from simulator.lab.faults.catalogue import FAMILIES
from simulator.lab.faults.outcome import Outcome, Row

DESCRIPTIONS: dict[str, tuple[str, str]] = {
    **{family.name: (family.what, family.heals) for family in FAMILIES},
    week.NAME: (week.WHAT, week.HEALS),
    week.DAILY: ("kill -9 of the post in that week", "the post is started again"),
    whole.NAME: (whole.WHAT, whole.HEALS),
    **dict.fromkeys(cluster.NAMES.values(), (cluster.WHAT, cluster.HEALS)),
}
"""What is done, and what ends it, by the name of every kind of fault."""


def as_markdown(outcome: Outcome) -> str:
    """Return both tables: the records, and the faults in the order of their description."""
    return "\n".join([*_records(outcome), "", *_faults(outcome)]) + "\n"


def _records(outcome: Outcome) -> Iterator[str]:
    yield "| | |"
    yield "|---|---:|"
    figures = {
        f"faults inflicted, in {outcome.seconds:.0f} s (seed {outcome.seed})": len(outcome.injected),
        "records that a post was told are stored": outcome.total("stored"),
        "different records that arrived": outcome.total("delivered"),
        "arrivals of a record that had arrived already, same content": outcome.total("repeats"),
        "reads given up by the quota, each named in the audit": outcome.total("given_up"),
        "records on damaged pages, named in the audit": outcome.total("damaged"),
        "**records lost**": outcome.total("lost"),
        "times that the broker crashed by itself, and was started again": len(outcome.broker_ends),
        "chains, each proved from its first record to its last": outcome.total("chains"),
        "problems found": len(outcome.failures),
    }
    for name, figure in figures.items():
        yield f"| {name} | {figure:,} |"


def _faults(outcome: Outcome) -> Iterator[str]:
    yield "| fault | what is done | what ends it | times | recovery, median s | longest s |"
    yield "|---|---|---|---:|---:|---:|"
    rows = {row.name: row for row in outcome.rows()}
    for name, (what, heals) in DESCRIPTIONS.items():
        row = rows.get(name, Row(name, 0, None, None))
        yield f"| {name} | {what} | {heals} | {row.count} | {_seconds(row.median)} | {_seconds(row.worst)} |"
    every = outcome.overall()
    yield f"| **all** | | | {every.count:,} | {_seconds(every.median)} | {_seconds(every.worst)} |"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
