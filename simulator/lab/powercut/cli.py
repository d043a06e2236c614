"""`platepost simulate powercuts`: whether the outbox keeps its promises on a disk that forgets."""

import dataclasses
import json
import sys
import time

import click
from rich.console import Console
from rich.progress import Progress

from platepost.simulator.lab.powercut.campaign import PowerCutResult, run


@click.command(
    epilog="""\b
Examples:
  platepost simulate powercuts
  platepost simulate powercuts --cuts 5000 --seed 7 --json
Exit code: 0 if no record was lost, 1 if any was. Needs a C compiler.
"""
)
@click.option("--cuts", type=click.IntRange(min=1), default=500, show_default=True, help="Number of power cuts.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Random seed; the same seed cuts at the same moments."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def powercuts(*, cuts: int, seed: int, as_json: bool) -> None:
    """Test the outbox with power cuts, and look for lost records.

    At each cut, every sector (512 or 4096 bytes) that was written but not yet synchronized reaches the disk or not, at
    random. Then each record that the outbox had confirmed must be there, delivered, or named as dropped, and the whole
    chain must verify.
    """
    console = Console(stderr=True, quiet=as_json)
    began = time.monotonic()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("power cuts", total=cuts)
        outcome = run(cuts=cuts, seed=seed, progress=lambda done: progress.update(task, completed=done))
    seconds = time.monotonic() - began
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(outcome) | {"seconds": round(seconds, 1)}))
    else:
        _show(outcome, seconds)
    sys.exit(1 if outcome.faults else 0)


def _show(outcome: PowerCutResult, seconds: float) -> None:
    done = outcome.operations
    click.echo(
        f"{outcome.cuts} power cuts over {outcome.starts} starts in {seconds:.0f} s: {done['W']} writes, "
        f"{done['S']} synchronisations; {outcome.promised} promises looked into"
    )
    for fault in outcome.faults[:20]:
        click.secho(fault, fg="red")
    if not outcome.faults:
        click.secho("nothing that was promised is lost, and every chain verifies", fg="green")
