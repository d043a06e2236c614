"""`platepost simulate custody`: whether custody keeps its promises while custodians and posts fail."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from platepost.common.commands.options import Number
from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.folder import claimed
from platepost.simulator.lab.custody.campaign import CustodyCampaign, CustodyOutcome
from platepost.simulator.lab.custody.site import RESTORED, CustodySite
from platepost.simulator.lab.custody.weeks import (
    CUSTODIAN,
    FAST,
    SAVE_SECONDS,
    WeeksCampaign,
    WeeksOutcome,
    left_out_seconds,
    step_seconds,
)
from platepost.simulator.lab.custody.weeks import POST as ALONE

RATE = 8.0


@click.command(
    epilog="""\b
Examples:
  platepost simulate custody
  platepost simulate custody --kills 10 --posts 1 --seed 7 --json
Exit code: 0 if every record is kept or accounted for, and none was deleted before its receipts; 1 if not.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/custody"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
@click.option(
    "--kills", type=click.IntRange(min=10), default=100, show_default=True, help="Kills of custodians and posts."
)
@click.option(
    "--posts", type=click.IntRange(min=1), default=3, show_default=True, help="Posts, besides one that is restored."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed: who is killed, and when.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def custody(*, directory: Path, kills: int, posts: int, seed: int, as_json: bool) -> None:
    """Test custody: kill two custodians and their posts repeatedly, and check every record and receipt.

    Intruders subscribe to everything, keys are rotated, custodians are restored from old backups, and a post gets an
    old disk back. The checker reads only what the broker delivered and what is left on the posts.
    """
    console = Console(stderr=True, quiet=as_json)
    made = claimed(directory, mark="custody", whose="a custody campaign's", error=CampaignError)
    with made, Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"kills, seed {seed}", total=kills)
        names = [*(f"post-{number}" for number in range(1, posts + 1)), RESTORED]
        with CustodySite(directory, posts=names, rate=RATE) as site:
            campaign = CustodyCampaign(
                site, kills=kills, seed=seed, progress=lambda done: progress.update(task, completed=done)
            )
            outcome = campaign.run()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(outcome)))
    else:
        _show(outcome)
    sys.exit(1 if outcome.problems else 0)


@click.command(
    "custody-weeks",
    epilog="""\b
Examples:
  platepost simulate custody-weeks
  platepost simulate custody-weeks --weeks 1 --json
  platepost simulate custody-weeks --reads-a-day 60 --quota 1
Exit code: 0 if every record is kept or accounted for, and none was deleted before its receipt; 1 if not.
""",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/custody-weeks"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
@click.option("--weeks", type=click.IntRange(min=1), default=3, show_default=True, help="Weeks without the custodian.")
@click.option("--reads-a-day", type=click.IntRange(min=10), default=10_000, show_default=True, help="Reads a day.")
@click.option("--quota", type=Number(0, 1_000_000, min_open=True), help="Size of its outbox, MiB.  [default: a post's]")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def custody_weeks(*, directory: Path, weeks: int, reads_a_day: int, quota: float | None, as_json: bool) -> None:
    """Test custody: take a post's custodian offline for weeks, bring it back, and check every record and receipt.

    Simulated weeks pass as fast as this machine can record. The post is killed once a week.
    """
    console = Console(stderr=True, quiet=as_json)
    made = claimed(directory, mark="custody", whose="a custody campaign's", error=CampaignError)
    with made, Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"{weeks} weeks", total=None)
        step = step_seconds(reads_a_day)
        with CustodySite(
            directory,
            posts=[ALONE],
            rate=FAST,
            custodians=CUSTODIAN,
            step=step,
            left_out_seconds=left_out_seconds(reads_a_day),
            quota_megabytes=quota,
            save_seconds=SAVE_SECONDS,
        ) as site:
            campaign = WeeksCampaign(
                site,
                weeks=weeks,
                reads_a_day=reads_a_day,
                progress=lambda done: progress.update(task, description=f"{done} records"),
            )
            outcome = campaign.run()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(outcome)))
    else:
        _show_weeks(outcome)
    sys.exit(1 if outcome.problems else 0)


def _show_weeks(outcome: WeeksOutcome) -> None:
    for number, week in enumerate(outcome.weeks, 1):
        click.echo(
            f"week {number}, in {week.seconds:.0f} s: {week.records} records, outbox {week.megabytes} MB; named as "
            f"dropped: {week.pictures} reads' pictures, {week.reads} reads"
        )
    click.echo(f"the status said: {outcome.behind}")
    click.echo(
        f"{outcome.stored} records, {outcome.hits} of them hits; {outcome.receipts} receipts; the custodian had all "
        f"{outcome.catch_up_seconds:.0f} s after its return; {outcome.pictures} pictures and {outcome.reads} reads are "
        f"named as dropped, {outcome.bare} reads came without their picture"
    )
    _show_problems(outcome.problems)


def _show(outcome: CustodyOutcome) -> None:
    click.echo(
        f"seed {outcome.seed}: {outcome.kills} kills in {outcome.seconds:.0f} s; {outcome.stored} records, "
        f"{outcome.receipts} receipts, {outcome.ignored} of an epoch that was over; intruders: "
        f"{', '.join(outcome.intrusions) or 'refused'}"
    )
    for gap in outcome.lost:
        click.echo(f"named by the restored custodian as receipted, not held: {gap}")
    click.echo(f"receipts by new keys: {', '.join(outcome.renewed) or 'none'}")
    click.echo(f"{outcome.kept_back} records are kept back by the post whose disk was taken back")
    _show_problems(outcome.problems)


def _show_problems(problems: Sequence[str]) -> None:
    for problem in problems[:20]:
        click.secho(problem, fg="red")
    if not problems:
        click.secho("every record is kept or named, and none was deleted before its receipts", fg="green")
