"""`platepost provision fleet status`: every post of a fleet, for people, scripts and monitoring."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from cryptography import x509
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from platepost.common.commands.options import Number
from platepost.common.signals import stop_on_signals
from platepost.common.text import printable, shown
from platepost.provisioning.commands.options import BROKER, FLEET
from platepost.provisioning.connection import Connection
from platepost.provisioning.control.status import (
    CheckResult,
    Grade,
    Thresholds,
    judge,
    overall,
    record_keys,
    unlogged_lists,
)
from platepost.provisioning.enrollment.officer import RegistrationOfficer
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet import expiry
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.reads import warning
from platepost.provisioning.fleet.rotation import unmatched_broker
from platepost.provisioning.people import administrators
from platepost.wire.records import DEPARTMENT_PURPOSES, Purpose, Source
from platepost.wire.verify.noted_heads import LEAST_DIGITS, NotedHead

_COLORS = {Grade.OK: "green", Grade.WARNING: "yellow", Grade.CRITICAL: "red", Grade.UNKNOWN: "magenta"}
_WIDE = 120
"""Characters of a terminal from which on all columns are shown."""
_MORE = ("software", "configuration", "certificate")
_NAME = 12
"""Characters of a post's name beside which the longest name of a fault fits into 80."""


@click.command(
    epilog="""\b
Examples:
  platepost provision fleet status fleet
  platepost provision fleet status fleet --broker broker.riverside.example:8883 --brief    for Nagios, Icinga
  platepost provision fleet status fleet --json | jq '.posts[] | select(.grade != "OK")'
"""
)
@FLEET
@BROKER
@click.option(
    "--wait",
    "seconds",
    type=Number(0, 86_400, min_open=True),
    default=3,
    show_default=True,
    help="Seconds to wait for the broker's retained messages.",
)
@click.option("--certificate-days", type=Number(0, 3650), default=30, show_default=True, help="When to warn.")
@click.option("--unread-hours", type=Number(0, 87_600), default=24, show_default=True, help="When to warn.")
@click.option("--brief", is_flag=True, help="Print one line, for monitoring.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(
    *,
    directory: Path,
    broker: str | None,
    seconds: float,
    certificate_days: float,
    unread_hours: float,
    brief: bool,
    as_json: bool,
) -> None:
    """Show every post in the fleet of DIRECTORY: state, hot list, last read, and faults with their severity.

    A terminal of 120 characters also shows software, configuration and certificate; --json shows everything.

    Only signed statuses count. It warns of certificates that expire soon, with the command that renews each (critical
    in the last seven days); of a broker's key that is not its certificate's; of the end of the last administrator's or
    the enrollment server's certification; and of hot lists that the log of acts does not know. A fleet without a
    custodian gets a notice, which does not change the exit code.

    Exit codes are those of monitoring plugins: 0 OK; 1 warning (a major or minor fault); 2 critical (a post that is
    offline, silent, not genuine or has a critical fault, or a certification that has ended); 3 the broker does not
    answer.
    """
    limits = Thresholds(certificate=timedelta(days=certificate_days), unread=timedelta(hours=unread_hours))
    try:
        fleet = Fleet.load(directory)
        rows = look(fleet, broker or fleet.broker_address, seconds, limits)
        officer = RegistrationOfficer.noted(fleet)
        warnings = [None if officer is None else officer.warning(fleet), administrators.warning(fleet.people)]
        shown = shown_by(fleet, broker or fleet.broker_address) if rows else None
        ends = list(expiry.expiries(fleet, serves_enrollment=officer is not None, shown=shown))
        warnings += [one.warning(ahead=limits.certificate) for one in ends]
        unmatched = unmatched_broker(fleet)
        warnings.append(None if unmatched is None else (unmatched, True))
        reads = warning(fleet.subscribers(), fleet.reads(), fleet.broker.access_list.read_text("utf-8"))
        warnings.append(None if reads is None else (reads, False))
        notice = None if fleet.required_custodians() else _no_custodian(fleet, directory)
        head, wrong = _acts(fleet, rows)
        warnings.append(None if wrong is None else (wrong, False))
    except ProvisioningError as error:
        click.echo(f"FLEET UNKNOWN - {error}", err=not brief)
        raise SystemExit(int(Grade.UNKNOWN)) from error
    office = None
    grade = overall(rows)
    present = [warning for warning in warnings if warning is not None]
    if present:
        office = "; ".join(text for text, _ in present)
        grade = max(grade, Grade.CRITICAL if any(has_ended for _, has_ended in present) else Grade.WARNING)
    if as_json:
        acts = None if head is None else str(head)
        posts = [row.wire() for row in rows]
        certificates = [one.wire() for one in ends]
        notices = [] if notice is None else [notice]
        said_of_fleet = {"grade": grade.name, "office": office, "notices": notices, "acts": acts}
        click.echo(json.dumps(said_of_fleet | {"certificates": certificates, "posts": posts}))
    elif brief:
        click.echo(line(rows, grade=grade, office=office, acts=head))
    else:
        console = Console()
        console.print(table(rows, width=console.width))
        console.print(line(rows, grade=grade, office=office, acts=head), highlight=False, soft_wrap=True)
        if notice is not None:
            console.print(f"Notice: {notice}", highlight=False, soft_wrap=True)
    raise SystemExit(int(grade))


def _no_custodian(fleet: Fleet, directory: Path) -> str:
    there = fleet.custodians()
    command = f"custodian require {directory} {there[0]}" if there else f"custodian add {directory} records"
    return (
        "no custodian is required: a post deletes a record as soon as a broker has acknowledged it, whether anyone "
        f'keeps it or not. platepost provision {command} --purpose "..." mends that'
    )


def _acts(fleet: Fleet, rows: Sequence[CheckResult]) -> tuple[NotedHead | None, str | None]:
    """Return where the log of acts ends, and what is wrong with it."""
    try:
        return fleet.acts.head, unlogged_lists(fleet.acts, rows)
    except ProvisioningError as error:
        return None, str(error)  # a damaged log must not hide how the posts are


def look(fleet: Fleet, broker: str, seconds: float, limits: Thresholds) -> list[CheckResult]:
    """Read the retained status of every post of a fleet, and judge it.

    Raises:
        ProvisioningError: the broker does not answer.

    """
    sources = {post: Source(fleet.agency, post) for post in fleet.posts()}
    topics = {source.topic("status"): post for post, source in sources.items()}
    received: dict[str, bytes] = {}

    def all_heard(topic: str, payload: bytes) -> bool:
        if topic in topics:
            received[topics[topic]] = payload
        return len(received) == len(topics)

    if topics:
        # Exact topics: RabbitMQ gives what is retained for no other.
        with stop_on_signals(), Connection(fleet.publisher, broker=broker, topics=list(topics)) as connection:
            connection.wait(all_heard, seconds)
    files = [keys for purpose in DEPARTMENT_PURPOSES if (keys := fleet.keys(purpose)).lines()]
    files += [fleet.keys(Purpose.CUSTODY, terms.name) for terms in fleet.required_custodians()]
    announced = {keys.label: keys.announced() for keys in files}
    return [
        judge(post, received.get(post), record_keys(fleet, post), limits=limits, announced=announced)
        for post in sources
    ]


def shown_by(fleet: Fleet, broker: str) -> x509.Certificate | None:
    """Return the certificate that the broker shows.

    Raises:
        ProvisioningError: the broker does not answer.

    """
    with stop_on_signals(), Connection(fleet.publisher, broker=broker) as connection:
        return connection.certificate


def line(
    rows: Sequence[CheckResult], *, grade: Grade | None = None, office: str | None = None, acts: NotedHead | None = None
) -> str:
    """Sum a fleet up in one line, with figures behind the bar as monitoring draws them.

    `office` is what is wrong in the office, and `grade` how bad all of it is; by default as the posts are. `acts` is
    where the log of acts ends: monitoring, which is mostly another's, so keeps what `platepost verify --head` asks for.
    """
    states = Counter(row.state for row in rows)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no posts"
    bad = [] if office is None else [office]
    bad += [f"{row.post}: {', '.join(row.remarks)}" for row in _worst_first(rows) if row.grade is not Grade.OK]
    figures = " ".join(f"{state}={states.get(state, 0)}" for state in ("online", "degraded", "offline", "silent"))
    grade = overall(rows) if grade is None else grade
    text = printable(f"FLEET {grade.name} - {'; '.join([counts, *bad[:5]])}")
    if acts is None:
        return f"{text} | {figures}"
    return f"{text}; log of acts to {acts.sequence}:{acts.digest[:LEAST_DIGITS]} | {figures} acts={acts.sequence}"


def _worst_first(rows: Sequence[CheckResult]) -> list[CheckResult]:
    return sorted(rows, key=lambda row: -row.grade)


def table(rows: Sequence[CheckResult], *, width: int) -> Table:
    """Return a fleet as a table for a terminal of 80 characters or more, the worst posts first.

    In a wide one it says software, configuration and certificate too.
    """
    wide = width >= _WIDE
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("post", overflow="fold", max_width=None if wide else _NAME)
    for name in ("state", "list", "last read", *(_MORE if wide else ()), "remarks"):
        table.add_column(name, overflow="fold")
    for row in _worst_first(rows):
        cells = _cells(row) if wide else _cells(row)[: -len(_MORE)]
        color = _COLORS[row.grade]
        table.add_row(row.post, f"[{color}]{row.state}[/]", *map(shown, cells), "\n".join(map(shown, row.remarks)))
    return table


def _cells(row: CheckResult) -> tuple[str, str, str, str, str]:
    status = row.status
    if status is None:
        return ("", "", "", "", "")
    built = status.hotlist.built
    hot_list = status.hotlist.state if built is None else f"v{status.hotlist.version}, {_ago(built)}"
    configuration = status.configuration
    version = configuration.version if configuration is not None else None
    return (
        hot_list,
        "" if status.last_read is None else _ago(status.last_read),
        status.versions.software,
        status.versions.configuration[:8] if version is None else f"v{version}",
        "" if status.certificate_expires is None else f"{status.certificate_expires:%Y-%m-%d}",
    )


def _ago(moment: datetime) -> str:
    minutes = (datetime.now(UTC) - moment).total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
