"""Telling a running broker who is in the fleet now, and whose certificates are revoked."""

import shlex
import subprocess

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.broker_files import write_rabbitmq_rights
from platepost.provisioning.fleet.fleet import Fleet

SECONDS = 60
"""Units that enroll wait longer for their answer: `platepost.wire.enrollment.est`."""


def rewrite(fleet: Fleet) -> None:
    """Write the rights again for mosquitto, and for RabbitMQ where they were written before."""
    folder = fleet.directory / "broker"
    with fleet.locked():
        fleet.write_access_list()
        if (folder / "rabbitmq").is_dir():
            write_rabbitmq_rights(fleet)


def announce(fleet: Fleet, command: str | None) -> None:
    """Tell the broker of a new post, where it has to be told: mosquitto gives posts their rights by a pattern.

    Raises:
        ProvisioningError: the command cannot be run, or fails.

    """
    is_cluster = (fleet.directory / "broker" / "rabbitmq").is_dir()
    reload_broker(fleet, command if is_cluster else None)


def reload_broker(fleet: Fleet, command: str | None) -> None:
    """Write the broker's files again, and run the command that makes it take them.

    Args:
        fleet: the fleet.
        command: such as `systemctl restart mosquitto`, or one that copies `broker/` first; none is run where None.

    Raises:
        ProvisioningError: the command cannot be run, or fails.

    """
    rewrite(fleet)
    if command is None:
        return
    try:
        result = subprocess.run(
            shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ProvisioningError(f"the broker was not reloaded: {command!r}: {error}") from error
    if result.returncode != 0:
        text = f"{command!r} ended with {result.returncode}: {result.stderr.strip()}"
        raise ProvisioningError(f"the broker was not reloaded: {text}")
