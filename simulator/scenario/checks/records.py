"""Checks of records: reads, hits, withdrawals, the audit trail."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from platepost.department.alerts.states import AlertState
from platepost.simulator.ground.dispatchers import Decision
from platepost.simulator.scenario.checks.base import Counted, known
from platepost.simulator.scenario.wire import AUDIT, HIT, READ, WITHDRAWN, same_plate
from platepost.wire.records.audit import ACTIONS

if TYPE_CHECKING:
    from platepost.simulator.scenario.observations import Observations, ReceivedRecord


class ReadsCheck(Counted):
    """How many reads there are, of one plate or all."""

    check: Literal["reads"]
    plate: str | None = Field(default=None, description="The plate; O and 0, I and 1 count as the same.")
    result: Literal["match", "no_match", "not_consulted"] | None = Field(
        default=None, description="What the hot list answered."
    )

    @property
    def says(self) -> str:
        """The demand in words."""
        of = f" of {self.plate}" if self.plate else ""
        answered = f" answered {self.result.replace('_', ' ')}" if self.result else ""
        return f"reads{of}{answered}: {self._many()}{self._when()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count them."""
        matching = [
            entry
            for entry in self._within(observed, READ)
            if (self.plate is None or same_plate(entry.data["plate_read"], self.plate))
            and self.result in {None, entry.data["hotlist"]["result"]}
        ]
        return self._wrong(len(matching), f"reads{f' of {self.plate}' if self.plate else ''}: {_texts(matching)}")


class HitsCheck(Counted):
    """How many hits there are, of one plate or all, and how they matched."""

    check: Literal["hits"]
    plate: str | None = Field(default=None, description="The plate as read; O and 0, I and 1 count as the same.")
    category: str | None = Field(default=None, description="Such as stolen_vehicle; one of the lists' own.")
    match: Literal["exact", "look_alike", "near", "partial"] | None = Field(default=None, description="How it matched.")
    stale: bool | None = Field(default=None, description="Whether it reports that its list was old.")
    pictures: bool = Field(default=False, description="Count only hits with patch and overview.")

    @property
    def says(self) -> str:
        """The demand in words."""
        kind = f"{self.match.replace('_', ' ')} " if self.match else ""
        of = (f" of {self.plate}" if self.plate else "") + (f" in {self.category}" if self.category else "")
        old = "" if self.stale is None else ", reported as of an old list" if self.stale else ", of a list in date"
        shown = ", with patch and overview" if self.pictures else ""
        return f"{kind}hits{of}{old}{shown}: {self._many()}{self._when()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count them."""
        entries = self._within(observed, HIT)
        matching = [entry for entry in entries if self._meant(entry)]
        return self._wrong(len(matching), f"hits{f' of {self.plate}' if self.plate else ''}: {_texts(matching)}")

    def _meant(self, entry: "ReceivedRecord") -> bool:
        data = entry.data
        shown = {picture["kind"] for picture in data.get("pictures", ()) if picture.get("data")}
        return (
            (self.plate is None or same_plate(data["plate_read"], self.plate))
            and self.category in {None, data["category"]}
            and self.match in {None, data["match"]}
            and self.stale in {None, data["hotlist_stale"]}
            and (not self.pictures or shown == {"patch", "overview"})
        )


class WithdrawnCheck(Counted):
    """How many hits were withdrawn."""

    check: Literal["withdrawn"]

    @property
    def says(self) -> str:
        """The demand in words."""
        return f"hits withdrawn: {self._many()}{self._when()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count them."""
        withdrawn = list(self._within(observed, WITHDRAWN))
        return self._wrong(len(withdrawn), "withdrawals")


class AuditCheck(Counted):
    """How many audit records there are of an action."""

    check: Literal["audit"]
    action: Annotated[str, *known(ACTIONS)] = Field(description="Such as hotlist_refused.")
    reason: str | None = Field(default=None, description="Why.")
    outcome: Literal["success", "failure", "refused"] | None = Field(default=None, description="How it ended.")

    @property
    def says(self) -> str:
        """The demand in words."""
        why = f" because of {self.reason}" if self.reason else ""
        return f"audit reports {self.action}{why}: {self._many()}{self._when()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count them."""
        entries = list(self._within(observed, AUDIT))
        matching = [
            entry
            for entry in entries
            if entry.data["action"] == self.action
            and self.reason in {None, entry.data.get("reason")}
            and self.outcome in {None, entry.data["outcome"]}
        ]
        actions = ", ".join(sorted({str(entry.data["action"]) for entry in entries})) or "nothing"
        return self._wrong(len(matching), f"audit records of {self.action} (it has: {actions})")


class DecisionsCheck(Counted):
    """How many decisions dispatchers made, and what became of them."""

    check: Literal["decisions"]
    plate: str | None = Field(default=None, description="Of which hits; as read.")
    decision: Decision | None = Field(default=None, description="Which one.")
    refused: bool = Field(default=False, description="Count those that the department refused, and no others.")
    state: Annotated[str, *known(AlertState)] | None = Field(
        default=None, description="The state of the hit at the department afterwards."
    )

    @property
    def says(self) -> str:
        """The demand in words."""
        which = f"{'refused ' if self.refused else ''}decisions" + (f" {self.decision!r}" if self.decision else "")
        after = f", after which it is {self.state}" if self.state else ""
        return f"{which}{f' about {self.plate}' if self.plate else ''}{after}: {self._many()}{self._when()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count them."""
        there = [(at, decision) for at, decision in observed.course.decisions if self._covers(at)]
        matching = [
            decision
            for _, decision in there
            if self.post in {None, decision.post}
            and self.plate in {None, decision.plate}
            and self.decision in {None, decision.decision}
            and self.state in {None, decision.state}
            and bool(decision.refused) == self.refused
        ]
        actions = (
            "; ".join(f"{decision.decision}: {decision.refused or decision.state}" for _, decision in there)
            or "no one decided"
        )
        return self._wrong(len(matching), f"decisions ({actions})")


def _texts(entries: Iterable["ReceivedRecord"]) -> str:
    return ", ".join(str(entry.data["plate_read"]) for entry in entries) or "none"
