"""`platepost department retention`, `hold` and `purge`: how long records are kept, what is held, how the rest goes."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from django.db import transaction
from django.utils import timezone

from platepost.department.archive.holds import (
    HoldScope,
    folded_plates,
    lift_hold,
    place_again,
    place_hold,
    review_hold,
    write_aside,
)
from platepost.department.archive.models import Hold, PurgePlan, RetentionTerm
from platepost.department.archive.purge import (
    Certifier,
    PurgeAuthority,
    approve_purge,
    approved_plans,
    carry_out,
    plan_purge,
    planned_parts,
)
from platepost.department.archive.purge import certificate as of_plan
from platepost.department.archive.purge import replay as plan_again
from platepost.department.archive.retention import due, note_destroyed, set_term
from platepost.department.database.roles import PURGER, WEB
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, NUMBER, Moment, local_option, progress_bar
from platepost.department.people.commands import acting_person
from platepost.department.people.rights import Permission
from platepost.department.people.services import covert_groups, person_of
from platepost.department.session import working_as
from platepost.provisioning.trust.keys import signing_jwk

_DAY = Moment(["%Y-%m-%d"])
_TIME = Moment(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
_KINDS = ("evidence", "civil action", "records request", "litigation")
_PLAN = click.argument("plan", type=click.UUID)
_HOLD = click.argument("number", type=NUMBER)


@click.group()
def retention() -> None:
    """Set how long each class of records is kept, within legal limits."""


@click.group()
def hold() -> None:
    """Hold records that are evidence, or requested, back from purges."""


@click.group()
def purge() -> None:
    """Delete records past their retention period: plan, have a second person approve, run, keep the certificate."""


def _command(group: click.Group, name: str, *examples: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command about a folder, with examples of what stands behind its name."""
    lines = (f"  platepost department {group.name} {name} vault {example}".rstrip() for example in examples)
    epilog = "\b\n" + "\n".join(["Examples:", *lines])
    return lambda function: group.command(name=name, epilog=epilog)(FOLDER(function))


def _print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, default=str))
        return
    for row in rows:
        click.echo("  ".join(f"{name} {value}" for name, value in row.items() if value not in (None, [], "")))


@_command(retention, "show", "", "--json | jq '.[] | select(.overdue > 0)'")
@JSON
def show_terms(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Show the retention periods of FOLDER in days, and how many partitions are due and overdue."""
    with working_as(folder, WEB):
        parts = due()
        terms = [
            {
                "class": term.retention,
                "law": term.law,
                "at_least": term.floor_days,
                "at_most": term.ceiling_days,
                "kept": term.kept_days,
                "due": sum(part.retention == term.retention for part in parts),
                "overdue": sum(part.retention == term.retention and part.overdue for part in parts),
            }
            for term in RetentionTerm.objects.all()
        ]
    _print_rows(terms, as_json=as_json)


@_command(retention, "set", "hit 1830")
@click.argument("retention_class", metavar="CLASS")
@click.argument("days", type=click.IntRange(0, 36_525))
def change_term(*, folder: DepartmentFolder, retention_class: str, days: int) -> None:
    """Keep a CLASS of FOLDER for DAYS days; legal minimums and maximums apply."""
    with working_as(folder, WEB):
        set_term(acting_person(folder, Permission.PURGE).login, retention_class, days)


@_command(retention, "destroyed", "riverside-20270131T030000Z.backup.age")
@click.argument("name")
def destroyed(*, folder: DepartmentFolder, name: str) -> None:
    """Record that the expired backup NAME was destroyed at its other location."""
    with working_as(folder, WEB):
        note_destroyed(acting_person(folder, Permission.PURGE).login, name)


@_command(
    hold,
    "place",
    '--kind evidence --case 26-417 --reason "homicide" --review 2027-06-01 --record 812 --record 813',
    "--kind litigation ... --post main-1 --since 2026-03-01T14:00 --until 2026-03-01T16:00",
    "--kind evidence ... --since 2026-03-01 --until 2026-04-01 --plates < plates.txt",
)  # fmt: skip
@click.option("--kind", type=click.Choice(_KINDS), required=True)
@click.option("--case", required=True, help="Number of the case, request or action.")
@click.option("--reason", required=True)
@click.option("--review", type=_DAY, required=True, help="Date of the next review. A hold never ends automatically.")
@click.option("--record", "records", type=NUMBER, multiple=True, help="A record's number; its whole passage is held.")
@click.option("--post", "posts", multiple=True, help="Everything this post captures between --since and --until.")
@click.option("--plates", "with_plates", is_flag=True, help="Only plates listed on standard input, one per line.")
@click.option("--since", type=_TIME, help="In the department's time zone.")
@click.option("--until", type=_TIME)
@JSON
def place(
    *,
    folder: DepartmentFolder,
    kind: str,
    case: str,
    reason: str,
    review: datetime,
    with_plates: bool,
    as_json: bool,
    **scope: Any,
) -> None:
    """Place a hold on records of FOLDER. It takes effect at once, even while a purge runs."""
    zone = ZoneInfo(folder.settings.timezone)
    for name in ("since", "until"):
        scope[name] = scope[name] and local_option(scope[name], zone, name, ends=name == "until")
    with working_as(folder, WEB):
        scope["plates"] = folded_plates(sys.stdin.read() if with_plates else "")
        person, day = acting_person(folder, Permission.PLACE_HOLD).login, review.date()
        scope["groups"] = covert_groups(person_of(person))
        rows = {"person": person, "kind": kind, "case": case, "reason": reason}
        placed = place_hold(**rows, review_on=day, scope=HoldScope(**scope))
    _print_rows([{"hold": placed.pk}], as_json=as_json)


@_command(hold, "lift", '7 --because "case closed, appeal period over"')
@_HOLD
@click.option("--because", required=True)
def lift(*, folder: DepartmentFolder, number: int, because: str) -> None:
    """Lift hold NUMBER. Records it held are deleted by the next purge if their retention period is over."""
    with working_as(folder, WEB):
        lift_hold(person=acting_person(folder, Permission.REMOVE_HOLD).login, hold=number, because=because)


@_command(hold, "review", "7 --again 2027-12-01")
@_HOLD
@click.option("--again", type=_DAY, required=True, help="Date of the next review.")
def review(*, folder: DepartmentFolder, number: int, again: datetime) -> None:
    """Record that hold NUMBER was reviewed and stays."""
    with working_as(folder, WEB):
        review_hold(person=acting_person(folder, Permission.REMOVE_HOLD).login, hold=number, review_on=again.date())


@_command(hold, "list", "", "--json | jq '.[] | select(.review_due)'")
@JSON
def holds(*, folder: DepartmentFolder, as_json: bool) -> None:
    """List the active holds. Records and plates are counted, not shown."""
    names = ("kind", "case_number", "person", "reason", "posts", "since", "until", "review_on")
    with working_as(folder, WEB):
        rows = [
            {"hold": hold.pk}
            | {name: getattr(hold, name) for name in names}
            | {"records": len(hold.records), "plates": len(hold.plates)}
            | {"review_due": hold.review_on <= timezone.localdate()}
            for hold in Hold.objects.filter(lifted_at=None)
        ]
    _print_rows(rows, as_json=as_json)


@_command(hold, "copy")
def copy(*, folder: DepartmentFolder) -> None:
    """Rewrite the copy of the holds next to FOLDER's receipt log. Every change of a hold does this, too."""
    with working_as(folder, WEB):
        write_aside(whatever_comes=False)


@_command(
    purge,
    "plan",
    '--resolution 2026-117 --resolution-date 2026-09-08 --attorney "J. Ortiz" --consent-date 2026-09-15',
    '... --review "the clock of post-3 was wrong in May, seen by r.lee"    # doubtful records too',
)
@click.option("--resolution", help="Number of the legislative body's resolution.")
@click.option("--resolution-date", type=_DAY)
@click.option("--attorney", help="Attorney who gave the agency's written consent.")
@click.option("--consent-date", type=_DAY)
@click.option(
    "--class",
    "classes",
    multiple=True,
    help="Only this class of records, as `retention show` lists it; repeat for more.",
)
@click.option("--review", help="Result of the review of doubtful records; without it they stay.")
@click.option("--backup", "backups", multiple=True, help="A backup that contains the records.")
@JSON
def plan_(
    *,
    folder: DepartmentFolder,
    classes: tuple[str, ...],
    review: str | None,
    backups: tuple[str, ...],
    as_json: bool,
    **authority: Any,
) -> None:
    """Plan the purge of everything in FOLDER past its retention period. Nothing is deleted yet."""
    for name in ("resolution_date", "consent_date"):
        authority[name] = authority[name] and authority[name].date()
    with working_as(folder, WEB):
        word = PurgeAuthority(**authority)
        plan = plan_purge(
            acting_person(folder, Permission.PLAN_PURGE).login, word, classes=classes, review=review, backups=backups
        )
        rows = _parts(plan.plan)
    _print_rows(rows, as_json=as_json)


def _parts(plan: UUID) -> list[dict[str, Any]]:
    return [
        {
            "plan": plan,
            "class": part.retention,
            "from": part.begins,
            "to": part.ends,
            **part.shown,
            "gone": part.dropped,
        }
        for part in planned_parts(plan)
    ]


@_command(purge, "list", "", "--json | jq '.[] | select(.done_at == null)'")
@JSON
def plans(*, folder: DepartmentFolder, as_json: bool) -> None:
    """List the plans, and who planned and approved each."""
    with working_as(folder, WEB):
        rows = [dict(row) for row in PurgePlan.objects.values()]
    _print_rows(rows, as_json=as_json)


@_command(purge, "show", "0198c1f2-... --json")
@_PLAN
@JSON
def show_parts(*, folder: DepartmentFolder, plan: UUID, as_json: bool) -> None:
    """Show what PLAN would delete, by class and time, and how much of it is held."""
    with working_as(folder, WEB):
        rows = _parts(plan)
    _print_rows(rows, as_json=as_json)


@_command(purge, "approve", "0198c1f2-...")
@_PLAN
def approve(*, folder: DepartmentFolder, plan: UUID) -> None:
    """Approve PLAN. You must not be the person who made it."""
    with working_as(folder, WEB):
        approve_purge(acting_person(folder, Permission.PURGE).login, plan)


@_command(purge, "run", "      # each night, by `nightly`", "0198c1f2-...      # it may be cut off, and given again")
@click.argument("plan", type=click.UUID, required=False)
def run(*, folder: DepartmentFolder, plan: UUID | None) -> None:
    """Run PLAN, or every approved plan that is still current, and certify it. The archive service may keep running."""
    with working_as(folder, PURGER), progress_bar("parts") as progress:
        certifier = Certifier(folder.settings, signing_jwk(folder.custody_key), folder.purges)
        for approved_plan in [plan] if plan else approved_plans():
            carry_out(approved_plan, certifier, person=folder.caller, progress=progress)


@_command(purge, "certificate", "0198c1f2-... > purge.jsonl")
@_PLAN
def certificate(*, folder: DepartmentFolder, plan: UUID) -> None:
    """Print the certificate of PLAN, with a line for each range of deleted records; covert groups are left out."""
    with working_as(folder, PURGER), transaction.atomic():
        for line in of_plan(plan):
            click.echo(line)


@_command(purge, "replay", "--json | jq -r '.[].plan' | xargs -n1 platepost department purge run vault")
@JSON
def replay(*, folder: DepartmentFolder, as_json: bool) -> None:
    """After a restore, plan again the purges that FOLDER has certificates of; then `run` them.

    First, holds placed after the backup are restored from the copy next to the receipt log. Records that were held when
    a purge ran are held again, for review within 30 days.
    """
    with working_as(folder, WEB):
        if folder.holds_aside.exists():
            missing = place_again(folder.caller, folder.holds_aside)
            if missing:
                click.echo(
                    f"{missing} records of holds have not arrived yet: run it again once posts have sent them.",
                    err=True,
                )
        certifier = Certifier(folder.settings, signing_jwk(folder.custody_key), folder.purges)
        rows = [{"plan": number} for number in plan_again(folder.caller, certifier)]
    _print_rows(rows, as_json=as_json)
