"""The board protocol: what a post asks of what hangs on the GPIO."""

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Self

DARK_SECONDS = 3.0
"""How long the camera's supply is off in a power cycle: its capacitors are empty then."""


class Light(StrEnum):
    """What the status light shows to a technician on the ground."""

    OFF = "off"
    STARTING = "starting"
    IN_SERVICE = "in_service"
    DEGRADED = "degraded"
    FAULT = "fault"


class Board(ABC):
    """Illuminator, tamper switch, status light and camera power of one post.

    A backend *must* implement every abstract method, and *may* override the rest. None raises because of its hardware:
    it says that it is `failing`. Closing (idempotent) leaves every output in its safe state: illuminator off, status
    light off, camera powered.
    """

    @property
    def switches_camera(self) -> bool:
        """Whether `camera_power` has an effect."""
        return False

    @property
    def failing(self) -> bool:
        """Whether its hardware does not obey."""
        return False

    @abstractmethod
    def illuminator(self, *, on: bool) -> None:
        """Switch the infrared illuminator."""

    @abstractmethod
    def status_light(self, light: Light) -> None:
        """Show a state on the status light."""

    @abstractmethod
    def camera_power(self, *, on: bool) -> None:
        """Switch the camera's supply."""

    def settle(self) -> bool:
        """Wait until it knows how its switches stand, a moment after it was made; say whether it does by then."""
        return True

    @abstractmethod
    def tamper_open(self) -> bool:
        """Say whether the tamper switch reports an open case, or has since the last time, however shortly."""

    def door_open(self) -> bool:
        """Say the same of the door of a cabinet; False where there is none."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Put every output in its safe state and release the pins; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NullBoard(Board):
    """The board of a unit without illuminator, tamper switch or lamp: outputs go nowhere, the case counts as closed."""

    def illuminator(self, *, on: bool) -> None:
        """There is none."""

    def status_light(self, light: Light) -> None:
        """There is none."""

    def camera_power(self, *, on: bool) -> None:
        """Do nothing: the camera is powered with the unit."""

    def tamper_open(self) -> bool:
        """Return False: nothing watches the case."""
        return False

    def close(self) -> None:
        """Nothing to release."""


class UnavailableBoard(NullBoard):
    """Stands in for a board whose pins cannot be had: plates are read all the same, and the post names the fault."""

    @property
    def failing(self) -> bool:
        """Return True."""
        return True
