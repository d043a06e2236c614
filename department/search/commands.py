"""`platepost department search`: a search at the terminal, by the same way as every search."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from platepost.department.custody.read_fields import READ_FIELDS
from platepost.department.custody.reading import reads
from platepost.department.database.roles import COMMAND
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.entries import open_entry
from platepost.department.options import FOLDER, JSON, Moment, local_option
from platepost.department.people.commands import acting_person
from platepost.department.people.rights import Permission
from platepost.department.policy.policy import AccessPurpose
from platepost.department.search.patterns import PlatePattern
from platepost.department.search.places import Places
from platepost.department.search.plates import PlateQuery, find_plates
from platepost.department.session import working_as

_TIME = Moment(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
Command = TypeVar("Command", bound=Callable[..., Any])
MOST = 1000
"""Plates that one drill lists."""
_CHOICES_IN_HELP = 10
"""Of an option that has more, the help text lists none."""


def _field_options(command: Command) -> Command:
    """Add an option for each searchable field of a read."""
    for name, field in reversed(READ_FIELDS.items()):
        kind = click.Choice([*field.choices]) if field.choices else None
        metavar = name.upper() if len(field.choices) > _CHOICES_IN_HELP else None
        command = click.option(f"--{name}", name, type=kind, metavar=metavar, multiple=True, help=field.help)(command)
    return command


@click.command(
    epilog="""\b
Examples:
  printf '7AB?12*\\n%s\\n' "$CODE" | platepost department search vault --purpose drill --case D-7
  platepost department search vault --purpose drill --case D-7 --post main-1 --since 2026-03-01T14:00 --until 2026-03-01T15:00
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.option("--purpose", required=True, help="A purpose from the department's policy.")
@click.option("--case", required=True, help="Number of the case or drill.")
@click.option("--look-alikes", type=click.IntRange(0, 2), default=0, help="How many characters may be look-alikes.")
@click.option("--one-wrong", is_flag=True, help="Any one character may be wrong.")
@click.option("--post", "posts", multiple=True, help="Only this post.")
@click.option("--area", "areas", multiple=True, help="Only posts in this area of the department's map.")
@click.option("--since", type=_TIME, help="Captured at or after this time, in the department's time zone.")
@click.option("--until", type=_TIME, help="Captured before this time.")
@click.option("--hour", "hours", type=click.IntRange(0, 23), multiple=True, help="Hour of the day.")
@click.option("--weekday", "weekdays", type=click.IntRange(1, 7), multiple=True, help="Day of the week; 1 is Monday.")
@_field_options
@click.option("--reads", "with_reads", is_flag=True, help="Also list the reads if exactly one plate matches.")
@click.option("--limit", type=click.IntRange(1, MOST), default=25, show_default=True, help="Most plates to list.")
@JSON
def search(
    *,
    folder: DepartmentFolder,
    purpose: str,
    case: str,
    look_alikes: int,
    one_wrong: bool,
    with_reads: bool,
    limit: int,
    as_json: bool,
    **narrowed: Any,
) -> None:
    """Find plates in the records of FOLDER. The pattern comes from standard input, so no shell history keeps it.

    The next line of standard input is a code from your authenticator app; you need a role that may search.

    `?` matches one character, `*` any number, [8B] one of those listed. An empty pattern matches every plate and needs
    --post, --since and --until. The ledger records who asked, why, and what was shown.
    """
    text = click.prompt("Pattern", default="", show_default=False, err=True)
    with working_as(folder, COMMAND):
        person = acting_person(folder, Permission.SEARCH, factor=True).login
        zone = ZoneInfo(folder.settings.timezone)
        for name in ("since", "until"):
            narrowed[name] = narrowed[name] and local_option(narrowed[name], zone, name, ends=name == "until")
        narrowed["posts"] += Places.read(folder.places).posts_of(narrowed["areas"])
        pattern = PlatePattern.parse(text, budget=look_alikes, slip=one_wrong) if text.strip() else None
        fields = {name: narrowed.pop(name) for name in READ_FIELDS}
        query = PlateQuery(pattern=pattern, zone=zone.key, fields=fields, **narrowed)
        agency = folder.settings.agency
        entry_fields = {"agency": agency, "query": query.asked(text)}
        results = _results(query, person, (purpose, case), entry_fields, limit, with_reads=with_reads)
    if as_json:
        click.echo(json.dumps(results, default=datetime.isoformat))
        return
    for plate in results["plates"]:
        first, last = (plate[name].astimezone(zone) for name in ("first_seen", "last_seen"))
        times = f"{first:%Y-%m-%d %H:%M %Z} to {last:%Y-%m-%d %H:%M %Z}"
        click.echo(f"{plate['plate']:<10}{plate['reads']:>7}  {times}  {plate['why']}")
    for read in results["reads"]:
        click.echo(f"{read['captured_at'].astimezone(zone):%Y-%m-%d %H:%M:%S %Z}  {read['post']}  {read['direction']}")
    click.echo("There are more." if results["more"] else f"{len(results['plates'])} plates.", err=True)


def _results(
    query: PlateQuery,
    person: str,
    purpose: tuple[str, str],
    asked: Mapping[str, Any],
    limit: int,
    *,
    with_reads: bool,
) -> dict[str, Any]:
    """Search under an entry of the ledger; what is returned is in the ledger, and may be shown."""
    with open_entry(person=person, purpose=AccessPurpose(*purpose), **asked) as entry:
        page = find_plates(entry, query, limit=limit)
        alone = page.plates[0].seen.plate if with_reads and len(page.plates) == 1 else None
        rows = reads(entry, query.read_filter([alone])) if alone else []
    plates = [
        {
            "plate": match.seen.spelled,
            "reads": match.seen.count,
            "first_seen": match.seen.first_seen,
            "last_seen": match.seen.last_seen,
            "why": ", ".join(match.why),
        }
        for match in page.plates
    ]
    match = [
        {name: row[name] for name in ("record_id", "post", "captured_at", "plate_read", "confidence")}
        | {name: field.values_in(row) if field.several else row[name] for name, field in READ_FIELDS.items()}
        for row in rows
    ]
    return {"plates": plates, "reads": match, "more": bool(page.next)}
