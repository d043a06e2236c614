"""`platepost provision enroll-server` and `enroll-offline`: what units are enrolled by."""

import contextlib
import functools
import itertools
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from platepost.common.signals import stop_on_signals
from platepost.provisioning.commands.options import FLEET, FOLDER, RELOAD, FleetSession, acting
from platepost.provisioning.enrollment.officer import RegistrationOfficer, forget
from platepost.provisioning.enrollment.registration import RegistrationAuthority, answer_all
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.broker_reload import announce, reload_broker
from platepost.wire.enrollment.est import DEFAULT_PORT

if TYPE_CHECKING:
    from platepost.provisioning.enrollment.server import EnrollmentServer

log = logging.getLogger(__name__)

_MINUTE_SECONDS = 60.0
_DAY_MINUTES = 24 * 60


@click.command(
    "enroll-server",
    epilog="""\b
Example:
  platepost provision enroll-server fleet --name office.riverside.example --reload "systemctl restart mosquitto" \\
      --as j-stone --purpose "enrollment and renewal"
""",
)
@FLEET
@click.option(
    "--name", "names", multiple=True, required=True, help="Host name or address at which units reach this server."
)
@click.option("--listen", "address", default="0.0.0.0", show_default=True, help="Address to listen on.")  # noqa: S104
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True)
@RELOAD
@acting
def enroll_server(
    *,
    session: FleetSession,
    names: tuple[str, ...],
    address: str,
    port: int,
    reload_command: str | None,
) -> None:
    """Enroll units and renew certificates over the network (EST, RFC 7030) until stopped.

    The log names the administrator who runs it. When their certification ends, it stops enrolling units and only renews
    certificates. Restart it under another name before then.
    """
    # Loaded late: the stick needs no web server.
    from platepost.provisioning.enrollment.server import server  # noqa: PLC0415

    stop = click.get_current_context().with_resource(stop_on_signals())
    fleet = session.fleet
    registration = RegistrationAuthority(
        fleet,
        session.person,
        purpose=session.purpose,
        address=f"{names[0]}:{port}",
        announce=functools.partial(announce, fleet, reload_command),
        reload=functools.partial(reload_broker, fleet, reload_command),
    )
    served = server(fleet, registration, names=names, address=address, port=port)
    _warn_of_replacements(reload_command)
    where = ", ".join(f"{name}:{port}" for name in names)
    session.did("enrollment_opened", object=f"{names[0]}:{port}")
    try:
        RegistrationOfficer.of(session.person).note(fleet)
        threading.Thread(target=_attend, args=[registration, served], name="registration", daemon=True).start()
        click.echo(f"Enrolling units of {fleet.agency} at {where}; Ctrl-C ends it.")
        served.run_until(stop)
    finally:
        forget(fleet)
        registration.close()
        # Closed it is, also where the certification has ended meanwhile.
        session.did("enrollment_closed", object=f"{names[0]}:{port}")


def _warn_of_replacements(reload_command: str | None) -> None:
    if reload_command is None:
        click.echo(
            "Without --reload (or PLATEPOST_BROKER_RELOAD) the broker is not reloaded: where a unit takes another's "
            "place, it admits the former one until it is restarted.",
            err=True,
        )


def _attend(registration: RegistrationAuthority, served: "EnrollmentServer") -> None:
    """Have counted refusals logged every minute; say every day that the certification ends; renew the certificate."""
    for minute in itertools.count():
        try:
            if minute % _DAY_MINUTES == 0:
                registration.warn()
                if served.renew():
                    log.info("the enrollment server has a new certificate")
            registration.poll()
        except ProvisioningError as error:
            log.warning("%s", error)
        except Exception:  # an unforeseen fault must not end this for good: the server's certificate would run out
            log.exception("the enrollment server could not look after itself; it tries again")
        time.sleep(_MINUTE_SECONDS)


@click.command(
    "enroll-offline",
    epilog="""\b
Example:
  platepost provision enroll-offline fleet /media/stick --as j-stone --purpose "units without a network"
""",
)
@FLEET
@click.argument("folder", type=FOLDER)
@RELOAD
@acting
def enroll_offline(*, session: FleetSession, folder: Path, reload_command: str | None) -> None:
    """Answer every enrollment request in FOLDER; then take the stick back to the units."""
    fleet = session.fleet
    registration = RegistrationAuthority(
        fleet,
        session.person,
        purpose=session.purpose,
        announce=functools.partial(announce, fleet, reload_command),
        reload=functools.partial(reload_broker, fleet, reload_command),
    )
    _warn_of_replacements(reload_command)
    refused = answered = 0
    with contextlib.closing(registration):
        for post, refusal in answer_all(registration, folder):
            click.echo(f"{post}: {'enrolled' if refusal is None else refusal}")
            refused += refusal is not None
            answered += refusal is None
    if not refused + answered:
        click.echo(f"No request waits in {folder}.")
    if refused:
        raise SystemExit(1)
