"""`platepost department audit`: the nightly rules against misuse, households, reports; and the export of the ledger."""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from platepost.department.audits.household import HouseholdKey, note_household, require_published
from platepost.department.audits.nightly import detect_misuse
from platepost.department.audits.reports import month_report
from platepost.department.database.roles import COMMAND, KEEPER, MISUSE
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.commands import ledger
from platepost.department.ledger.export import ledger_lines
from platepost.department.ledger.writing import append
from platepost.department.options import FOLDER, JSON, Moment
from platepost.department.people.commands import acting_person
from platepost.department.people.rights import Permission
from platepost.department.session import connected, working_as

_KEY = click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the household key.  [default: FOLDER/household-key]",
)
_MONTH = Moment(["%Y-%m"])


@click.group()
def audit() -> None:
    """Check the ledger for misuse, record people's household plates, and report searches by month."""


@audit.command(
    epilog="""\b
Examples:
  platepost department audit misuse /var/lib/platepost-department      # each night, by a timer
  platepost department audit misuse vault --json | jq .findings
"""
)
@FOLDER
@_KEY
@JSON
def misuse(*, folder: DepartmentFolder, key: Path | None, as_json: bool) -> None:
    """Check the ledger of FOLDER for misuse, and open a finding for each suspicion.

    Each finding states what was seen and what is usual. A rule makes one finding per person and month, so you can run
    the command again. The access log records that it was read.
    """
    with working_as(folder, MISUSE):
        path = key or folder.household_key
        held = HouseholdKey(path) if key or path.exists() else None
        if held is not None:
            require_published(held, folder.household_public)
        result = detect_misuse(person=folder.caller, agency=folder.settings.agency, key=held)
    if as_json:
        findings = [
            {"rule": finding.rule, "subject": finding.subject, "says": finding.says} for finding in result.suspected
        ]
        fields = {
            "since": result.since,
            "until": result.until,
            "searches": result.searches,
            "new": len(result.new_findings),
        }
        click.echo(json.dumps({**fields, "households": held is not None, "findings": findings}, default=str))
        return
    for finding in result.suspected:
        click.echo(f"{finding.subject}: {finding.rule}. {finding.says}")
    click.echo(f"{result.searches} searches since {result.since:%Y-%m-%d}: {len(result.new_findings)} new findings.")
    if held is None:
        click.echo("There is no household key: no household was compared.", err=True)


@audit.command(
    epilog="""\b
Examples:
  platepost department audit household vault b.chen --consent "form of 2026-11-02, personnel file" < plates
  platepost department audit household vault b.chen --consent "withdrawn on 2026-12-01" < /dev/null
"""
)
@FOLDER
@click.argument("login")
@click.option("--consent", required=True, help="Where the person's consent is filed.")
@_KEY
@JSON
def household(*, folder: DepartmentFolder, login: str, consent: str, key: Path | None, as_json: bool) -> None:
    """Replace the household plates of LOGIN; reads one plate per line from standard input.

    Only an HMAC of each plate is stored. Empty input withdraws the consent. People can do the same on their own page.
    """
    with working_as(folder, COMMAND):
        plates = [line for line in sys.stdin.read().splitlines() if line.strip()]
        held = HouseholdKey(key or folder.household_key)
        require_published(held, folder.household_public)
        count = note_household(held, login, plates, consent=consent, by=folder.caller)
    click.echo(json.dumps({"login": login, "plates": count}) if as_json else f"{login}: {count} plates are noted.")


@audit.command(
    epilog="""\b
Examples:
  platepost department audit report vault --month 2026-10 --json
"""
)
@FOLDER
@click.option("--month", type=_MONTH, required=True, metavar="YYYY-MM", help="In the department's time zone.")
@JSON
def report(*, folder: DepartmentFolder, month: datetime, as_json: bool) -> None:
    """Count a month's searches by purpose and agency, and show how old the reads they returned were."""
    with working_as(folder, COMMAND):
        month_figures = month_report(month.date(), person=folder.caller, agency=folder.settings.agency)
    if as_json:
        click.echo(json.dumps(month_figures.summary()))
        return
    for count in month_figures.searches:
        whose = f"{count.agency or ''}{f' for {count.on_behalf_of}' if count.on_behalf_of else ''}"
        click.echo(f"{count.purpose or 'erased':<32}{whose:<24}{count.searches:>7} searches, {count.people} people")
    for age, records in month_figures.ages.items():
        click.echo(f"{age:<32}{records:>7} reads")


@ledger.command(
    epilog="""\b
Examples:
  platepost department ledger export /var/lib/platepost-department --outsider > ledger.jsonl
  node examples/node/ledger.mjs ledger.jsonl
  platepost department ledger export /var/lib/platepost-department --outsider --to ledger.jsonl --json
"""
)
@FOLDER
@click.option("--outsider", is_flag=True, help="Leave out the bodies: no person, case or plate.")
@click.option(
    "--to", type=click.File("x", encoding="utf-8", lazy=False), help="Write to a new file instead of standard output."
)
@JSON
def export(*, folder: DepartmentFolder, outsider: bool, to: TextIO | None, as_json: bool) -> None:
    """Export the ledger of FOLDER as JSON Lines, in the format of docs/ledger-format.md.

    With bodies, it names people, cases and plates, including those of covert groups: it then needs a role that reads
    the ledger, and asks for a code from your authenticator app. The ledger records the export first.
    """
    if as_json and to is None:
        raise click.UsageError("--json reports what was written: it needs --to")
    with working_as(folder, KEEPER if outsider else COMMAND), connected(folder, KEEPER) as keeper:
        person = folder.caller if outsider else acting_person(folder, Permission.READ_LEDGER, factor=True).login
        what = "entries" if outsider else "entries and bodies"
        append(LedgerEvent.LOG_EXPORTED, {"person": person, "what": what})
        if to is not None:
            os.fchmod(to.fileno(), 0o600)
        written = 0
        for line in ledger_lines(keeper, bodies=not outsider):
            written += (to or sys.stdout).write(line) > 0
    if to is not None:
        fields = {"file": to.name, "what": what, "lines": written}
        click.echo(json.dumps(fields) if as_json else f"{written} lines in {to.name}.")
