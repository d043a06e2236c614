"""`platepost provision acceptance`: the department's side: verify a report, keep it, show what is kept."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from device.control import RefusedError
from device.errors import PlatepostError
from device.files import write_durably
from device.records import Keyring
from provisioning.commands.options import FILE, FLEET, JSON, FleetSession, who_and_why
from provisioning.fleet.fleet import Fleet
from provisioning.technician.accept.seal import ReportRefusedError, Sealed, unseal
from provisioning.technician.technician import ALLOWED, recognised

_REPORTS = click.argument("report", type=FILE)


@click.group()
def acceptance() -> None:
    """Verify and keep the reports by which technicians accepted posts."""


@acceptance.command(
    epilog="""\b
Example:
  platepost provision acceptance verify fleet acceptance-post-17-20260301T120000Z.html
"""
)
@FLEET
@_REPORTS
@JSON
def verify(*, directory: Path, report: Path, as_json: bool) -> None:
    """Verify that REPORT is a post's of the fleet of DIRECTORY, unchanged, and signed by one of its technicians."""
    post, sealed = _checked(Fleet.load(directory), report)
    if as_json:
        click.echo(json.dumps(_row(post, sealed)))
    else:
        by = f"technician {sealed.technician}, SHA-256 {sealed.digest}"
        click.echo(f"{report}: genuine; post {post} {sealed.verdict}, {by}")


@acceptance.command(
    epilog="""\b
Example:
  platepost provision acceptance keep fleet /media/stick/acceptance-post-17-20260301T120000Z.html \\
      --purpose "work order 7731"
"""
)
@FLEET
@_REPORTS
@who_and_why
def keep(*, directory: Path, report: Path, who: str | None, purpose: str) -> None:
    """Verify REPORT and keep it in the fleet of DIRECTORY, under acceptances/."""
    fleet = Fleet.load(directory)
    session = FleetSession(fleet, who, purpose, roles=ALLOWED)
    post, sealed = _checked(fleet, report)
    kept = fleet.directory / "acceptances" / post / f"{sealed.digest[:16]}.html"
    write_durably(kept, report.read_bytes())
    session.did("acceptance_kept", object=post, details={"report": sealed.digest, "technician": sealed.technician})
    click.echo(f"Kept as {kept}: {post} was {sealed.verdict}.")


@acceptance.command(
    epilog="""\b
Example:
  platepost provision acceptance show fleet
"""
)
@FLEET
@JSON
def show(*, directory: Path, as_json: bool) -> None:
    """Show which reports are kept of each post of the fleet of DIRECTORY; each is verified anew."""
    fleet = Fleet.load(directory)
    rows = []
    for post in fleet.posts():
        reports = sorted((fleet.directory / "acceptances" / post).glob("*.html"), key=lambda path: path.stat().st_mtime)
        rows += [_row(*_checked(fleet, report)) | {"file": str(report)} for report in reports]
        if not reports:
            rows.append({"post": post, "accepted": None, "technician": None, "digest": None, "file": None})
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("post", "verdict", "technician", "report")
    for row in rows:
        said = {None: "", True: "accepted", False: "not accepted"}[row["accepted"]]
        table.add_row(row["post"], said, row["technician"] or "", row["file"] or "none kept")
    Console().print(table)


def _row(post: str, sealed: Sealed) -> dict[str, Any]:
    return {"post": post, "accepted": sealed.accepted, "technician": sealed.technician, "digest": sealed.digest}


def _checked(fleet: Fleet, report: Path) -> tuple[str, Sealed]:
    """Find the post of the fleet whose signature a report bears, and see that a person of the fleet signed it too.

    Raises:
        ReportRefusedError: nobody's of this fleet, or changed.
        ProvisioningError: the person is another department's, or of a role that may not accept posts.

    """
    content = report.read_bytes()
    why: PlatepostError = ReportRefusedError("the fleet has no post")
    for post in fleet.posts():
        if not fleet.record_key(post).is_file():
            continue
        try:
            sealed = unseal(content, post_keys=Keyring.from_files(fleet.record_key(post)))
        except ReportRefusedError as error:
            why = error
            continue
        _check_person(fleet, sealed)
        return post, sealed
    raise ReportRefusedError(f"{report}: {why}")


def _check_person(fleet: Fleet, sealed: Sealed) -> None:
    # Judged by when the certificate was good: a report outlives the certification of whoever signed it.
    at = min(datetime.now(UTC), sealed.certificate_expires)
    try:
        recognised(sealed.x5c, ca=fleet.broker.authority, agency=fleet.agency, at=at)
    except RefusedError as refusal:
        raise ReportRefusedError(f"the technician is nobody of this fleet: {refusal}") from refusal
