"""Warns well ahead when the last administrator's certification ends: after that, no one can act on the fleet."""

from datetime import UTC, datetime, timedelta

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.register import Register
from platepost.wire.records import Role

AHEAD = timedelta(days=30)
"""How long before the end it is said."""


def last_end(people: Register) -> datetime | None:
    """Return when the certification of the last administrator ends or ended; None where there never was one.

    Raises:
        ProvisioningError: an entry is damaged.

    """
    return max((entry.expires for entry in people if entry.role is Role.ADMINISTRATOR), default=None)


def are_left(people: Register) -> bool:
    """Tell whether any administrator is certified.

    Raises:
        ProvisioningError: an entry is damaged.

    """
    return any(entry.role is Role.ADMINISTRATOR and entry.is_certified() for entry in people)


def warning(people: Register, *, at: datetime | None = None) -> tuple[str, bool] | None:
    """Return what is to be said of the end, and whether it has come; None while it is further off than `AHEAD`.

    Raises:
        ProvisioningError: an entry is damaged.

    """
    end = last_end(people)
    if end is None:
        return None
    left = end - (at or datetime.now(UTC))
    if left > AHEAD:
        return None
    if left > timedelta(0):
        return (
            f"in {left.days} days no administrator is certified any more, and no one can certify one: do it now",
            False,
        )
    return "no administrator is certified any more: person add with --root", True


def require_none(people: Register) -> None:
    """Make sure that no administrator is certified, so that the root has to speak.

    Raises:
        ProvisioningError: there is one.

    """
    names = [entry.name for entry in people if entry.role is Role.ADMINISTRATOR and entry.is_certified()]
    if names:
        raise ProvisioningError(
            f"--root is only for a fleet without an administrator; this fleet has: {', '.join(names)}"
        )
