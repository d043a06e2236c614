"""`platepost simulate custody`: whether custody keeps its promises while custodians and posts fail."""

import dataclasses
import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from simulator.errors import CampaignError
from simulator.ground.folder import claimed
from simulator.lab.custody.campaign import CustodyCampaign, CustodyOutcome
from simulator.lab.custody.site import CustodySite

RATE = 8.0


@click.command(
    epilog="""\b
Examples:
  platepost simulate custody
  platepost simulate custody --kills 10 --posts 1 --seed 7 --json
Exit status: 0 if every record is kept or named, and none was deleted before the receipts that it needed; 1 if not.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/custody"),
    show_default=True,
    help="Where everything is made; emptied if a former campaign made it.",
)
@click.option("--kills", type=click.IntRange(min=5), default=100, show_default=True, help="Of custodians and posts.")
@click.option("--posts", type=click.IntRange(min=1), default=3, show_default=True, help="Besides one that is restored.")
@click.option("--seed", type=int, default=1, show_default=True, help="Who is killed, and when.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def custody(*, directory: Path, kills: int, posts: int, seed: int, as_json: bool) -> None:
    """Kill two custodians and their posts again and again, and check what the wire shows.

    Meanwhile intruders listen to everything and take shared turns, one custodian is away for a while, the other is
    restored from an old backup, and a post gets its disk of some time before. The checker reads what the broker
    delivered and what the posts have left, and no custodian's store.
    """
    console = Console(stderr=True, quiet=as_json)
    made = claimed(directory, mark="custody", whose="a custody campaign's", error=CampaignError)
    with made, Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"kills, seed {seed}", total=kills)
        with CustodySite(directory, posts=posts, rate=RATE) as site:
            campaign = CustodyCampaign(
                site, kills=kills, seed=seed, progress=lambda done: progress.update(task, completed=done)
            )
            outcome = campaign.run()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(outcome)))
    else:
        _show(outcome)
    sys.exit(1 if outcome.problems else 0)


def _show(outcome: CustodyOutcome) -> None:
    click.echo(
        f"seed {outcome.seed}: {outcome.kills} kills in {outcome.seconds:.0f} s; {outcome.stored} records, "
        f"{outcome.receipts} receipts, {outcome.ignored} of an epoch that was over; intruders: "
        f"{', '.join(outcome.intrusions) or 'refused'}"
    )
    for gap in outcome.lost:
        click.echo(f"named by the restored custodian as receipted, not held: {gap}")
    click.echo(f"{outcome.kept_back} records are kept back by the post whose disk was taken back")
    for problem in outcome.problems[:20]:
        click.secho(problem, fg="red")
    if not outcome.problems:
        click.secho("every record is kept or named, and none was deleted before its receipts", fg="green")
