"""`platepost department status` and `metrics`: what is kept, for people and for Prometheus."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import click
from django.db import connection
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from rich.console import Console
from rich.table import Table

from platepost.common.signals import stop_on_signals
from platepost.department.custody.bucket import open_bucket
from platepost.department.database.roles import METRICS, WEB
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, JSON, web_option
from platepost.department.session import working_as
from platepost.department.status.metrics import DepartmentCollector, exposition, readiness
from platepost.department.status.status import custody_status
from platepost.provisioning.connection import split_address
from platepost.provisioning.serving import serve_small_site

_P = ParamSpec("_P")
_T = TypeVar("_T")


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
            f"{post.last_kept.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if post.last_kept else "none",
            f"[red]{post.missing}[/red]" if post.missing else "none",
            "\n".join(f"{count} {verdict}" for verdict, count in post.odd.items()) or "none",
            "[red]rose[/red]" if post.rejects_rose else "as before",
            late + (f"{post.synthetic_kept.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if post.synthetic_kept else "none"),
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
            f" {status_report.unanswered_since.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}."
        )
    for source in status_report.stale_sources:
        console.print(f"[red]Source {source}:[/red] too many of its entries no longer hold.")
    console.print(f"Archive service: {', '.join(status_report.keepers) or '[red]not running[/red]'}.")
    made, tested = status_report.backup_made, status_report.restore_test
    console.print(f"Last backup: {f'{made.astimezone(zone):%Y-%m-%d %H:%M %Z}' if made else '[red]none[/red]'}.")
    outcome = "[red]something was wrong[/red]" if tested and not tested.intact else "everything was there"
    console.print(
        f"Last restore test: {f'{tested.at.astimezone(zone):%Y-%m-%d %H:%M %Z}, {outcome}' if tested else 'none yet'}."
    )
    for name, disk in status_report.disks.items():
        console.print(f"Free for {name}: {disk['free'] / 1e9:.1f} of {disk['size'] / 1e9:.1f} GB.")


@click.command(
    epilog="""\b
Examples:
  platepost department metrics /var/lib/platepost-department            # by platepost-department-metrics.service
  platepost department metrics /var/lib/platepost-department --once     # print the metrics
  curl -f http://127.0.0.1:8603/health/ready                            # 503 while no hit can reach the console
"""
)
@FOLDER
@web_option(8603)
@click.option("--once", is_flag=True, help="Print the metrics and exit.")
def metrics(*, folder: DepartmentFolder, web: str | None, once: bool) -> None:
    """Serve the figures of FOLDER to Prometheus at /metrics, until Ctrl-C or SIGTERM.

    No plate, person or covert record is in them. /health/live answers while this program runs; /health/ready answers
    503, with the reason, while no hit can reach the console. It has no TLS: keep it on this machine.
    """
    where = web or folder.settings.metrics_web
    host, port = split_address(where)
    with stop_on_signals() as stop, working_as(folder, METRICS):
        collector = DepartmentCollector(folder)
        if once:
            click.echo(exposition(collector), nl=False)
            return
        click.echo(f"The metrics are at http://{where}/metrics. Ctrl-C ends it.")
        serve_small_site(_metrics_site(collector), host=host, port=port, stop=stop, limit_concurrency=8)


def _metrics_site(collector: DepartmentCollector) -> Callable[..., Awaitable[None]]:
    """Return an ASGI application that answers Prometheus and what probes health."""

    async def answer(scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        del receive
        status, kind, body = 404, "text/plain; charset=utf-8", b"There is no such page.\n"
        if scope["path"] == "/metrics":
            status = 200
            kind = CONTENT_TYPE_PLAIN_0_0_4
            body = await asyncio.to_thread(_apart, exposition, collector)
        elif scope["path"] == "/health/live":
            status, body = 200, b"ok\n"
        elif scope["path"] == "/health/ready":
            trouble = await asyncio.to_thread(_apart, readiness)
            status, body = (200, b"ok\n") if trouble is None else (503, f"{trouble}\n".encode())
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def _apart(work: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Do something in a thread that may never be used again: its session of the database ends."""
    try:
        return work(*arguments, **named)
    finally:
        connection.close()
