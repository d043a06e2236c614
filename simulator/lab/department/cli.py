"""`platepost simulate department`: whether a department keeps every record once while everything around it fails."""

import json
import logging
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.folder import claimed
from platepost.simulator.lab.department.campaign import DepartmentCampaign, DepartmentOutcome
from platepost.simulator.lab.department.disturbances import DisturbanceCounts
from platepost.simulator.lab.department.oddities import Oddity
from platepost.simulator.lab.department.site import DepartmentSite
from platepost.simulator.lab.faults.namespaces import enter_namespaces
from platepost.simulator.lab.progress import ProgressDisplay

ODD_SHARE = 1 / 2000
"""Of the records, for each oddity; two at least."""
SERIES_ROWS = 12


@click.command(
    epilog="""\b
Examples:
  platepost simulate department
  platepost simulate department --records 1000000 --kills 50 --restarts 10 --fills 2 --seed 7
  platepost simulate department --records 3000 --kills 3 --restarts 1 --fills 0 --json > outcome.json
The exit code is 0 only if every record is kept once, judged correctly and receipted, and none was signed for or
deleted too soon.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/department"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
@click.option("--records", type=click.IntRange(min=500), default=50_000, show_default=True, help="Records to send.")
@click.option("--posts", type=click.IntRange(min=2), default=8, show_default=True, help="Posts that send them.")
@click.option(
    "--kills", type=click.IntRange(min=0), default=10, show_default=True, help="How often to kill the keeper (kill -9)."
)
@click.option(
    "--restarts",
    type=click.IntRange(min=0),
    default=4,
    show_default=True,
    help="How often to restart broker and database, each.",
)
@click.option(
    "--fills", type=click.IntRange(min=0), default=2, show_default=True, help="How often to fill the database's disk."
)
@click.option(
    "--window",
    type=click.IntRange(min=100),
    default=10_000,
    show_default=True,
    help="Most records without a receipt at any time.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Random seed: which records are bad, what fails, and when."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_context
def department(
    context: click.Context,
    *,
    directory: Path,
    records: int,
    posts: int,
    kills: int,
    restarts: int,
    fills: int,
    window: int,
    seed: int,
    as_json: bool,
) -> None:
    """Test a department: send signed records while its keeper, broker and database are killed.

    Some records are forged, altered, foreign, replayed or missing. A checker that never reads the database compares
    what was published, every receipt, and the output of the department's commands. As root on Linux the database is on
    a memory disk (9 KB per record plus up to 1.3 GB) that is filled up, too.
    """
    logging.basicConfig(level=logging.ERROR)
    directory, console = directory.absolute(), Console(stderr=as_json)
    namespaces = enter_namespaces()

    def told(what: str, receipted: int) -> None:
        display.show(what, receipted, records, f"{receipted} of {records} records receipted")

    console.print(f"seed {seed}", highlight=False)
    with (
        ProgressDisplay(console) as display,
        claimed(directory, mark=".platepost-department", whose="a department's run's", error=CampaignError),
    ):
        display.show("making the department")
        with DepartmentSite(directory, posts=posts, records=records, namespaces=namespaces) as site:
            campaign = DepartmentCampaign(
                site,
                records=records,
                seed=seed,
                counts=DisturbanceCounts(kills=kills, restarts=restarts, fills=fills),
                told=told,
            )
            outcome = campaign.run(odd=max(2, round(records * ODD_SHARE)), window=window)
    (directory / "outcome.json").write_text(json.dumps(outcome.as_json(), indent=2) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(outcome.as_json()))
    else:
        _show(console, outcome)
        console.print(f"Outcome: {directory / 'outcome.json'}", highlight=False)
    context.exit(0 if outcome.passed else 1)


def _show(console: Console, outcome: DepartmentOutcome) -> None:
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in outcome.verdicts.items())
    inflicted = ", ".join(f"{name}: {count}" for name, count in sorted(outcome.inflicted.items()))
    table = Table(title="The run, moment by moment", title_justify="left")
    for name in ("seconds", "records receipted", "keeper, MB"):
        table.add_column(name, justify="right")
    for sample in outcome.samples[:: max(1, -(-len(outcome.samples) // SERIES_ROWS))]:
        table.add_row(str(sample.seconds), str(sample.receipted), str(sample.keeper_megabytes or "away"))
    console.print(table)
    console.print(
        f"seed {outcome.seed}: {outcome.records} records in {outcome.seconds:.0f} s ({verdicts}), each oddity of "
        f"{len(Oddity)} kinds; {outcome.receipts} receipts; {inflicted or 'undisturbed'}",
        highlight=False,
    )
    for name, why in outcome.not_inflicted.items():
        console.print(f"not inflicted: {name}: {why}", style="yellow", highlight=False)
    console.print(
        f"{outcome.rate:.0f} records/s receipted with all that failed, {outcome.rate_median:.0f} in the median second; "
        f"keeper's memory {outcome.keeper_megabytes[0]:.0f} MB in the first quarter, {outcome.keeper_megabytes[1]:.0f} "
        "in the last",
        highlight=False,
    )
    for problem in outcome.problems[:20]:
        console.print(problem, style="red", highlight=False)
    if outcome.passed:
        console.print(
            "every record is kept once, judged right and receipted; none was signed for or deleted too soon",
            style="green",
        )
