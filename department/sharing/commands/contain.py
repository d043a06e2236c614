"""`platepost department contain`: what is to be done at once about a breach, in one step."""

import json
import shutil
from pathlib import Path

import click

from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, NUMBER, run_platepost
from platepost.department.people.commands import people_register
from platepost.department.sharing.incidents import contain as contain_people
from platepost.department.sharing.incidents import containment
from platepost.department.sharing.models import BreachIncident
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import write_register


@click.command(
    epilog="""\b
Examples:
  platepost department contain vault 3                       # an account or a browser
  platepost department contain vault 4 --fleet fleet --reload "systemctl restart mosquitto"      # a subscriber
"""
)
@FOLDER
@click.argument("incident", type=NUMBER)
@click.option(
    "--fleet",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="For a subscriber: the fleet's folder, where its certificate is revoked.",
)
@click.option("--reload", "reload_command", help="For a subscriber: command that reloads the broker.")
@JSON
@click.pass_context
def contain(
    context: click.Context,
    *,
    folder: DepartmentFolder,
    incident: int,
    fleet: Path | None,
    reload_command: str | None,
    as_json: bool,
) -> None:
    """Contain the breach of INCIDENT in FOLDER: take the immediate steps from the incident page.

    An account is disabled. Everyone who logged on from a stolen browser is signed out, must set up log-in again, and
    gets a new one-time code, printed here. A subscriber's certificate is revoked; the archive service follows within a
    minute. Steps that people must take are listed. The exit code is 1 while anything is left to do.
    """
    with people_register(folder):
        breach_incident = BreachIncident.objects.filter(pk=incident).first()
        if breach_incident is None:
            raise DepartmentError(f"there is no incident {incident}")
        codes = contain_people(breach_incident)
        if breach_incident.kind == "subscriber" and fleet is not None:
            _revoke(folder, fleet, breach_incident.subject, f"incident {incident}", reload_command)
        steps = containment(breach_incident)
    if as_json:
        click.echo(json.dumps({"incident": incident, "codes": codes, "steps": dict(steps)}))
    else:
        for login, code in codes.items():
            click.echo(f"{login} logs in once with {code}")
        for step, done in steps:
            click.secho(f"{'done' if done else 'NOT done'}: {step}", fg=None if done else "red")
    context.exit(0 if all(done for _, done in steps) else 1)


def _revoke(folder: DepartmentFolder, fleet: Path, name: str, purpose: str, reload_command: str | None) -> None:
    reload = [] if reload_command is None else ["--reload", reload_command]
    line = ["provision", "subscriber", "revoke", str(fleet), name, "--purpose", purpose, *reload]
    failed = run_platepost(*line)
    if failed is not None:
        raise DepartmentError(f"{name} was not revoked: {failed}")
    register_file, _ = write_register(Fleet.load(fleet))
    if register_file.resolve() != folder.register_file.resolve():
        shutil.copyfile(register_file, folder.register_file)
