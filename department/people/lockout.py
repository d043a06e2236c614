"""Wrong passwords and codes: five in a quarter of an hour lock, until someone releases (CJIS AC-7).

They are counted for a person and a device. A device is known when the person has logged on from it with all factors;
all others are counted together. So a stranger who guesses locks out other strangers, and not a dispatcher at the own
console. A passkey cannot be guessed: its failures do not count, and no lock stops it.
"""

from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from platepost.department.people.models import DepartmentPerson, KnownDevice, LoginFailure, LoginLock, UsedCode

WINDOW = timedelta(minutes=15)
MOST = 5
USED = timedelta(minutes=5)
"""For longer than an authenticator app's code is good."""
_LOCKING = 7528300159
"""A number of our own for PostgreSQL's advisory locks."""


def known(person: DepartmentPerson, device: UUID | None) -> UUID | None:
    """Return the device if the person has logged on from it, else None."""
    if device is not None and KnownDevice.objects.filter(person=person, device=device).exists():
        return device
    return None


def is_locked(person: DepartmentPerson, device: UUID | None) -> bool:
    """Tell whether passwords and codes of the person are refused from a device."""
    return LoginLock.objects.filter(person=person, device=known(person, device), released_at=None).exists()


def use_up(person: DepartmentPerson, code: str) -> bool:
    """Note that a code was used; tell whether it was not before, in any process, within the last five minutes."""
    now, text = timezone.now(), "".join(filter(str.isalnum, code)).lower()
    if UsedCode.objects.filter(person=person, code=text, used_at__gt=now - USED).exists():
        return False
    period = int(now.timestamp() // USED.total_seconds())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_used_code (person_id, code, used_at, period) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [person.pk, text, now, period],
        )
        return bool(cursor.rowcount == 1)


def note_failure(person: DepartmentPerson, device: UUID | None) -> None:
    """Count a wrong password or code; the fifth locks."""
    now, where = timezone.now(), known(person, device)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCKING])
        LoginFailure.objects.create(person=person, device=where, at=now)
        locks = LoginLock.objects.filter(person=person, device=where).order_by("-locked_at")
        released = locks.values_list("released_at", flat=True).first() if locks.exists() else None
        since = max(now - WINDOW, released) if released is not None else now - WINDOW
        count = LoginFailure.objects.filter(person=person, device=where, at__gt=since).count()
        if count >= MOST and not locks.filter(released_at=None).exists():
            LoginLock.objects.create(person=person, device=where, locked_at=now)
