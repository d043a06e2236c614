"""`platepost provision acts`: what people did to the fleet."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from device.records import Audit
from provisioning.commands.options import FLEET, JSON
from provisioning.fleet import Fleet
from provisioning.hotlist.files import mark_of, marking_key, marks_in
from provisioning.layout import NOBODY
from provisioning.trust.keys import opened_pem


@click.command(
    epilog="""\b
Examples:
  platepost provision acts fleet
  platepost provision acts fleet --person r-alvarez --json
  platepost provision acts fleet --file export-of-monday.csv                into which lists it went, and who built them
  platepost verify fleet/acts/acts.jsonl --key fleet/people/keys --whole     that nothing is missing or changed
"""
)
@FLEET
@click.option("--person", help="Only what this person did.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only what was made of this file, an export say; takes the department's own key.",
)
@JSON
def acts(*, directory: Path, person: str | None, file: Path | None, as_json: bool) -> None:
    """Show what people did: who, what, to what, when, why.

    What nobody signed for stands there with the system's user; what was begun and not ended, as after a crash, says so.
    """
    fleet = Fleet.load(directory)
    known = list(fleet.acts)
    ended = {act.details.get("ends") for act in known}
    known = [act for act in known if person in {None, act.identity}]
    if file is not None:
        mark = mark_of(file, marking_key(opened_pem(fleet.list_unseal_key())))
        known = [act for act in known if mark in marks_in(act.details)]
    if as_json:
        click.echo(json.dumps([act.wire() for act in known]))
        return
    table = Table("when (UTC)", "who", "what", "to what", "outcome", "purpose")
    for act in known:
        outcome = act.outcome if act.reason is None else f"{act.outcome}: {act.reason}"
        if "begins" in act.details:
            outcome = "begun" if act.details["begins"] in ended else "[red]begun, and no end of it[/red]"
        purpose = escape(str(act.details.get("purpose", "")))
        when = f"{act.occurred:%Y-%m-%d %H:%M:%S}"
        table.add_row(when, _who(act), act.action, escape(act.object or ""), outcome, purpose)
    Console().print(table)


def _who(act: Audit) -> str:
    """Return who did it; what nobody signed for by the system's user."""
    user = escape(str(act.details.get("user", "")))
    return f"[red]{NOBODY}[/red]: {user}" if act.identity == NOBODY else act.identity
