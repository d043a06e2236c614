"""`platepost simulate soak`: a whole post for half an hour, with a fault every few seconds."""

import json
import logging
from pathlib import Path

import click
from rich.console import Console

from platepost.common.commands.options import Number
from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.folder import claimed
from platepost.simulator.lab.progress import ProgressDisplay
from platepost.simulator.lab.soak.soak import FAULT_SECONDS, SoakSite
from platepost.simulator.lab.soak.soak import soak as run_soak


@click.command(
    epilog="""\b
Examples:
  platepost simulate soak
  platepost simulate soak --minutes 5
The exit code is 0 only if no record is lost, every chain verifies, and every synthetic hit arrived.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/soak"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
@click.option("--minutes", type=Number(0.5, 100_000), default=30.0, show_default=True, help="Minutes to run.")
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON document.")
@click.pass_context
def soak(
    context: click.Context,
    *,
    directory: Path,
    minutes: float,
    seed: int,
    as_json: bool,
) -> None:
    """Soak test: run a post with a fault every 20 seconds, and check every record.

    Post, broker and custodian are killed, and connections fail. Every record must reach the custodian, or be named as
    given up. Each scheduled synthetic hit must arrive, at the latest when the fault is over.
    """
    logging.basicConfig(level=logging.ERROR)
    directory, console = directory.absolute(), Console(stderr=as_json)
    of = int(minutes * 60 / FAULT_SECONDS)
    with (
        ProgressDisplay(console) as display,
        claimed(directory, mark=".platepost-soak", whose="a soak's", error=CampaignError),
        SoakSite(directory) as site,
    ):
        display.show("soak", 0, of)
        result = run_soak(
            site,
            minutes=minutes,
            seed=seed,
            say=lambda number: display.show("soak", number, of, f"{number} faults, {len(site.heard)} records heard"),
        )
    text = json.dumps(result.as_json(), indent=2)
    (directory / "result.json").write_text(text + "\n", encoding="utf-8")
    if as_json:
        click.echo(text)
    hearing, ruling = result.hearing, result.ruling
    console.print(f"{result.faults} faults; {ruling.delivered} records of a chain delivered, {ruling.lost} lost")
    console.print(
        f"synthetic hit: due {hearing.due} times, heard in time {hearing.heard}, after a fault {hearing.excused}; "
        f"the slowest took {hearing.slowest_seconds:.1f} s"
    )
    for problem in (*ruling.problems, *hearing.problems):
        console.print(f"  {problem}", style="red", highlight=False, markup=False)
    context.exit(0 if result.passed else 1)
