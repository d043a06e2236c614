"""`platepost department quality`: how often hits turn out to be none, and why."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click
from rich.console import Console
from rich.table import Table

from platepost.department.alerts.accuracy import draw_samples, sampled_reads
from platepost.department.alerts.quality import RejectRate, hit_quality, stale_sources, worse_posts
from platepost.department.database.roles import WEB
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON
from platepost.department.session import working_as


@click.command(
    epilog="""\b
Examples:
  platepost department quality vault --days 90
  platepost department quality vault --json | jq '.sources[] | select(.stale_entry.low > 0.1)'
"""
)
@FOLDER
@JSON
@click.option("--draw", is_flag=True, help="Draw random reads of the last weeks for labeling, and exit.")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Days of hits to count.")
def quality(*, folder: DepartmentFolder, as_json: bool, draw: bool, days: int) -> None:
    """Show why hits are rejected: overall, by post, by list source and category, and by misread characters.

    It also shows the share of wrong reads in a random sample of twelve weeks that two people labeled on the page
    *Quality*.

    Rates come with a 95% confidence interval (Wilson). No plate, person or covert group is shown.
    """
    with working_as(folder, WEB):
        if draw:
            drawn = draw_samples()
            click.echo(json.dumps({"drawn": drawn}) if as_json else f"{drawn} reads were drawn.")
            return
        until = datetime.now(UTC)
        report, worse = hit_quality(until - timedelta(days=days), until), worse_posts()
        reads, stale = sampled_reads(), stale_sources()
    if as_json:
        fields = {
            "worse": sorted(worse),
            "stale": sorted(stale),
            "reads": {name: asdict(read) for name, read in reads.items()},
        }
        click.echo(json.dumps(report.wire() | fields))
        return
    table = Table("", "reason", "rejected", "decided", "95% interval")

    def add(name: str, rates: Mapping[str, RejectRate]) -> None:
        for reason, rate in rates.items():
            table.add_row(name, reason, str(rate.rejected), str(rate.decided), f"{rate.low:.1%} to {rate.high:.1%}")

    add("all hits", report.reasons)
    for kind, groups in (("post", report.posts), ("source", report.sources), ("category", report.categories)):
        for name, rates in groups.items():
            add(f"{kind} {name}", rates)
    add("misread", report.pairs)
    for name, figures in reads.items():
        add(f"reads {name}", {"wrong": figures.wrong})
    console = Console()
    console.print(table)
    for post in worse:
        console.print(f"[red]{post}: far more hits are rejected than before.[/red] Look at its pictures and its aim.")
    for source in stale:
        console.print(f"[red]{source}: too many of its entries no longer hold.[/red] Ask the source for newer lists.")
