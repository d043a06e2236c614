"""`platepost simulate faults`: posts that record and deliver while everything around them fails."""

import json
import logging
import signal
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from simulator.faults.campaign import Campaign
from simulator.faults.extent import FULL, SHORT, Progress
from simulator.faults.outcome import Outcome
from simulator.faults.page import as_markdown
from simulator.faults.seclusion import seclude
from simulator.faults.site import Site

SHOWN = 20


@click.command(
    epilog="""\b
Examples:
  platepost simulate faults
  platepost simulate faults --short --json > faults.json
  platepost simulate faults --seed 7 --faults 200 --records 4000
Exit code 0 only if every record is accounted for, every chain is proved, and every post recovered from every fault.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/faults"),
    show_default=True,
    help="Where everything is made; emptied if a former campaign made it.",
)
@click.option("--short", is_flag=True, help=f"{SHORT.faults} faults and {SHORT.records} records, in half a minute.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which faults, in which order.")
@click.option("--faults", "count", type=click.IntRange(min=1), help=f"How many faults; {FULL.faults} by default.")
@click.option("--records", type=click.IntRange(min=1), help=f"How many records at least; {FULL.records} by default.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON document.")
@click.pass_context
def faults(
    context: click.Context,
    *,
    directory: Path,
    short: bool,
    seed: int,
    count: int | None,
    records: int | None,
    as_json: bool,
) -> None:
    """Inflict faults upon posts and broker, and account for every record.

    Light posts (the real recorder, outbox and uplink, with made-up passages) report to a real mosquitto while posts and
    broker are killed, connections cut, stalled and silenced, disks filled, certificates replaced, and more. Then every
    record that a post was told is stored must have reached the record keeper, or be named in the audit as given up.
    As root on Linux the campaign takes mounts and a network of its own, and inflicts faults that need them too.
    """
    logging.basicConfig(level=logging.ERROR)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end what was started, as on Ctrl-C
    extent = SHORT if short else FULL
    extent = replace(extent, seed=seed, faults=count or extent.faults, records=records or extent.records)
    console = Console(stderr=as_json)
    secluded = seclude()
    bar = Bar(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("faults  {task.fields[records]} records, {task.fields[waiting]} under way"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("starting", total=extent.faults, records=0, waiting=0)

    def show(progress: Progress) -> None:
        bar.update(
            task,
            description=progress.stage,
            completed=progress.faults,
            records=progress.records,
            waiting=progress.waiting,
        )

    with bar, Site(directory, posts=extent.posts, rate=extent.rate, secluded=secluded) as site:
        outcome = Campaign(site, extent, Progress(show)).run()
    (directory / "result.json").write_text(json.dumps(outcome.as_json(), indent=2) + "\n", encoding="utf-8")
    (directory / "result.md").write_text(as_markdown(outcome), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(outcome.as_json(), indent=2))
    _show(outcome, console)
    context.exit(0 if outcome.passed else 1)


def _show(outcome: Outcome, console: Console) -> None:
    table = Table(title=f"{len(outcome.injected)} faults in {outcome.seconds:.0f} s", title_justify="left")
    table.add_column("fault")
    for heading in ("times", "recovery, median s", "longest s"):
        table.add_column(heading, justify="right")
    for row in (*outcome.rows(), outcome.overall()):
        table.add_row(row.name, str(row.count), _seconds(row.median), _seconds(row.worst))
    console.print(table)
    for name, why in outcome.absent.items():
        console.print(f"not inflicted: {name} ({why})", style="yellow", highlight=False)
    console.print(
        f"{outcome.total('stored')} records stored, {outcome.total('delivered')} delivered, "
        f"{outcome.total('repeats')} arrived again, {outcome.total('given_up')} given up by quota and named, "
        f"{outcome.total('damaged')} on damaged pages and named, "
        f"[bold]{outcome.total('lost')} lost[/bold]; {outcome.total('chains')} chains",
        highlight=False,
    )
    for failure in outcome.failures[:SHOWN]:
        console.print(failure, style="red", highlight=False)
    if len(outcome.failures) > SHOWN:
        console.print(f"and {len(outcome.failures) - SHOWN} more; all are in result.json", style="red", highlight=False)
    if outcome.passed:
        console.print("Every record is accounted for, and every chain is proved.", style="green")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
