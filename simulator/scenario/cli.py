"""`platepost simulate run` and `platepost simulate scenarios`."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from platepost.simulator.errors import ScenarioFileError
from platepost.simulator.ground.quiet_logs import quiet_logs
from platepost.simulator.scenario.description import Scenario
from platepost.simulator.scenario.durations import words
from platepost.simulator.scenario.load import find, load, shipped
from platepost.simulator.scenario.outcome import Outcome, summary

AT_ONCE = 2


@click.command(
    epilog="""\b
Examples:
  platepost simulate run ordinary_day
  platepost simulate run --all --report build/scenarios --junit build/scenarios.xml
  platepost simulate run mine.toml --wall-clock --seed 7
"""
)
@click.argument("scenario", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Run every scenario that ships.")
@click.option("--wall-clock", is_flag=True, help="Run in real time, not as fast as this machine can.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Random seed.")
@click.option("--twice", is_flag=True, help="Run each twice, and fail if the records differ.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=min(AT_ONCE, os.cpu_count() or 1),
    show_default=True,
    help="Scenarios to run at a time.",
)
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML to this file.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Write HTML reports to this folder.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep working files in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document.")
@click.pass_context
def run(
    context: click.Context,
    *,
    scenario: Sequence[str],
    all_: bool,
    wall_clock: bool,
    seed: int,
    twice: bool,
    jobs: int,
    junit: Path | None,
    report: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Run each SCENARIO, a file or the name of one that ships, and check the results.

    Exit code: 0 if every scenario meets all its expectations; 1 if one does not; 2 if a file is invalid.
    """
    from platepost.simulator.scenario.runner import RunOptions, run_all  # noqa: PLC0415 - loads the networks' runtime

    try:
        named = [find(name) for name in scenario]
    except ScenarioFileError as error:
        click.echo(str(error), err=True)
        context.exit(2)
    paths = list(dict.fromkeys([*named, *(shipped() if all_ else ())]))
    if not paths:
        raise click.UsageError("give a scenario or --all; `platepost simulate scenarios` lists those that ship")
    for folder in filter(None, (report, keep, junit and junit.parent)):
        with _writing(context, folder):
            folder.mkdir(parents=True, exist_ok=True)
    if len({path.stem for path in paths}) < len(paths):
        raise click.UsageError("two of these files have the same name, by which they are reported")
    console = Console(stderr=as_json)
    options = RunOptions(seed=seed, wall_clock=wall_clock, twice=twice, report=report, keep=keep)
    try:
        if wall_clock:
            longest = sum(load(path).lasts for path in paths) / min(jobs, len(paths))
            console.print(f"In real time this takes {words(longest)} or more.", highlight=False)
        outcomes = _run(paths, console, lambda: run_all(paths, options, at_once=jobs))
    except ScenarioFileError as error:
        click.echo(str(error), err=True)
        context.exit(2)
    if junit is not None:
        from platepost.simulator.scenario.report import write_junit  # noqa: PLC0415 - only where it is wanted

        with _writing(context, junit):
            write_junit(junit, outcomes)
    if report is not None:
        from platepost.simulator.scenario.report import write_index  # noqa: PLC0415 - only where it is wanted

        with _writing(context, report):
            console.print(f"Report: {write_index(report, outcomes)}", highlight=False)
    if as_json:
        document = {
            "passed": all(outcome.passed for outcome in outcomes),
            "scenarios": [outcome.as_json() for outcome in outcomes],
        }
        click.echo(json.dumps(document, indent=2))
    context.exit(0 if all(outcome.passed for outcome in outcomes) else 1)


@click.command(
    epilog="""\b
Examples:
  platepost simulate scenarios
  platepost simulate scenarios --schema > scenario.schema.json
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print the list as one JSON document.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of scenario files, for editors.")
def scenarios(*, as_json: bool, schema: bool) -> None:
    """List the scenarios that ship, and what each checks."""
    if schema:
        click.echo(json.dumps(Scenario.model_json_schema(), indent=2))
        return
    shipped_scenarios = [(path, load(path)) for path in shipped()]
    if as_json:
        rows = [
            {"scenario": path.stem, "title": scenario.title, "promise": scenario.promise, "lasts": scenario.lasts}
            for path, scenario in shipped_scenarios
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(title="Scenarios", title_justify="left")
    for column in ("name", "promise", "lasts"):
        table.add_column(column, overflow="fold")
    for path, scenario in shipped_scenarios:
        table.add_row(Text(path.stem, "bold"), scenario.promise, words(scenario.lasts))
    Console().print(table)


def _run(paths: Sequence[Path], console: Console, start: Callable[[], Iterator[Outcome]]) -> list[Outcome]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    outcomes: list[Outcome] = []
    with quiet_logs(), Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("scenarios", total=len(paths))
        for outcome in start():
            outcomes.append(outcome)
            progress.update(task, advance=1)
            _say(progress.console, outcome)
    order = {path.stem: place for place, path in enumerate(paths)}
    outcomes.sort(key=lambda outcome: order[outcome.name])
    console.print(summary(outcomes), style="bold", highlight=False)
    return outcomes


@contextmanager
def _writing(context: click.Context, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        click.echo(f"{path}: cannot be written ({error.strerror})", err=True)
        context.exit(2)


def _say(console: Console, outcome: Outcome) -> None:
    mark = Text("passed ", "green") if outcome.passed else Text("FAILED ", "bold red")
    made = f"  {outcome.figures.records} records" if outcome.figures else ""
    met = sum(demand.met for demand in outcome.demands)
    line = f"{outcome.name:<22} {met} of {len(outcome.demands)} demands{made}  {outcome.seconds:.1f} s"
    console.print(Text.assemble(mark, line))
    for failure in outcome.failures:
        console.print(Text(f"       {failure}", "red"))
