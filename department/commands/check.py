"""`platepost department check`: whether an installation is secure and whole."""

import json
from dataclasses import asdict

import click

from platepost.department.config.checks import installation_faults
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON


@click.command(
    epilog="""\b
Examples:
  platepost department check /var/lib/platepost-department
  platepost department check /var/lib/platepost-department --json
"""
)
@FOLDER
@JSON
def check(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Check the installation in FOLDER for what is insecure or incomplete.

    It changes nothing. The exit code is 1 if something must be fixed; warnings alone leave it at 0.
    """
    faults = list(installation_faults(folder))
    if as_json:
        click.echo(json.dumps([asdict(fault) for fault in faults]))
    for fault in faults if not as_json else ():
        click.secho(f"{fault.name}: {fault.message}", fg="red" if fault.grave else "yellow")
    if any(fault.grave for fault in faults):
        raise SystemExit(1)
    if not as_json:
        click.echo("Nothing is wrong." if not faults else "Nothing else is wrong.")
