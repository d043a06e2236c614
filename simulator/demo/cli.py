"""`platepost simulate demo`: one post does its whole job on recorded footage."""

import json
import os
from pathlib import Path

import click
from rich.console import Console

from platepost.simulator.demo.clip import STREET, find_clip
from platepost.simulator.demo.outcome import DemoOutcome, as_json
from platepost.simulator.demo.report import write_report
from platepost.simulator.demo.run import run_demo
from platepost.simulator.demo.show import TerminalObserver, figures_table
from platepost.simulator.ground.console import DepartmentConsole
from platepost.simulator.ground.quiet_logs import quiet_logs


@click.command(
    epilog="""\b
Examples:
  platepost simulate demo
  platepost simulate demo --clip north.mp4 --directory build/north
  platepost simulate demo --no-live --json > figures.json

\b
Optional files next to CLIP.mp4: CLIP.hotlist.csv, CLIP.patterns.csv, CLIP.truth.json (what happens) and CLIP.due.json
(expected hits).
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/demo"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
@click.option(
    "--clip",
    type=click.Path(exists=True, path_type=Path),
    default=STREET,
    help="Use another clip.",
)
@click.option(
    "--live/--no-live",
    default=None,
    help="Serve the department's console on this machine.  [default: in a terminal, unless CI is set]",
)
@click.option("--json", "as_json_", is_flag=True, help="Print the figures as one JSON document.")
@click.pass_context
def demo(context: click.Context, *, directory: Path, clip: Path, live: bool | None, as_json_: bool) -> None:
    """Run one post on recorded footage, from camera to console, and check the result.

    It creates a temporary fleet, hot list, post and department with a real mosquitto and PostgreSQL, shows what a
    subscriber receives, and writes a report. The exit code is 0 only if all expected hits and no others arrived, and
    every record is complete, genuine and receipted.
    """
    console = Console(stderr=as_json_)
    if live is None:
        live = console.is_terminal and not os.environ.get("CI")
    outcome = _run(directory, clip, console=console, live=live)
    report = directory / "report.html"
    write_report(report, outcome)
    (directory / "result.json").write_text(json.dumps(as_json(outcome), indent=2) + "\n", encoding="utf-8")
    if as_json_:
        click.echo(json.dumps(as_json(outcome), indent=2))
    console.print(figures_table(outcome))
    for failure in outcome.failures:
        console.print(f"[red]{failure}[/red]", highlight=False)
    console.print(f"Report: {report}", highlight=False)
    context.exit(0 if outcome.passed else 1)


def _run(directory: Path, clip: Path, *, console: Console, live: bool) -> DemoOutcome:
    show = TerminalObserver(console)

    def say(served: DepartmentConsole) -> None:
        for person, address in served.entrances.items():
            console.print(f"The department's pages, as the {person}: [bold]{address}[/bold]", highlight=False)

    try:
        with quiet_logs():
            return run_demo(directory, find_clip(clip), observers=[show], on_console=say if live else None)
    finally:
        show.close()
