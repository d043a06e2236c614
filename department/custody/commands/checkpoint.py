"""`platepost department checkpoint`: one checkpoint, now."""

import json

import click

from platepost.department.custody.checkpoint_service import checkpointer_of, make_checkpoint
from platepost.department.custody.register import KeyRegister
from platepost.department.database.roles import KEEPER
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.heads import opened_head
from platepost.department.ledger.published import PAGE
from platepost.department.options import FOLDER, JSON
from platepost.department.session import connected, working_as
from platepost.provisioning.trust.keys import signing_jwk


@click.command(
    epilog="""\b
Examples:
  platepost department checkpoint /var/lib/platepost-department      # to try the settings
"""
)
@FOLDER
@JSON
@click.pass_context
def checkpoint(context: click.Context, *, folder: DepartmentFolder, as_json: bool) -> None:
    """Make a checkpoint of FOLDER now, sign it, and send it to every destination.

    The archive service makes one each minute by itself: stop it first, for both would sign. The exit code is 1 if a
    destination did not take it.
    """
    settings = folder.settings
    register = KeyRegister(
        folder.register_file, folder.register_key, agency=settings.agency, state_file=folder.stored_register
    )
    with working_as(folder, KEEPER), connected(folder, KEEPER) as keeper:
        signed = make_checkpoint(checkpointer_of(folder, keeper, register), folder)
        if signed is None:
            raise DepartmentError("the access log is empty")
        select = "SELECT destination, error FROM ledger_sent WHERE destination <> %s ORDER BY 1"
        sent: dict[str, str] = dict(keeper.execute(select, [PAGE]).fetchall())
    head = opened_head(signed, signing_jwk(folder.custody_key))
    if as_json:
        fields = {"number": head.number, "digest": head.digest, "records": head.records, "problems": [*head.problems]}
        click.echo(json.dumps({**fields, "sent": sent, "signed": signed.decode()}))
    else:
        click.echo(f"{head.number} entries and {head.records} records were signed.")
        for place, error in sent.items():
            click.secho(f"{place}: {error or 'sent'}", fg="red" if error else None)
    if any(sent.values()):
        context.exit(1)
