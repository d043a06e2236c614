"""`platepost department lists`: imports on a schedule, and the signer that publishes what people entered."""

import json
import time
from pathlib import Path
from typing import Any

import click

from platepost.common.errors import HotListError
from platepost.common.signals import stop_on_signals
from platepost.common.systemd import Notifier
from platepost.department.database.roles import SIGNER
from platepost.department.folder import DepartmentFolder
from platepost.department.lists.imports import ImportingUser, take_in
from platepost.department.lists.publishing import RETRY_SECONDS, ListSigner, SignerSettings
from platepost.department.options import FOLDER, JSON, Spelled, broken_off
from platepost.department.session import working_as
from platepost.provisioning.errors import ProvisioningError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHOWN = 20
_DAILY_SECONDS = 60.0
"""Between two looks whether a day is over."""


@click.group()
def lists() -> None:
    """Import hot lists, and publish entries made on the pages."""


@lists.command(
    "import",
    epilog="""\b
Examples:
  platepost department lists import vault state.txt --source state --mapping state.toml
  platepost department lists import vault own.csv --source local --json | jq .refused
The first file of a source, and one of an implausible size, is held until someone releases it on the Lists page.
""",
)
@FOLDER
@click.argument("file", type=_FILE)
@click.option(
    "--source",
    required=True,
    metavar="NAME",
    type=Spelled("[a-z0-9][a-z0-9-]{0,31}", "lowercase letters, digits and hyphens, 32 at most"),
    help="Name of the source: lowercase letters, digits, hyphens.",
)
@click.option(
    "--mapping", type=_FILE, help="TOML file that describes the format, as for `platepost provision hotlist build`."
)
@JSON
def import_(*, folder: DepartmentFolder, file: Path, source: str, mapping: Path | None, as_json: bool) -> None:
    """Replace a source's rows with those of FILE, and report rows that are refused, and why.

    The report gives line numbers, not plates; the pages show it, too. Refused rows do not change the exit code.
    """
    left = f"Interrupted: {file} is taken in whole or not at all, and the Lists page shows which. Import it again."
    with broken_off(left), working_as(folder, SIGNER):
        by = ImportingUser(folder.caller, folder.secret_key.read_bytes())
        list_import = take_in(file, source, mapping, by)
    report: dict[str, Any] = {"source": source, "unchanged": list_import is None}
    if list_import is not None:
        report |= {
            "import": list_import.pk,
            "accepted": list_import.accepted,
            "refused": list_import.refused,
            "held": list_import.held_because,
        }
        report["report"] = [{"line": line, "reason": reason} for line, reason in list_import.report]
    if as_json:
        click.echo(json.dumps(report))
    elif list_import is None:
        click.echo(f"{source}: the same file is already active.")
    else:
        click.echo(f"{source}: {list_import.accepted} rows accepted, {list_import.refused} refused.")
        for line, reason in list_import.report[:_SHOWN]:
            click.echo(f"  line {line}: {reason}")
        if list_import.refused > _SHOWN:
            click.echo(
                f"  and {list_import.refused - _SHOWN} more: see import {list_import.pk} on the pages, or --json"
            )
        if list_import.held_because:
            click.secho(f"Held, {list_import.held_because}: release it on the Lists page.", fg="yellow", err=True)


@lists.command(
    epilog="""\b
Examples:
  platepost department lists publish vault --fleet fleet --as lists
  platepost department lists publish vault --fleet fleet --as lists --once --json
`lists` is a service of the fleet that may sign lists and nothing else:
  platepost provision person add fleet lists --role list-builder --days 365 --purpose "publishes the lists"
"""
)
@FOLDER
@click.option("--fleet", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--as", "who", required=True, help="Who signs: a name in the fleet, or an identity's folder.")
@click.option("--broker", metavar="HOST:PORT", help="Broker.  [default: the fleet's]")
@click.option(
    "--format",
    "list_format",
    type=click.Choice(["1", "2"]),
    help="Format of lists; 2 once all posts' software reads it.  [default: the last list's, or 1]",
)
@click.option("--once", is_flag=True, help="Publish what is waiting and exit.")
@JSON
def publish(
    *,
    folder: DepartmentFolder,
    fleet: Path,
    who: str,
    broker: str | None,
    list_format: str | None,
    once: bool,
    as_json: bool,
) -> None:
    """Sign and publish list changes made on the pages, until SIGTERM. Run it as a service, where the fleet's keys are.

    A change goes out as a delta within two seconds; a complete list follows each import, and once a day. Failures are
    retried. A list of an implausible size is held until someone releases it.
    """
    notifier = Notifier()
    with stop_on_signals() as stop, working_as(folder, SIGNER):
        form = None if list_format is None else int(list_format)
        signer = ListSigner(SignerSettings(fleet, who, broker, form))
        with signer.alone():
            notifier.ready("Waits for requests.")
            not_before = daily = 0.0
            while not stop.requested:
                if time.monotonic() >= daily:
                    signer.ask_daily()
                    daily = time.monotonic() + _DAILY_SECONDS
                if time.monotonic() >= not_before:
                    try:
                        _print(signer.publish_waiting(), as_json=as_json)
                    except (ProvisioningError, HotListError) as error:
                        if once:
                            raise
                        click.secho(f"Nothing was published; it is tried again: {error}", fg="red", err=True)
                        notifier.status(str(error))
                        not_before = time.monotonic() + RETRY_SECONDS
                if once:
                    return
                signer.wait(1.0)


def _print(manifest: Any, *, as_json: bool) -> None:
    if manifest is None:
        return
    if as_json:
        click.echo(json.dumps({"version": manifest.version, "kind": manifest.kind}))
    else:
        click.echo(f"Version {manifest.version} ({manifest.kind}) is published.")
