"""`platepost simulate soak`: a whole post for half an hour, with a fault every few seconds."""

import json
import logging
from pathlib import Path

import click
from rich.console import Console

from simulator.errors import CampaignError
from simulator.ground.folder import claimed
from simulator.lab.progress import ProgressDisplay
from simulator.lab.soak.soak import SoakSite
from simulator.lab.soak.soak import soak as run_soak


@click.command(
    epilog="""\b
Examples:
  platepost simulate soak
  platepost simulate soak --minutes 2 --hit-minutes 0.5
Exit code 0 only if no record is lost, every chain is proved, and the synthetic hit was heard every time it was due.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/soak"),
    show_default=True,
    help="Where everything is made; emptied if a former soak made it.",
)
@click.option("--minutes", type=click.FloatRange(min=0.5), default=30.0, show_default=True, help="For how long.")
@click.option(
    "--fault-seconds", type=click.FloatRange(min=10), default=20.0, show_default=True, help="From fault to fault."
)
@click.option(
    "--hit-minutes",
    type=click.FloatRange(min=0.25, max=1440),
    default=1.0,
    show_default=True,
    help="How often the post makes a synthetic hit.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Which faults, in which order.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON document.")
@click.pass_context
def soak(
    context: click.Context,
    *,
    directory: Path,
    minutes: float,
    fault_seconds: float,
    hit_minutes: float,
    seed: int,
    as_json: bool,
) -> None:
    """Run a whole post with a fault every few seconds, and count on the wire what came of it.

    The post is killed, its connection cut, stalled and silenced, broker and custodian are killed and away. Then every
    record of its chain must have reached the custodian, or be named as given up. The synthetic hit must be heard each
    time that it is due, or, where a fault was at work then, afterwards.
    """
    logging.basicConfig(level=logging.ERROR)
    directory, console = directory.absolute(), Console(stderr=as_json)
    of = int(minutes * 60 / fault_seconds)
    with (
        ProgressDisplay(console) as display,
        claimed(directory, mark=".platepost-soak", whose="a soak's", error=CampaignError),
        SoakSite(directory) as site,
    ):
        display.show("soak", 0, of)
        result = run_soak(
            site,
            minutes=minutes,
            fault_seconds=fault_seconds,
            hit_minutes=hit_minutes,
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
