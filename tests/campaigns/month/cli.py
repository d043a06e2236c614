"""The command of the month: it keeps the policy, with three breaches of which all is known."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import click
from rich.console import Console
from rich.table import Table

from platepost.common.signals import current
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.simulator.ground.console import DepartmentConsole
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder
from platepost.simulator.ground.site import throwaway_fleet
from tests.campaigns.command import Outcome, Run, campaign_command

CUSTODIAN = "records"


@dataclass(frozen=True, slots=True)
class BreachExposure:
    """A breach, and whether the department computed what it exposed."""

    kind: str
    right: bool
    plates: int
    reads: int


@dataclass(frozen=True, slots=True)
class ClauseEvidence:
    """The evidence for a clause of the policy."""

    met: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class MonthOutcome(Outcome):
    """What a month came to."""

    breaches: tuple[BreachExposure, ...]
    clauses: dict[str, ClauseEvidence]

    def show(self, console: Console) -> None:
        """Show what each breach exposed, and the evidence for each clause."""
        for each in self.breaches:
            right = "as computed" if each.right else "NOT as computed"
            console.print(f"{each.kind}: {each.plates} plates, {each.reads} reads, {right}", highlight=False)
        table = Table(title="The policy", title_justify="left")
        for name in ("clause", "met", "evidence"):
            table.add_column(name)
        for clause, evidence in self.clauses.items():
            table.add_row(clause, "yes" if evidence.met else "NO", evidence.says)
        console.print(table)


def live_month(folder: DepartmentFolder, *, seed: int, reads: int, every: int = 1) -> MonthOutcome:
    """Live a month in an empty department whose database runs, in this process; return what came of it."""
    from django.conf import settings  # noqa: PLC0415 - set up here

    from platepost.department.database.cluster import SUPERUSER  # noqa: PLC0415
    from platepost.department.database.roles import OWNER  # noqa: PLC0415
    from platepost.department.session import set_up_django  # noqa: PLC0415

    set_up_django(folder, OWNER)
    # The owner here takes on each role in turn.
    settings.DATABASES["default"]["OPTIONS"] |= {"user": SUPERUSER, "assume_role": OWNER}
    from platepost.department.sharing.clauses import evidence  # noqa: PLC0415
    from tests.campaigns.month.days import backdated_clock  # noqa: PLC0415
    from tests.campaigns.month.month import SimulatedMonth  # noqa: PLC0415

    began = monotonic()
    with backdated_clock() as clock:
        month = SimulatedMonth(clock, seed=seed, reads=reads, every=every)
        month.live()
        outcomes = month.drill()
    clauses = {each.clause.id: ClauseEvidence(each.is_met, each.says) for each in evidence()}
    breaches = tuple(
        BreachExposure(each.kind, each.is_right, len(each.known.plates), each.known.reads) for each in outcomes
    )
    return MonthOutcome(
        breaches=breaches,
        clauses=clauses,
        problems=(
            *(f"{each.kind}: the exposure is not as computed" for each in breaches if not each.right),
            *(f"clause {name} is not met: {each.says}" for name, each in clauses.items() if not each.met),
        ),
        seconds=round(monotonic() - began, 1),
    )


@campaign_command(
    "month",
    epilog="""\b
Examples:
  python -m tests.campaigns month
  python -m tests.campaigns month --reads 300 --seed 7 --json
  python -m tests.campaigns month --serve      then look at its pages, and practice as its auditor
The exit code is 0 only if evidence meets all 20 clauses, and the department computes each exposure correctly.
""",
)
@click.option("--reads", type=click.IntRange(min=3), default=50, show_default=True, help="Reads a day.")
@click.option("--serve", is_flag=True, help="Serve the department's pages afterwards, until Ctrl-C.")
def month(run: Run, *, reads: int, serve: bool) -> None:
    """Simulate a past month of a department with three breaches, and check its evidence.

    An account is abused, a laptop is stolen, a backup is copied. The department must compute from its ledger what each
    exposed, and show evidence for each clause of the policy.
    """
    with department_folder() as top:
        fleet = throwaway_fleet(run.directory / "fleet", agency="springfield", subscribers=())
        fleet.add_custodian(CUSTODIAN, required=True)
        made = ThrowawayDepartment(top, fleet, CUSTODIAN, brokers=["localhost:8883"], log=run.directory / "keeper.log")
        made.initialize()
        folder = DepartmentFolder(made.folder)
        with running_database(folder):
            run.report(live_month(folder, seed=run.seed, reads=reads))
            if serve:
                _serve(folder, run.directory / "pages.log", run.console)


def _serve(folder: DepartmentFolder, log: Path, console: Console) -> None:
    """Serve the pages to people who are logged in, until Ctrl-C or SIGTERM."""
    with DepartmentConsole(folder.path, log) as pages:
        for person, address in pages.entrances.items():
            console.print(f"Log in as the {person}: [bold]{address}[/bold]", highlight=False)
        console.print("Ctrl-C ends it.", highlight=False)
        current().wait()
        current().acknowledge()
