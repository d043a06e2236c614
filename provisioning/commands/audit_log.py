"""`platepost provision audit-log`: what people did to the fleet."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from platepost.common.text import shown
from platepost.provisioning.commands.options import FILE, FLEET, JSON
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.layout import NOBODY
from platepost.provisioning.hotlist.files import mark_of, marking_key, marks_in
from platepost.provisioning.trust.keys import opened_pem
from platepost.wire.records import Audit


@click.command(
    epilog="""\b
Examples:
  platepost provision audit-log fleet
  platepost provision audit-log fleet --person r-alvarez --json
  platepost provision audit-log fleet --file export-of-monday.csv          into which lists it went, and who built them
  platepost provision audit-log fleet --head                                      where the log ends, to be noted down
  platepost verify fleet/acts/acts.jsonl --key fleet/people/keys --whole --head 14:8ac904d33620c4d13940cb1e...
                                                                             that nothing is missing or changed
"""
)
@FLEET
@click.option("--person", help="Only acts of this person.")
@click.option(
    "--file", "file", type=FILE, help="Only acts on this file, such as an export; needs the department's own key."
)
@click.option("--head", "head_only", is_flag=True, help="Print only the log's head, to be kept elsewhere.")
@JSON
def audit_log(*, directory: Path, person: str | None, file: Path | None, head_only: bool, as_json: bool) -> None:
    """Show what people did: who, what, to what, when, why.

    Unsigned acts show the system's user; acts that were started but not finished, as after a crash, are marked. A log
    whose end was cut off looks complete: write down its head (--head) in a safe place, and give it to `platepost
    verify` at the next audit.
    """
    fleet = Fleet.load(directory)
    if head_only:
        _show_head(fleet, as_json=as_json)
        return
    known = list(fleet.acts)
    ended = {act.details.get("ends") for act in known}
    known = [act for act in known if person in {None, act.identity}]
    if file is not None:
        mark = mark_of(file, marking_key(opened_pem(fleet.list_decryption_key())))
        known = [act for act in known if mark in marks_in(act.details)]
    if as_json:
        click.echo(json.dumps([act.wire() for act in known]))
        return
    table = Table("when (UTC)", "who", "what", "to what", "outcome", "purpose")
    for act in known:
        outcome = act.outcome if act.reason is None else f"{act.outcome}: {act.reason}"
        if "begins" in act.details:
            outcome = "begun" if act.details["begins"] in ended else "[red]begun, and no end of it[/red]"
        purpose = shown(str(act.details.get("purpose", "")))
        when = f"{act.occurred:%Y-%m-%d %H:%M:%S}"
        table.add_row(when, _who(act), act.action, shown(act.object or ""), outcome, purpose)
    Console().print(table)


def _show_head(fleet: Fleet, *, as_json: bool) -> None:
    head = fleet.acts.head
    if head is None:
        raise ProvisioningError(f"{fleet.acts.path}: nothing has been logged yet")
    fields = {"head": str(head), "number": head.sequence, "digest": head.digest}
    click.echo(json.dumps(fields) if as_json else str(head))


def _who(act: Audit) -> str:
    """Return who did it; what no one signed for by the system's user."""
    user = shown(str(act.details.get("user", "")))
    return f"[red]{NOBODY}[/red]: {user}" if act.identity == NOBODY else act.identity
