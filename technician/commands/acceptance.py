"""`platepost provision acceptance`: the department's side: verify a report, keep it, show what is kept."""

import json
from pathlib import Path
from typing import Any

import click
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from platepost.common.errors import PlatepostError
from platepost.common.files import read_brought, write_durably
from platepost.common.text import shown
from platepost.provisioning.commands.options import FILE, FLEET, JSON, FleetSession, who_and_why
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import ROLES_AT_POSTS, NotCertifiedError
from platepost.technician.accept.certification import lapse_since
from platepost.technician.accept.seal import ReportRefusedError, Sealed, unseal
from platepost.technician.technician import recognized
from platepost.wire.errors import RefusedError
from platepost.wire.records import Keyring

LARGEST_REPORT = 64 * 2**20
"""Bytes of a report: its pages, and the pictures of the views that were accepted."""

_REPORTS = click.argument("report", type=FILE)


@click.group()
def acceptance() -> None:
    """Verify and store technicians' acceptance reports."""


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
    """Verify that REPORT comes from a post in the fleet of DIRECTORY, is unchanged, and is signed by a technician.

    The technician must have been certified when the acceptance ended. If the certification has ended since, the output
    states it.
    """
    post, sealed, lapse = _checked(Fleet.load(directory), report)
    if as_json:
        click.echo(json.dumps(_row(post, sealed, lapse)))
        return
    by = f"technician {sealed.technician}, SHA-256 {sealed.digest}"
    click.echo(f"{report}: genuine; post {post} {sealed.verdict}, {by}")
    if lapse is not None:
        click.echo(f"Since then: {lapse}.")


@acceptance.command(
    epilog="""\b
Example:
  platepost provision acceptance keep fleet /media/stick/acceptance-post-17-20260301T120000Z.html \\
      --purpose "work order 7731"
"""
)
@FLEET
@_REPORTS
@click.option(
    "--anyway", is_flag=True, help="Store it although the technician's certification has ended; the log shows it."
)
@who_and_why
def keep(*, directory: Path, report: Path, anyway: bool, who: str | None, purpose: str) -> None:
    """Verify REPORT and store it in the fleet of DIRECTORY, under acceptances/.

    The technician must still be certified: only the unit's clock shows when a report was made, and a former technician
    could have set it back.
    """
    fleet = Fleet.load(directory)
    session = FleetSession(fleet, who, purpose, roles=ROLES_AT_POSTS)
    post, sealed, lapse = _checked(fleet, report)
    if lapse is not None and not anyway:
        raise NotCertifiedError(
            f"{report}: {lapse}. Only the unit's clock dates it earlier: look for its digest in the "
            "post's audit records, have the post accepted again, or keep it with --anyway",
            reason=lapse.reason,
        )
    copy = fleet.directory / "acceptances" / post / f"{sealed.digest[:16]}.html"
    write_durably(copy, _read(report))
    details: dict[str, JsonValue] = {"report": sealed.digest, "technician": sealed.technician}
    if lapse is not None:
        details["lapsed"] = lapse.reason
    session.did("acceptance_kept", object=post, details=details)
    click.echo(f"Kept as {copy}: {post} was {sealed.verdict}.")


@acceptance.command(
    epilog="""\b
Example:
  platepost provision acceptance show fleet
"""
)
@FLEET
@JSON
def show(*, directory: Path, as_json: bool) -> None:
    """List the stored reports of each post in the fleet of DIRECTORY; each is verified again."""
    fleet = Fleet.load(directory)
    rows = []
    for post in fleet.posts():
        reports = sorted((fleet.directory / "acceptances" / post).glob("*.html"), key=lambda path: path.stat().st_mtime)
        rows += [_row(*_checked(fleet, report)) | {"file": str(report)} for report in reports]
        if not reports:
            members = ("accepted", "lowered_limits", "technician", "digest", "lapsed", "file")
            rows.append(dict.fromkeys(members) | {"post": post})
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("post", "verdict", "technician", "report")
    for row in rows:
        verdict = {None: "", True: "accepted", False: "not accepted"}[row["accepted"]]
        if row["lowered_limits"]:
            verdict = "accepted with lowered limits"
        table.add_row(row["post"], verdict, shown(row["technician"] or ""), shown(row["file"] or "none kept"))
    Console().print(table)


def _row(post: str, sealed: Sealed, lapse: NotCertifiedError | None) -> dict[str, Any]:
    return {
        "post": post,
        "accepted": sealed.accepted,
        "lowered_limits": sealed.lowered,
        "technician": sealed.technician,
        "digest": sealed.digest,
        "lapsed": None if lapse is None else lapse.reason,
    }


def _checked(fleet: Fleet, report: Path) -> tuple[str, Sealed, NotCertifiedError | None]:
    """Find the post of the fleet whose signature a report bears, and see that a person of the fleet signed it too.

    Returns:
        The post, the report, and what has ended of the person's certification since.

    Raises:
        ReportRefusedError: no one's of this fleet, or changed.
        ProvisioningError: the person is another department's, or of a role that may not accept posts.
        NotCertifiedError: the person was not certified when the acceptance was ended.

    """
    content = _read(report)
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
        return post, sealed, lapse_since(sealed, people=fleet.people, ledger=fleet.certificates)
    raise ReportRefusedError(f"{report}: {why}")


def _read(report: Path) -> bytes:
    try:
        return read_brought(report, LARGEST_REPORT)
    except OSError as error:
        raise ReportRefusedError(f"{report}: {error.strerror or error}") from error


def _check_person(fleet: Fleet, sealed: Sealed) -> None:
    # Judged by when the report was made: it outlives the certification of the one who signed it.
    try:
        recognized(sealed.x5c, ca=fleet.broker.authority, agency=fleet.agency, at=sealed.ended)
    except RefusedError as refusal:
        raise ReportRefusedError(f"the technician was not certified when the report was made: {refusal}") from refusal
