"""`platepost department upgrade`: the schema of this version."""

import json

import click

from platepost.department.config.upgrade import upgrade as apply
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON
from platepost.department.session import running_database
from platepost.department.sharing.laws import law_differs


@click.command(
    epilog="""\b
Example:
  systemctl stop platepost-department-keeper && platepost department upgrade /var/lib/platepost-department
"""
)
@FOLDER
@JSON
def upgrade(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Upgrade the database of FOLDER to this version.

    Stop the archive service first if it is of another version. No records are lost meanwhile: they wait at the broker
    and on the posts. Running it again is harmless.
    """
    with running_database(folder):
        applied = apply(folder)
        if law_differs():
            click.secho(
                "The policy file names another law than the one that the database enforces, which stays: two persons"
                " change it on the page of the policy.",
                fg="yellow",
                err=True,
            )
    if as_json:
        click.echo(json.dumps({"applied": applied}))
    elif applied:
        click.echo(f"Applied {', '.join(applied)}.")
    else:
        click.echo("The database has the schema of this version already.")
