"""`platepost department verify`: the whole custody again."""

from pathlib import Path

import click

from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.certificate import certifying_keys
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.check_report import CheckReport
from platepost.department.custody.register import KeyRegister
from platepost.department.database.roles import KEEPER
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, progress_bar
from platepost.department.session import connected, running_database

ROLLING_SECONDS = 1800.0
"""How much of a night goes into verifying everything again."""


@click.command(
    epilog="""\b
Examples:
  platepost department verify /var/lib/platepost-department            # each night: what came since the last run
  platepost department verify /var/lib/platepost-department --rolling  # as `nightly` does
  platepost department verify /var/lib/platepost-department --whole    # from the first record on
  platepost department verify /var/lib/platepost-department --json | jq -r '.problems[] | [.post, .number, .kind] | @tsv'
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.option("--whole", is_flag=True, help="Start with the first record, and forget earlier problems.")
@click.option("--rolling", is_flag=True, help="Also continue, for half an hour, with verifying everything again.")
@JSON
@click.pass_context
def verify(context: click.Context, *, folder: DepartmentFolder, whole: bool, rolling: bool, as_json: bool) -> None:
    """Verify the records of FOLDER, and report problems by post, chain and number. The exit code is 1 if there are any.

    It checks signatures, chains, pictures, the pages' tables, bookkeeping, receipts and the ledger. Without --whole it
    checks what is new since the last run, and repeats earlier problems. If killed, the next run continues. The archive
    service may keep running. A damaged record is reported, and verification continues.
    """
    settings = folder.settings
    register = KeyRegister(
        folder.register_file, folder.register_key, agency=settings.agency, state_file=folder.stored_register
    )
    with (
        running_database(folder),
        connected(folder, KEEPER) as keeper,
        progress_bar("records") as progress,
    ):

        def check(state: Path, seconds: float | None = None) -> CheckReport:
            verification = CustodyVerification(
                keeper,
                keys=register.keys,
                ended=register.ended,
                receipts=folder.receipts,
                certifiers=certifying_keys(folder.purges),
                state=state,
                bucket=open_bucket(folder),
            )
            try:
                return verification.run(whole=whole, seconds=seconds, progress=progress)
            except ValueError as error:
                raise DepartmentError(f"{state}: {error}; delete it to start over") from error
            except OSError as error:
                raise DepartmentError(f"Verification stopped: {error}. Run the command again.") from error

        report = check(folder.checked)
        if rolling:
            again = check(folder.rolling, ROLLING_SECONDS)
            problems = (*report.problems, *(problem for problem in again.problems if problem not in report.problems))
            report = report.model_copy(
                update={"problems": problems, "more": report.more + again.more, "intact": not problems}
            )
    if as_json:
        click.echo(report.model_dump_json(exclude_none=True))
    else:
        for problem in report.problems:
            click.secho(str(problem), fg="red")
        if report.more:
            click.secho(f"... and {report.more} more", fg="red")
        verdict = "nothing is wrong" if report.intact else f"{len(report.problems) + report.more} problems"
        since = "" if report.whole else " since the last run"
        click.echo(f"{report.records} records and {report.entries} entries of the ledger{since}: {verdict}.")
    if not report.intact:
        context.exit(1)
