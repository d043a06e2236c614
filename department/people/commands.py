"""`platepost department person`: people, their roles, certificates and training."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import click
from django.db import connection
from rich.console import Console
from rich.table import Table

from platepost.department.database.queries import rows
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, Moment, Spelled
from platepost.department.people import bulk, services
from platepost.department.people.authorization import authorizations
from platepost.department.people.errors import PersonError
from platepost.department.people.login import require_code
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Certification, DepartmentRole, Permission, TrainingTopic
from platepost.department.people.services import require_permission
from platepost.department.session import working_as

_LOGIN = click.argument("login")
_ROLE = click.Choice([role.value for role in DepartmentRole])
_DAY = Moment(["%Y-%m-%d"])


@click.group()
def person() -> None:
    """Add people, such as the first administrator, and change what only the command line may change.

    The roles administrator and auditor are asked for and ended only here, never on the pages. The first two people who
    can approve, administrators or supervisors, are added here alone. From then on a second person approves each role,
    certification and invitation on the page of the person. The ledger records each change with the system user who ran
    the command.
    """


@contextmanager
def people_register(folder: DepartmentFolder) -> Iterator[ModuleType]:
    """Have the database run, say in the ledger who asks, and give the services, which need Django to be set up."""
    with working_as(folder, OWNER):
        rows("SELECT set_config('platepost.console', %s, false)", [folder.caller])
        yield services
        connection.close()


def acting_person(folder: DepartmentFolder, permission: Permission, *, factor: bool = False) -> DepartmentPerson:
    """Return the person who runs this command, who must have a permission now; Django is set up.

    Args:
        folder: whose settings map system users to persons.
        permission: the permission; that the person lacks it is entered in the ledger.
        factor: whether to ask for a code of the person's authenticator app, as commands that show records do.

    Raises:
        PersonError: the person lacks the permission, or the code is wrong; wrong codes count as at log-on.

    """
    department_person = require_permission(folder.caller, permission)
    if factor:
        # Not hidden: a script may write it to standard input, and it is good once.
        require_code(department_person, click.prompt("Code from your authenticator app", err=True))
    return department_person


@person.command(
    epilog="""\b
Examples:
  platepost department person add vault a.rivera --name "Ana Rivera" --role administrator
  platepost department person add vault s.mori --name "Sam Mori" --role supervisor --sponsor a.rivera
  platepost department person add vault b.chen --name "Bo Chen" --badge 4711 --role dispatcher --sponsor s.mori
"""
)
@FOLDER
@_LOGIN
@click.option("--name", required=True, help="Full name.")
@click.option("--badge", default="", help="Badge number.")
@click.option("--agency", help="The person's agency.  [default: the department's]")
@click.option("--sponsor", help="Username of the person who sponsors the access, and approves the first role.")
@click.option("--role", "roles", multiple=True, type=_ROLE)
@JSON
def add(
    *,
    folder: DepartmentFolder,
    login: str,
    name: str,
    badge: str,
    agency: str | None,
    sponsor: str | None,
    roles: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add a person and print a one-time code, good for 72 hours, with which they set up a passkey.

    Once two people can approve, it prints half of the code; the sponsor, who approves the invitation, gets the other.
    """
    with people_register(folder) as services:
        department_person = services.DepartmentPerson(
            login=login, name=name, badge=badge, agency=agency or folder.settings.agency
        )
        department_person.sponsor = services.person_of(sponsor) if sponsor else None
        invitation = services.add_person(department_person, map(DepartmentRole, roles))
    _say_code(login, *invitation, as_json=as_json)


@person.command(
    "import",
    epilog="""\b
Examples:
  platepost department person import vault officers.csv --dry-run
  platepost department person import vault officers.csv --sponsor s.mori
  platepost department person import vault officers.csv --sponsor s.mori --trainer t.lee --json
The first line of FILE names its columns: login, name, badge, email, agency, roles, clets, dmv, trained. Only login is
needed. Rows with errors are left out; with any, the exit code is 1.
""",
)
@FOLDER
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sponsor", help="Username of the person who sponsors these people, and approves the list.")
@click.option("--trainer", help="Username of the trainer of everyone with a day in the column `trained`.")
@click.option("--dry-run", is_flag=True, help="Check the file and change nothing.")
@JSON
@click.pass_context
def import_(
    context: click.Context,
    *,
    folder: DepartmentFolder,
    file: Path,
    sponsor: str | None,
    trainer: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add the people of FILE, a CSV list, and ask for their roles, certifications and invitations as one list.

    A second person approves the whole list on the page People. People on file get what they lack.
    """
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PersonError(f"{file} is not UTF-8: save it as CSV UTF-8") from error
    with people_register(folder) as services:
        listed = bulk.read_people(text, agency=folder.settings.agency)
        wrong = {row.line: "; ".join(row.errors) for row in listed if row.errors}
        report: dict[str, Any] = {"rows": len(listed), "errors": wrong, "dry_run": dry_run}
        if not dry_run:
            answers_for = services.person_of(sponsor) if sponsor else None
            with click.progressbar(length=len(listed), label="People", file=sys.stderr) as bar:
                outcome = bulk.ask_for_people(listed, sponsor=answers_for, progress=lambda: bar.update(1))
            report |= {"list": str(outcome.batch), "asked": outcome.asked, "rejected": dict(outcome.rejected)}
            report["codes"] = {invited.person.login: invited.invitation.code for invited in outcome.invited}
            report["half"] = any(invited.invitation.half for invited in outcome.invited)
            if trainer is not None:
                good = [row for row in listed if not row.errors]
                report["trained"], not_trained = bulk.record_trainings(good, services.person_of(trainer))
                report["rejected"] |= dict(not_trained)
    if as_json:
        click.echo(json.dumps(report))
    else:
        _say_imported(report)
    if wrong or report.get("rejected"):
        context.exit(1)


def _say_imported(report: dict[str, Any]) -> None:
    for line, why in sorted({**report["errors"], **report.get("rejected", {})}.items()):
        click.secho(f"line {line}: {why}", fg="red", err=True)
    good = report["rows"] - len(report["errors"])
    if report["dry_run"]:
        click.echo(f"{good} of {report['rows']} rows can be imported. Nothing was changed.")
        return
    if report["half"]:
        click.echo(
            f"{len(report['codes'])} people added; {report['asked']} requests wait on the page /people/lists/"
            f"{report['list']}/ for a second person, who gets the second halves of the codes. The first halves:"
        )
    else:
        click.echo(f"{len(report['codes'])} people added. Each logs in with the code as the password, within 72 hours:")
    for login, code in report["codes"].items():
        click.echo(f"  {login}  {code}")
    if "trained" in report:
        click.echo(f"{report['trained']} results of training recorded.")


@person.command()
@FOLDER
@_LOGIN
@JSON
def invite(*, folder: DepartmentFolder, login: str, as_json: bool) -> None:
    """Reset LOGIN's log-in: delete passkeys, password and codes, and print a new one-time code.

    Once two people can approve, it prints half of the code, and a second person approves; until then all stays.
    """
    with people_register(folder) as services:
        invitation = services.invite(services.person_of(login))
    _say_code(login, *invitation, as_json=as_json)


def _say_code(login: str, code: str, half: bool, *, as_json: bool) -> None:  # noqa: FBT001 - an invitation's fields
    if as_json:
        click.echo(json.dumps({"login": login, "code": code, "half": half}))
    elif half:
        click.echo(
            f"A second person approves this on the page /people/person/{login}/ and gets the second half of the code."
            f" The first half, for {login} alone:\n  {code}"
        )
    else:
        click.echo(f"{login} logs in at /log-in/ with this code as the password, once, within 72 hours:\n  {code}")


@person.command()
@FOLDER
@_LOGIN
@click.argument("role", type=_ROLE)
@click.option("--end", is_flag=True, help="End it.")
def role(*, folder: DepartmentFolder, login: str, role: str, end: bool) -> None:
    """Ask for a ROLE for LOGIN, which a second person approves on the pages, or end it."""
    with people_register(folder) as services:
        change = services.end_role if end else services.give_role
        change(services.person_of(login), DepartmentRole(role))


@person.command()
@FOLDER
@_LOGIN
@click.argument("certification", type=click.Choice([certification.value for certification in Certification]))
@click.argument("expires", type=_DAY)
def certificate(*, folder: DepartmentFolder, login: str, certification: str, expires: datetime) -> None:
    """Record that LOGIN's certificate is valid before the day EXPIRES; this replaces the previous date.

    A second person approves it on the pages.
    """
    with people_register(folder) as services:
        end = _begin(expires, folder)
        services.note_certificate(services.person_of(login), Certification(certification), end)


@person.command()
@FOLDER
@_LOGIN
@click.argument("topic", type=click.Choice([topic.value for topic in TrainingTopic]))
@click.option("--trainer", required=True, help="Username of the trainer, who must be another person.")
@click.option("--held", type=_DAY, help="Date.  [default: today]")
@click.option("--failed", is_flag=True, help="Record that they did not pass.")
def training(
    *, folder: DepartmentFolder, login: str, topic: str, trainer: str, held: datetime | None, failed: bool
) -> None:
    """Record that LOGIN passed training in TOPIC; the last result counts."""
    with people_register(folder) as services:
        held_at = _begin(held, folder) if held else datetime.now(UTC)
        who, by = services.person_of(login), services.person_of(trainer)
        services.note_training(who, TrainingTopic(topic), held_at=held_at, passed=not failed, trainer=by)


@person.command()
@FOLDER
@_LOGIN
def disable(*, folder: DepartmentFolder, login: str) -> None:
    """End LOGIN's access now, including open sessions and streams."""
    with people_register(folder) as services:
        services.disable(services.person_of(login))


@person.command()
@FOLDER
@_LOGIN
def reinstate(*, folder: DepartmentFolder, login: str) -> None:
    """Restore LOGIN's access after it was disabled, or suspended after 90 days without log-on."""
    with people_register(folder) as services:
        services.reinstate(services.person_of(login))


@person.command()
@FOLDER
@_LOGIN
def release(*, folder: DepartmentFolder, login: str) -> None:
    """Unlock LOGIN after too many wrong passwords or codes."""
    with people_register(folder) as services:
        click.echo(f"Released: {services.release(services.person_of(login))}.")


@person.command()
@FOLDER
@click.argument("group")
@click.argument("role", type=_ROLE)
@click.option("--end", is_flag=True, help="End it.")
def group(*, folder: DepartmentFolder, group: str, role: str, end: bool) -> None:
    """Give members of the identity provider's GROUP a ROLE, from their next log-on."""
    with people_register(folder) as services:
        services.map_group(group, DepartmentRole(role), end=end)


@person.command()
@FOLDER
@_LOGIN
@click.argument(
    "group",
    type=Spelled("[a-z][a-z0-9_]{0,31}", "lowercase letters, digits and underscores, 32 at most, a letter first"),
)
@click.option("--end", is_flag=True, help="Remove them from it.")
def covert(*, folder: DepartmentFolder, login: str, group: str, end: bool) -> None:
    """Add LOGIN to a covert GROUP; only its members see its list entries and hits."""
    with people_register(folder) as services:
        services.join_covert(services.person_of(login), group, end=end)


@person.command("list")
@FOLDER
@JSON
def list_people(*, folder: DepartmentFolder, as_json: bool) -> None:
    """List people, their roles, and what they still need before they can use the system."""
    with people_register(folder) as services:
        people = authorizations(services.DepartmentPerson.objects.order_by("login"))
        entries: list[dict[str, Any]] = [
            {
                "login": person.person.login,
                "name": person.person.name,
                "agency": person.person.agency,
                "roles": sorted(person.roles),
                "active": person.person.is_active,
                "last_sign_in": person.person.last_login and person.person.last_login.isoformat(),
                "lacks": [lack.what for lack in person.lacks_for_duty()],
            }
            for person in people
        ]
    if as_json:
        click.echo(json.dumps(entries))
        return
    table = Table("log-in", "name", "roles", "lacks")
    for line in entries:
        table.add_row(line["login"], line["name"], ", ".join(line["roles"]), "\n".join(line["lacks"]))
    Console().print(table)


def _begin(day: datetime, folder: DepartmentFolder) -> datetime:
    """Return when a day begins where the department is, as the pages take it."""
    return day.replace(tzinfo=ZoneInfo(folder.settings.timezone))
