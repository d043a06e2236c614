"""Checks of what posts say of themselves: states, the list in force, the clock."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from platepost.simulator.scenario.checks.base import BaseCheck, Within, known
from platepost.simulator.scenario.durations import Duration, words
from platepost.simulator.scenario.wire import STATUS
from platepost.wire.faults import Fault

if TYPE_CHECKING:
    from platepost.simulator.scenario.observations import Observations

TICK_SECONDS = 1.0
HELD_WRONG_SECONDS = 1.0
"""By how much a record may be wrong about what its post's clock showed: no more than from one tick to the next."""


class StateCheck(BaseCheck):
    """When a reason for `degraded` is reported, and when it is cleared."""

    check: Literal["state"]
    reason: Annotated[str, *known(Fault)] = Field(description="Such as tamper_open.")
    entered: Duration | None = Field(default=None, description="From when on it is true.")
    left: Duration | None = Field(default=None, description="From when on it is no longer true.")
    within: Duration = Field(default=5.0, description="Seconds within which the post must report it.")
    never: bool = Field(default=False, description="It must not be reported at all.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.never == (self.entered is not None or self.left is not None):
            raise ValueError("either `never`, or `entered` and `left`, or one of these")
        if self.entered is not None and self.left is not None and self.left <= self.entered:
            raise ValueError("`left` must be later than `entered`")
        return self

    @property
    def says(self) -> str:
        """The demand in words."""
        if self.never:
            return f"never {self.reason}{self._of()}"
        parts = [f"reported after {words(self.entered)}"] if self.entered is not None else []
        parts += [f"cleared after {words(self.left)}"] if self.left is not None else []
        return f"{self.reason} {', '.join(parts)}, each within {words(self.within)}{self._of()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Look at each post."""
        return tuple(f"{name}: {problem}" for name in self.names(observed) for problem in self._judge(observed, name))

    def _judge(self, observed: "Observations", post: str) -> list[str]:
        spans = _joined(
            [
                (condition.begins, condition.ends)
                for condition in observed.conditions(post)
                if self.reason in condition.reasons
            ]
        )
        reported = ", ".join(f"{words(begin)} to {words(end)}" for begin, end in spans) or "never"
        if self.never:
            return [f"{self.reason} was reported: {reported}"] if spans else []
        problems = []
        if self.entered is not None:
            limit = self.entered + self.within
            if not any(begin <= limit and end > self.entered for begin, end in spans):
                problems.append(f"{self.reason} was not reported within {words(self.within)} (reported: {reported})")
            if any(begin < self.entered for begin, _ in spans):
                problems.append(f"{self.reason} was reported too early (reported: {reported})")
        if self.left is not None:
            limit = self.left + self.within
            if not spans or any(end > limit and begin < limit for begin, end in spans):
                problems.append(f"{self.reason} was not cleared within {words(self.within)} (reported: {reported})")
            if any(begin >= limit for begin, _ in spans):
                problems.append(f"{self.reason} was reported again (reported: {reported})")
        if self.entered is not None and self.left is not None:
            # Once it is due it is reported without a break, until it is no longer true.
            due = self.entered + self.within
            if due < self.left and spans and not any(begin <= due and end >= self.left for begin, end in spans):
                problems.append(f"{self.reason} was not reported all the time (reported: {reported})")
        return problems


class ListCheck(BaseCheck):
    """Which list is active, as the post's status reports it."""

    check: Literal["list"]
    version: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Which; none where not given.")
    at: Duration | None = Field(default=None, description="When; at the end where not given.")
    state: Literal["none", "current", "warning", "stale"] | None = Field(default=None, description="How old it is.")

    @property
    def says(self) -> str:
        """The demand in words."""
        when = "at the end" if self.at is None else f"at {words(self.at)}"
        which = f"list {self.version}" if self.version else "no list"
        return f"{which} active {when}{f', {self.state}' if self.state else ''}{self._of()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Look at the last status before the moment."""
        problems = []
        for name in self.names(observed):
            reported = [
                entry.data["hotlist"] for entry in observed.of(STATUS, post=name, before=self.at) if entry.chained
            ]
            if not reported:
                problems.append(f"{name}: it has not reported its list by then")
                continue
            last = reported[-1]
            if last.get("version") != self.version:
                problems.append(f"{name}: list {last.get('version')} is active, expected {self.version}")
            if self.state is not None and last.get("state") != self.state:
                problems.append(f"{name}: the list is {last.get('state')}, expected {self.state}")
        return tuple(problems)


class ClockCheck(Within):
    """How records tell the time."""

    check: Literal["clock"]
    synchronised: bool | None = Field(default=None, description="Whether they say that a time source vouches for it.")
    off_by: Duration | None = Field(default=None, description="By how much at most their time is wrong.")

    @property
    def says(self) -> str:
        """The demand in words."""
        parts = ["times of records never go back unreported", "they report how far they are from the post's clock"]
        if self.synchronised is not None:
            parts.append(f"they report that the clock is {'' if self.synchronised else 'not '}synchronized")
        if self.off_by is not None:
            parts.append(f"they are right within {words(self.off_by)}")
        return ", ".join(parts) + self._when()

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Look at every chained record."""
        problems = []
        for name in self.names(observed):
            entries = [entry for entry in observed.records if entry.post == name and entry.chained]
            times = [datetime.fromisoformat(str(entry.event["time"])) for entry in entries]
            reported = [entry.data["clock"].get("stepped_back_seconds") for entry in entries[1:]]
            steps = zip(pairwise(times), reported, strict=True)
            back = sum(later < earlier and named is None for (earlier, later), named in steps)
            problems += [f"{name}: {back} records are earlier than the one before without reporting it"] if back else []
            if not any(self._covers(entry.at) for entry in entries):
                problems.append(f"{name}: no record has the time{self._when()}")
            for entry, moment in zip(entries, times, strict=True):
                if not self._covers(entry.at):
                    continue
                if self.synchronised not in {None, entry.data["clock"]["synchronised"]}:
                    problems.append(f"{name}: record {entry.sequence} reports the opposite of its clock")
                held = timedelta(seconds=entry.data["clock"].get("held_seconds", 0.0))
                clock = observed.course.moment(entry.at + observed.posts[name].offset_at(entry.at))
                if abs((moment - held - clock).total_seconds()) > HELD_WRONG_SECONDS:
                    problems.append(f"{name}: record {entry.sequence} does not report how far it is from the clock")
                wrong = abs((moment - observed.course.moment(entry.at)).total_seconds())
                if self.off_by is not None and wrong > self.off_by + TICK_SECONDS / 1000:
                    problems.append(f"{name}: record {entry.sequence} is off by {words(wrong)}")
        return tuple(problems[:5])


def _joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined
