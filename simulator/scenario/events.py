"""What may happen in a scenario: to the list, the network, the brokers, the camera, the case, the clock, the disk.

Only described here; `platepost.simulator.scenario.event_runner` does them.
"""

from typing import Annotated, Literal

from pydantic import Field

from platepost.simulator.ground.dispatchers import Decision
from platepost.simulator.scenario.durations import Duration, Signed
from platepost.simulator.scenario.toml_files import TomlTable

Remedy = Literal["released", "reopened", "powered"]
"""What brings a camera back: an event, the post opening it again, or the post cycling its power."""


class _Happening(TomlTable):
    at: Duration = Field(description="When, since the scenario's start.")


class _AtPost(_Happening):
    post: str | None = Field(default=None, description="To which post; to all where not given.")


class Publish(_Happening):
    """The department publishes a hot list; posts that are away get it later."""

    do: Literal["publish"]
    list: str = Field(description="Which one.")


class NetworkDown(_AtPost):
    """The post's network is gone."""

    do: Literal["network_down"]


class NetworkUp(_AtPost):
    """The post's network is back."""

    do: Literal["network_up"]


class BrokerStops(_Happening):
    """A broker ends."""

    do: Literal["broker_stops"]
    broker: Annotated[int, Field(ge=1)] = Field(default=1, description="Which one, the first is 1.")


class BrokerStarts(_Happening):
    """A broker runs again."""

    do: Literal["broker_starts"]
    broker: Annotated[int, Field(ge=1)] = Field(default=1, description="Which one, the first is 1.")


class CustodianStops(_Happening):
    """A custodian ends: no one signs for records until it is back."""

    do: Literal["custodian_stops"]
    custodian: Annotated[int, Field(ge=1)] = Field(default=1, description="Which one, the first is 1.")


class CustodianStarts(_Happening):
    """A custodian works again, with what it had."""

    do: Literal["custodian_starts"]
    custodian: Annotated[int, Field(ge=1)] = Field(default=1, description="Which one, the first is 1.")


class CustodianBackedUp(_Happening):
    """A copy of a custodian's store is made; its log of receipts is elsewhere."""

    do: Literal["custodian_backed_up"]
    custodian: Annotated[int, Field(ge=1)] = Field(default=1, description="Which one, the first is 1.")


class CustodianRestored(_Happening):
    """A custodian loses its store and goes on with the last copy, or with none."""

    do: Literal["custodian_restored"]
    custodian: Annotated[int, Field(ge=1)] = Field(default=1, description="Which one, the first is 1.")


class DatabaseStops(_Happening):
    """The department's database ends, no matter who is connected."""

    do: Literal["database_stops"]


class DatabaseStarts(_Happening):
    """The department's database runs again."""

    do: Literal["database_starts"]


class DatabaseDiskFills(_Happening):
    """The disk of the department's database takes nothing more."""

    do: Literal["database_disk_fills"]


class DatabaseDiskFreed(_Happening):
    """There is room on it again, and the database runs."""

    do: Literal["database_disk_freed"]


class KeeperKilled(_Happening):
    """The department's keeper ends as by a power cut, and is restarted."""

    do: Literal["keeper_killed"]


class DispatcherDecides(_Happening):
    """A dispatcher decides about the newest open hit of a plate, by the services that the department's console uses."""

    do: Literal["dispatcher_decides"]
    plate: str = Field(description="As it was read.")
    decides: tuple[Decision, ...] = Field(min_length=1, description="What, one after the other.")
    person: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,30}$")] = Field(
        default="dispatcher", description="Who; each name is a person of their own."
    )


OF_DEPARTMENT = (
    DatabaseStops,
    DatabaseStarts,
    DatabaseDiskFills,
    DatabaseDiskFreed,
    KeeperKilled,
    DispatcherDecides,
)
"""What can happen to a department alone."""


class CaseOpened(_AtPost):
    """Someone opens the case."""

    do: Literal["case_opened"]


class CaseClosed(_AtPost):
    """Someone closes the case."""

    do: Literal["case_closed"]


class CameraHangs(_AtPost):
    """The camera delivers nothing more."""

    do: Literal["camera_hangs"]
    until: Remedy = Field(default="released", description="What helps.")


class CameraFreezes(_AtPost):
    """The camera delivers the same picture again and again."""

    do: Literal["camera_freezes"]
    until: Remedy = Field(default="released", description="What helps.")


class CameraReleased(_AtPost):
    """The camera delivers again."""

    do: Literal["camera_released"]


class CameraMoved(_AtPost):
    """Something turns the camera: from now on it sees another part of the street."""

    do: Literal["camera_moved"]
    right: float = Field(default=0.25, ge=-1, le=1, description="By which share of the picture's width.")
    down: float = Field(default=0.1, ge=-1, le=1, description="By which share of its height.")


class CameraStraightened(_AtPost):
    """Someone puts it back."""

    do: Literal["camera_straightened"]


class LensCovered(_AtPost):
    """Something hangs before the lens: only light comes through."""

    do: Literal["lens_covered"]


class LensWiped(_AtPost):
    """Someone takes it away."""

    do: Literal["lens_wiped"]


class ClockSet(_AtPost):
    """The post's clock is set."""

    do: Literal["clock_set"]
    offset: Signed = Field(default=0.0, description="Seconds by which it is wrong from now on.")
    synchronised: bool = Field(default=True, description="Whether a time source vouches for it from now on.")


class DiskFills(_AtPost):
    """The post's disk takes nothing more."""

    do: Literal["disk_fills"]


class DiskFreed(_AtPost):
    """There is room on the disk again."""

    do: Literal["disk_freed"]


class PostRestarts(_AtPost):
    """The post's software is stopped in good order and started again."""

    do: Literal["post_restarts"]
    away: Annotated[Duration, Field(ge=1)] = Field(default=10.0, description="How long it is away.")


Event = Annotated[
    Publish
    | NetworkDown
    | NetworkUp
    | BrokerStops
    | BrokerStarts
    | CustodianStops
    | CustodianStarts
    | CustodianBackedUp
    | CustodianRestored
    | DatabaseStops
    | DatabaseStarts
    | DatabaseDiskFills
    | DatabaseDiskFreed
    | KeeperKilled
    | DispatcherDecides
    | CaseOpened
    | CaseClosed
    | CameraHangs
    | CameraFreezes
    | CameraReleased
    | CameraMoved
    | CameraStraightened
    | LensCovered
    | LensWiped
    | ClockSet
    | DiskFills
    | DiskFreed
    | PostRestarts,
    Field(discriminator="do"),
]
