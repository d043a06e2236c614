"""`platepost department status`: what is kept."""

import json
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from platepost.department.custody.bucket import open_bucket
from platepost.department.database.roles import WEB
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON
from platepost.department.session import working_as
from platepost.department.status.status import custody_status


@click.command(
    epilog="""\b
Examples:
  platepost department status /var/lib/platepost-department
  platepost department status /var/lib/platepost-department --json | jq '.posts[] | {post, last_kept, odd}'
"""
)
@FOLDER
@JSON
def status(*, folder: DepartmentFolder, as_json: bool) -> None:
    """Show, for each post, what is kept, what is missing and what looks wrong, as on the status page.

    It shows no plate, person or covert record.
    """
    with working_as(folder, WEB):
        status_report = custody_status(
            folder.disks, receipts=folder.receipts, nightly=folder.nightly, bucket=open_bucket(folder)
        )
    if as_json:
        click.echo(json.dumps(status_report.wire()))
        return
    zone = ZoneInfo(folder.settings.timezone)
    table = Table("post", "kept", "last record", "missing", "odd", "rejected hits", "synthetic hit")
    for post in status_report.posts:
        late = "[red]late[/red] " if post.synthetic_late else ""
        table.add_row(
            post.post,
            str(post.kept),
            f"{post.last_kept.astimezone(zone):%Y-%m-%d %H:%M:%S}" if post.last_kept else "none",
            f"[red]{post.missing}[/red]" if post.missing else "none",
            "\n".join(f"{count} {verdict}" for verdict, count in post.odd.items()) or "none",
            "[red]rose[/red]" if post.rejects_rose else "as before",
            late + (f"{post.synthetic_kept.astimezone(zone):%Y-%m-%d %H:%M:%S}" if post.synthetic_kept else "none"),
        )
    console = Console()
    console.print(table)
    for gap in status_report.receipted_not_held:
        console.print(f"[red]Receipted, not held:[/red] {gap}. What the post deleted of it is lost.")
    if status_report.pictures is not None:
        console.print(f"[red]Pictures:[/red] {status_report.pictures}. Nothing with a picture is kept until it does.")
    for step, why in status_report.nightly.items():
        console.print(f"[red]Each night, {step}:[/red] {why}.")
    if status_report.unanswered and status_report.unanswered_since is not None:
        console.print(
            f"[red]Hits:[/red] {status_report.unanswered} overdue, no one has taken them, the oldest since"
            f" {status_report.unanswered_since.astimezone(zone):%Y-%m-%d %H:%M:%S}."
        )
    for source in status_report.stale_sources:
        console.print(f"[red]Source {source}:[/red] too many of its entries no longer hold.")
    console.print(f"Keeper: {', '.join(status_report.keepers) or '[red]not running[/red]'}. Times are in {zone.key}.")
    for name, disk in status_report.disks.items():
        console.print(f"Free for {name}: {disk['free'] / 1e9:.1f} of {disk['size'] / 1e9:.1f} GB.")
