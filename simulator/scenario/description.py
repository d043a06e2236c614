"""What a scenario file may say: posts, lists, traffic, events, and what must be true at the end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from platepost.provisioning.fleet.post_file import Setting
from platepost.simulator.scenario.checks.machine import BoardCheck, CameraCheck
from platepost.simulator.scenario.checks.proof import (
    BrokerCheck,
    ChainCheck,
    CustodyCheck,
    DeliveredCheck,
    LatencyCheck,
    TruthCheck,
)
from platepost.simulator.scenario.checks.records import (
    AuditCheck,
    DecisionsCheck,
    HitsCheck,
    ReadsCheck,
    WithdrawnCheck,
)
from platepost.simulator.scenario.checks.states import ClockCheck, ListCheck, StateCheck
from platepost.simulator.scenario.demands import misfits, too_many
from platepost.simulator.scenario.durations import Duration, Signed
from platepost.simulator.scenario.events import OF_DEPARTMENT, CustodianBackedUp, CustodianRestored, Event, Publish
from platepost.simulator.scenario.lists import DECOYS, ListDescription
from platepost.simulator.scenario.toml_files import TomlTable

Check = Annotated[
    ReadsCheck
    | HitsCheck
    | WithdrawnCheck
    | AuditCheck
    | DecisionsCheck
    | StateCheck
    | ListCheck
    | ClockCheck
    | ChainCheck
    | DeliveredCheck
    | CustodyCheck
    | TruthCheck
    | BrokerCheck
    | LatencyCheck
    | BoardCheck
    | CameraCheck,
    Field(discriminator="check"),
]


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
_REACH = (datetime(2026, 1, 2, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))
"""What the certificates of a simulated fleet cover."""


def _certified(moment: datetime) -> datetime:
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if not _REACH[0] <= moment <= _REACH[1]:
        raise ValueError("scenarios take place between 2026-01-02 and 2099")
    return moment.astimezone(UTC)


class PostDescription(TomlTable):
    """One post."""

    name: Name = Field(description="Its name, as in topics.")
    site: str = Field(default="", max_length=120, description="Where it stands, in words.")
    clock_offset: Signed = Field(default=0.0, description="Seconds by which its clock is wrong.")
    clock_synchronised: bool = Field(default=True, description="Whether a time source vouches for its clock.")
    accepted_view: str | None = Field(
        default=None,
        max_length=255,
        description="The clip whose empty road a technician has accepted as what the camera should see.",
    )
    settings: dict[str, dict[str, Setting]] = Field(
        default_factory=dict, description="Further keys of its post.toml, by section."
    )


class Traffic(TomlTable):
    """A stretch of a clip that passes a post's camera."""

    at: Duration = Field(description="When its first frame is shown.")
    clip: str = Field(max_length=255, description="A clip that ships, by name, or a video file next to the scenario.")
    post: Name | None = Field(default=None, description="Before which post; before all where not given.")
    start: Duration = Field(default=0.0, description="The clip's second to begin at.")
    end: Duration | None = Field(default=None, description="The clip's second to stop before; its end where not given.")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("`end` must be later than `start`")
        return self


class Scenario(TomlTable):
    """One scenario, checked as a whole."""

    title: str = Field(min_length=1, max_length=80, description="What it is called in reports.")
    promise: str = Field(min_length=1, max_length=400, description="What Platepost promises here, in a sentence.")
    begins: Annotated[datetime, AfterValidator(_certified)] = Field(description="The simulated time of its start, UTC.")
    lasts: Annotated[Duration, Field(gt=0, le=31 * 86400)] = Field(description="How long it lasts.")
    leap: Annotated[Duration, Field(ge=0.25, le=3600)] = Field(
        default=30.0, description="Where nothing happens the empty road is shown once in so many seconds."
    )
    brokers: Annotated[int, Field(ge=1, le=3)] = Field(
        default=1, description="How many brokers the department has; posts know all of them."
    )
    custodians: Annotated[int, Field(ge=0, le=3)] = Field(
        default=1, description="How many custodians must sign for each record; with none, a broker's word releases it."
    )
    department: bool = Field(
        default=False,
        description="Whether a real department, with archive service and database, is the only custodian.",
    )
    posts: tuple[PostDescription, ...] = Field(min_length=1, max_length=8, description="The posts.")
    lists: dict[Name, ListDescription] = Field(default_factory=dict, description="Hot lists, by name.")
    traffic: tuple[Traffic, ...] = Field(default=(), description="What passes.")
    events: tuple[Event, ...] = Field(default=(), description="What happens, and when.")
    expect: tuple[Check, ...] = Field(min_length=1, description="What must be true at the end.")

    def moment(self, seconds: float) -> datetime:
        """Return the simulated time so many seconds after the start."""
        return self.begins + timedelta(seconds=seconds)

    def faults(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Return what does not fit together, each with its place in the file."""
        problems: list[tuple[tuple[str | int, ...], str]] = []
        names = [post.name for post in self.posts]
        problems += [
            (("posts", place, "name"), f"{name!r} is the name of another post too")
            for place, name in enumerate(names)
            if name in names[:place]
        ]
        for key, entries in (("traffic", self.traffic), ("events", self.events), ("expect", self.expect)):
            for place, entry in enumerate(entries):
                post = getattr(entry, "post", None)
                if post is not None and post not in names:
                    problems.append(
                        ((key, place, "post"), f"no post is called {post!r}; there are: {', '.join(names)}")
                    )
                at = getattr(entry, "at", None)
                if at is not None and key != "expect" and at >= self.lasts:
                    problems.append(((key, place, "at"), "after the scenario's end"))
        for place, event in enumerate(self.events):
            if isinstance(event, Publish) and event.list not in self.lists:
                known = ", ".join(self.lists) or "none"
                problems.append((("events", place, "list"), f"no list is called {event.list!r}; there are: {known}"))
            for key, there in (("broker", self.brokers), ("custodian", self.custodians)):
                if getattr(event, key, 0) > there:
                    problems.append((("events", place, key), too_many(there, key)))
        categories = {plate.category for hot_list in self.lists.values() for plate in hot_list.plates}
        categories |= {DECOYS for hot_list in self.lists.values() if hot_list.decoys}
        for place, check in enumerate(self.expect):
            wrong = misfits(
                check, lasts=self.lasts, brokers=self.brokers, custodians=self.custodians, categories=categories
            )
            problems += [(("expect", place, key), message) for key, message in wrong]
        return [*problems, *self._department_faults()]

    def _department_faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        if self.department and self.custodians != 1:
            yield ("custodians",), "a department is the only custodian"
        for place, event in enumerate(self.events):
            if isinstance(event, OF_DEPARTMENT) and not self.department:
                yield ("events", place, "do"), "there is no department: set `department = true`"
            if isinstance(event, CustodianBackedUp | CustodianRestored) and self.department:
                yield ("events", place, "do"), "a department's database cannot be restored here"
