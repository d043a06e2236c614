"""`platepost department public`: what the public sees, published month by month, served or written."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import click
from django.utils.translation import override

from platepost.common.files import write_durably
from platepost.common.signals import stop_on_signals
from platepost.department.database.roles import KEEPER, PUBLIC
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.published import published_checkpoint
from platepost.department.options import FOLDER, JSON, Moment, web_option
from platepost.department.session import connected, running_database
from platepost.department.sharing.public_page import PublicAbout, public_files
from platepost.department.sharing.publication import correct_month, months_due, publish_month
from platepost.provisioning.connection import split_address
from platepost.provisioning.serving import serve_small_site
from platepost.provisioning.trust.keys import signing_jwk

_FRESH_SECONDS = 60
CHECKPOINT = "checkpoint"
"""The address below the public page at which monitors ask for the last checkpoint."""
_MOST = 2**53
_TYPES = {
    f".{CHECKPOINT}": "application/json",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".jws": "application/jose",
    ".pdf": "application/pdf",
}
_HEADERS = [
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


@click.group()
def public() -> None:
    """Publish a month's counts, serve the public page, or write it for another site."""


@public.command(
    epilog="""\b
Examples:
  platepost department public publish /var/lib/platepost-department           # last month, by the nightly timer
  platepost department public publish vault --month 2026-10
"""
)
@FOLDER
@click.option("--month", type=Moment(["%Y-%m"]), metavar="YYYY-MM", help="A past month.")
@JSON
def publish(*, folder: DepartmentFolder, month: datetime | None, as_json: bool) -> None:
    """Publish a month's counts of FOLDER, rounded and signed, once. They never change afterward.

    Without --month, last month's, and those of the months before it that were missed.
    """
    settings = folder.settings
    zone = ZoneInfo(settings.timezone)
    first = (month or (datetime.now(zone).replace(day=1) - timedelta(days=1))).date().replace(day=1)
    about = {"agency": settings.agency, "name": settings.name, "contact": settings.contact}
    with running_database(folder), connected(folder, KEEPER) as keeper:
        months, key = [first] if month else months_due(keeper, first), signing_jwk(folder.custody_key)
        done = {f"{month:%Y-%m}": publish_month(keeper, month, key, zone, **about) for month in months}
    *missed, asked = done
    if as_json:
        click.echo(json.dumps({"month": asked, "published": done[asked], "missed": missed}))
        return
    for name, published in done.items():
        click.echo(f"{name} {'is published' if published else 'was published before'}.")


@public.command(
    epilog="""\b
Example:
  platepost department public correct vault --part audits --because "Finished audits were not counted."
"""
)
@FOLDER
@click.option("--part", "parts", multiple=True, required=True, help="releases, audits, findings or purges.")
@click.option("--because", required=True, help="Why the published counts were wrong; the public reads it.")
@JSON
def correct(*, folder: DepartmentFolder, parts: tuple[str, ...], because: str, as_json: bool) -> None:
    """Count parts of all published months of FOLDER again, and publish a signed correction of each that was wrong.

    A published report never changes; its correction is shown below it. Reads, hits and searches can't be corrected:
    a later count would reveal what came or went since.
    """
    zone = ZoneInfo(folder.settings.timezone)
    with running_database(folder), connected(folder, KEEPER) as keeper:
        months = [month for (month,) in keeper.execute("SELECT month FROM sharing_report ORDER BY month").fetchall()]
        key = signing_jwk(folder.custody_key)
        corrected = [
            f"{month:%Y-%m}"
            for month in months
            if correct_month(keeper, month, key, zone, parts=parts, because=because)
        ]
    if as_json:
        click.echo(json.dumps({"corrected": corrected, "checked": len(months)}))
        return
    click.echo(f"Corrected: {', '.join(corrected) or 'none'}. Months checked: {len(months)}.")


@public.command(
    epilog="""\b
Example:
  platepost department public export vault /srv/www/plate-readers
"""
)
@FOLDER
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
def export(*, folder: DepartmentFolder, target: Path) -> None:
    """Write the public page of FOLDER and its files into the folder TARGET, for the city's own site."""
    with running_database(folder):
        files = _files(folder)
    for name, body in files.items():
        write_durably(target / name, body, mode=0o644)
    click.echo(f"The page is {target / 'index.html'}.")


@public.command()
@FOLDER
@web_option(8601)
def serve(*, folder: DepartmentFolder, web: str | None) -> None:
    """Serve the public page of FOLDER until Ctrl-C or SIGTERM; its database role can see no record."""
    where = web or folder.settings.public_web
    host, port = split_address(where)
    click.echo(f"The public page is at http://{where}/. Ctrl-C ends it.")
    with stop_on_signals() as stop, running_database(folder):
        site = _site(lambda: _files(folder), lambda since: _checkpoint(folder, since))
        serve_small_site(site, host=host, port=port, stop=stop)


def _files(folder: DepartmentFolder) -> dict[str, bytes]:
    settings = folder.settings
    about = PublicAbout(
        agency=settings.agency,
        display_name=settings.name,
        contact=settings.contact,
        cameras=settings.public_cameras,
        zone=settings.timezone,
    )
    with connected(folder, PUBLIC) as connection, override(settings.language):
        return public_files(connection, about)


def _checkpoint(folder: DepartmentFolder, since: tuple[int, int] | None) -> bytes | None:
    with connected(folder, PUBLIC) as connection:
        return published_checkpoint(connection, since)


def _since(query: bytes) -> tuple[int, int] | None:
    """Return how far the asker's checkpoint had come; None if they know none."""
    query_fields = parse_qs(query.decode("ascii", "replace"))
    try:
        entries, records = (int(query_fields[name][0]) for name in ("since", "records"))
    except (KeyError, ValueError):
        return None
    return (entries, records) if 0 <= entries < _MOST and 0 <= records < _MOST else None


def _site(
    files: Callable[[], dict[str, bytes]], checkpoint: Callable[[tuple[int, int] | None], bytes | None]
) -> Callable[..., Awaitable[None]]:
    """Return an ASGI application that answers with files, renewed each minute, and with the last checkpoint."""
    cached: tuple[float, dict[str, bytes]] = (-_FRESH_SECONDS, {})

    async def answer(scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        del receive
        nonlocal cached
        name = scope["path"].removeprefix("/") or "index.html"
        if name == CHECKPOINT:
            body = checkpoint(_since(scope.get("query_string", b"")))
        else:
            if time.monotonic() - cached[0] > _FRESH_SECONDS:
                cached = time.monotonic(), files()
            body = cached[1].get(name)
        kind = _TYPES.get(Path(name).suffix or f".{name}", "text/plain; charset=utf-8")
        headers = [*_HEADERS, (b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 404 if body is None else 200, "headers": headers})
        await send({"type": "http.response.body", "body": body or b"There is no such page."})

    return answer
