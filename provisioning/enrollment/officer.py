"""The officer in whose name the enrollment server runs; warns well ahead when their certification ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from platepost.common.files import StateFile
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import Person
from platepost.provisioning.trust.keys import private_folder
from platepost.wire.records.base import UtcTime

AHEAD = timedelta(days=30)
"""How long before the end it is said."""


class RegistrationOfficer(BaseModel):
    """A person in whose name an enrollment server runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    thumbprint: str
    """RFC 7638, of the key with which they sign."""
    expires: UtcTime
    """When their certificate ends; the register may say that the certification did before."""

    @classmethod
    def of(cls, person: Person) -> Self:
        """Return a person as officer."""
        return cls(name=person.name, thumbprint=person.key.thumbprint(), expires=person.expires)

    @classmethod
    def noted(cls, fleet: Fleet) -> "RegistrationOfficer | None":
        """Return in whose name a fleet's enrollment server runs, None where none was started, or it was closed.

        Raises:
            ProvisioningError: the note is damaged.

        """
        file = _file(fleet)
        try:
            return file.read()
        except (OSError, ValueError) as error:
            raise ProvisioningError(f"{file.path}: damaged; start the enrollment server again ({error})") from error

    def note(self, fleet: Fleet) -> None:
        """Note that a fleet's enrollment server runs in their name."""
        private_folder(fleet.enrollment)
        _file(fleet).write(self)

    def ends(self, fleet: Fleet) -> datetime:
        """Return when their certification ends or ended; the beginning of time where the register has another key.

        Raises:
            ProvisioningError: their entry in the register is damaged.

        """
        people = fleet.people
        if self.name not in people or people[self.name].thumbprint != self.thumbprint:
            return datetime.min.replace(tzinfo=UTC)
        return min(self.expires, people[self.name].expires)

    def warning(self, fleet: Fleet, *, at: datetime | None = None) -> tuple[str, bool] | None:
        """Return what is to be said of the end, and whether it has come; None while it is further off than `AHEAD`.

        Raises:
            ProvisioningError: their entry in the register is damaged.

        """
        left = self.ends(fleet) - (at or datetime.now(UTC))
        if left > AHEAD:
            return None
        whose = f"the certification of {self.name}, in whose name the enrollment server runs,"
        if left > timedelta(0):
            return f"{whose} ends in {left.days} days: restart it in someone else's name before then", False
        return f"{whose} has ended, and it enrolls no one: restart it in the name of someone certified", True


def forget(fleet: Fleet) -> None:
    """Note that the fleet's enrollment server was closed."""
    _path(fleet).unlink(missing_ok=True)


def _path(fleet: Fleet) -> Path:
    return fleet.enrollment / "keeper.json"


def _file(fleet: Fleet) -> StateFile[RegistrationOfficer]:
    return StateFile(_path(fleet), RegistrationOfficer)
