"""`platepost simulate department-month`: a month that keeps the policy, with three breaches of which all is known."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from platepost.common.signals import current
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.console import DepartmentConsole
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder
from platepost.simulator.ground.folder import claimed
from platepost.simulator.ground.site import throwaway_fleet

CUSTODIAN = "records"


def live_month(folder: DepartmentFolder, *, seed: int, reads: int, every: int = 1) -> dict[str, Any]:
    """Live a month in an empty department whose database runs, in this process; return what came of it, for JSON."""
    from django.conf import settings  # noqa: PLC0415 - set up here

    from platepost.department.database.cluster import SUPERUSER  # noqa: PLC0415
    from platepost.department.database.roles import OWNER  # noqa: PLC0415
    from platepost.department.session import set_up_django  # noqa: PLC0415

    set_up_django(folder, OWNER)
    # The owner here takes on each role in turn.
    settings.DATABASES["default"]["OPTIONS"] |= {"user": SUPERUSER, "assume_role": OWNER}
    from platepost.department.sharing.clauses import evidence  # noqa: PLC0415
    from platepost.simulator.lab.department.days import backdated_clock  # noqa: PLC0415
    from platepost.simulator.lab.department.month import SimulatedMonth  # noqa: PLC0415

    with backdated_clock() as clock:
        month = SimulatedMonth(clock, seed=seed, reads=reads, every=every)
        month.live()
        outcomes = month.drill()
    clauses = {each.clause.id: {"met": each.is_met, "says": each.says} for each in evidence()}
    breaches = [
        {"kind": each.kind, "right": each.is_right, "plates": len(each.known.plates), "reads": each.known.reads}
        for each in outcomes
    ]
    return {"passed": all(each.is_right for each in outcomes) and all(each["met"] for each in clauses.values()),
            "breaches": breaches, "clauses": clauses}  # fmt: skip


@click.command(
    epilog="""\b
Examples:
  platepost simulate department-month
  platepost simulate department-month --reads 300 --seed 7 --json
  platepost simulate department-month --serve      then look at its pages, and practice as its auditor
The exit code is 0 only if evidence meets all 20 clauses, and the department computes each exposure correctly.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/department-month"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
@click.option("--reads", type=click.IntRange(min=3), default=50, show_default=True, help="Reads a day.")
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed.")
@click.option("--serve", is_flag=True, help="Serve the department's pages afterwards, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_context
def department_month(
    context: click.Context, *, directory: Path, reads: int, seed: int, serve: bool, as_json: bool
) -> None:
    """Simulate a past month of a department with three breaches, and check its evidence.

    An account is abused, a laptop is stolen, a backup is copied. The department must compute from its ledger what each
    exposed, and show evidence for each clause of the policy.
    """
    directory, console = directory.absolute(), Console(stderr=as_json)
    with (
        claimed(directory, mark=".platepost-department-month", whose="a department's month's", error=CampaignError),
        department_folder() as top,
    ):
        fleet = throwaway_fleet(directory / "fleet", agency="springfield", subscribers=())
        fleet.add_custodian(CUSTODIAN, required=True)
        made = ThrowawayDepartment(top, fleet, CUSTODIAN, brokers=["localhost:8883"], log=directory / "keeper.log")
        made.initialize()
        folder = DepartmentFolder(made.folder)
        with running_database(folder):
            result = live_month(folder, seed=seed, reads=reads)
            (directory / "outcome.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
            if as_json:
                click.echo(json.dumps(result))
            else:
                _show(console, result)
            if serve:
                _serve(folder, directory / "pages.log", console)
    context.exit(0 if result["passed"] else 1)


def _serve(folder: DepartmentFolder, log: Path, console: Console) -> None:
    """Serve the pages to people who are logged in, until Ctrl-C or SIGTERM."""
    with DepartmentConsole(folder.path, log) as pages:
        for person, address in pages.entrances.items():
            console.print(f"Log in as the {person}: [bold]{address}[/bold]", highlight=False)
        console.print("Ctrl-C ends it.", highlight=False)
        current().wait()
        current().acknowledge()


def _show(console: Console, result: dict[str, Any]) -> None:
    for each in result["breaches"]:
        right = "as computed" if each["right"] else "NOT as computed"
        console.print(f"{each['kind']}: {each['plates']} plates, {each['reads']} reads, {right}", highlight=False)
    table = Table(title="The policy", title_justify="left")
    for name in ("clause", "met", "evidence"):
        table.add_column(name)
    for clause, evidence in result["clauses"].items():
        table.add_row(clause, "yes" if evidence["met"] else "NO", evidence["says"])
    console.print(table)
