"""`platepost provision acts`: what people did to the fleet."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from provisioning.commands.options import FLEET, JSON
from provisioning.fleet import Fleet


@click.command(
    epilog="""\b
Examples:
  platepost provision acts fleet
  platepost provision acts fleet --person r-alvarez --json
  platepost verify fleet/acts/acts.jsonl --key fleet/people/keys --whole     that nothing is missing or changed
"""
)
@FLEET
@click.option("--person", help="Only what this person did.")
@JSON
def acts(*, directory: Path, person: str | None, as_json: bool) -> None:
    """Show what people did: who, what, to what, when, why."""
    known = [act for act in Fleet.load(directory).acts if person in {None, act.identity}]
    if as_json:
        click.echo(json.dumps([act.wire() for act in known]))
        return
    table = Table("when (UTC)", "who", "what", "to what", "outcome", "purpose")
    for act in known:
        outcome = act.outcome if act.reason is None else f"{act.outcome}: {act.reason}"
        purpose = str(act.details.get("purpose", ""))
        when = f"{act.occurred:%Y-%m-%d %H:%M:%S}"
        table.add_row(when, act.identity, act.action, act.object or "", outcome, purpose)
    Console().print(table)
