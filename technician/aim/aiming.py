"""One session of aiming: what the page shows and what its buttons do, without the web."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from platepost.common.errors import ConfigurationError
from platepost.common.language import Phrase
from platepost.device.board.base import Board
from platepost.device.camera.view import Light, View, Views, load_views
from platepost.provisioning.errors import ProvisioningError
from platepost.technician.aim.session import Session
from platepost.technician.aim.watcher import Observation, Watcher

OLD_SECONDS = 3.0
"""Age from which on the picture is said to stand still."""

LIGHTS: dict[Light, str] = {"day": Phrase("daylight"), "infrared": Phrase("infrared")}
"""The lights as a person says them."""


class AimRefusedError(ProvisioningError):
    """A button of the page does not do what it was asked; the message says why."""


class Aiming:
    """A post that is being aimed. Safe to use from several threads.

    Args:
        watcher: looks through the camera.
        board: has the illuminator.
        session: who may look, and until when.
        folder: of the post's state, where accepted views are kept.
        who: the technician.
        audit: puts an event into the post's audit trail: its action and details.

    """

    def __init__(
        self,
        *,
        watcher: Watcher,
        board: Board,
        session: Session,
        folder: Path,
        who: str,
        audit: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self.watcher = watcher
        self.session = session
        self.who = who
        self._board = board
        self._folder = folder
        self._audit = audit
        self._illuminated = False
        self._accepted: dict[Light, int] = {}
        """How often the camera had been moved when the view was accepted in each light."""

    @property
    def accepted(self) -> set[Light]:
        """In which lights the view was accepted in this session."""
        return set(self._accepted)

    @property
    def outdated(self) -> set[Light]:
        """In which of them the camera was moved since."""
        return {light for light, moves in self._accepted.items() if moves != self.watcher.moves}

    def state(self, seen: Observation | None) -> dict[str, Any]:
        """Return what the page shows, in JSON's types."""
        return {
            "number": None if seen is None else seen.number,
            "light": None if seen is None else seen.light,
            "verdict": None if seen is None else asdict(seen.assessment),
            "lane": None if seen is None else seen.lane,
            "chosen": self.watcher.lanes.chosen,
            "lanes": [] if seen is None else _lanes(seen),
            "still": self._stands_still(seen),
            "illuminated": self._illuminated,
            "ready": self.watcher.background.ready,
            "drawn": {
                "lanes": [lane.name for lane in self.watcher.outlines.lanes],
                "corners": None if self.watcher.outlines.corners is None else len(self.watcher.outlines.corners),
            },
            "accepted": sorted(self.accepted),
            "outdated": sorted(self.outdated),
            "moved": seen is not None and seen.moved,
            "seconds_left": round(self.session.seconds_left),
            "who": self.who,
        }

    def _stands_still(self, seen: Observation | None) -> str | None:
        if self.watcher.fault is not None:
            return self.watcher.fault
        if seen is None:
            return Phrase("no picture yet")
        age = monotonic() - seen.at
        return Phrase("no new picture for {seconds} s", seconds=f"{age:.0f}") if age > OLD_SECONDS else None

    def illuminate(self, *, on: bool) -> None:
        """Switch the infrared illuminator; what was seen in the other light no longer counts."""
        self._board.illuminator(on=on)
        self._illuminated = on
        self.watcher.switch(infrared=on)

    def forget(self) -> None:
        """Judge again, as after the lens was turned."""
        self.watcher.forget()

    def choose(self, lane: str | None) -> None:
        """Judge the lane of a name from now on, or the busiest.

        Raises:
            AimRefusedError: no such lane is seen.

        """
        seen = self.watcher.latest
        if lane is not None and (seen is None or lane not in seen.lanes):
            raise AimRefusedError(Phrase("no longer seen: {lane}", lane=Phrase(lane)))
        self.watcher.lanes.chosen = lane

    def draw(self, what: str, asked: Mapping[str, str]) -> None:
        """Draw lanes that reads will name: `draw` one, its next `corner`, `undo` the last, `keep` it.

        Raises:
            AimRefusedError: that cannot be done as things stand.

        """
        outlines = self.watcher.outlines
        try:
            if what == "draw":
                outlines.begin()
            elif what == "corner":
                outlines.add(float(asked.get("x", "nan")), float(asked.get("y", "nan")))
            elif what == "undo":
                outlines.undo()
            else:
                outlines.keep(asked.get("name", ""))
        except ValueError as error:
            raise AimRefusedError(error.args[0]) from error

    def done(self, *, anyway: bool = False) -> None:
        """Close the page.

        Raises:
            AimRefusedError: a view that was accepted is not good at present, and it is not to be closed anyway.

        """
        wrong = self._unfinished()
        if wrong is not None and not anyway:
            raise AimRefusedError(wrong)
        reason = Phrase("the technician was done")
        self.session.close(
            reason if wrong is None else Phrase("the technician was done, although {wrong}", wrong=wrong)
        )

    def _unfinished(self) -> Phrase | None:
        """Say what is wrong with an accepted view as things stand; None if nothing is."""
        if self.outdated:
            if len(self.outdated) > 1:
                return Phrase("the view has moved since it was accepted in daylight and infrared")
            (light,) = self.outdated
            return Phrase("the view has moved since it was accepted in {light}", light=LIGHTS[light])
        seen = self.watcher.latest
        if seen is None or seen.light not in self.accepted or seen.assessment.light == "green":
            return None
        why = Phrase("no plate was judged yet")
        for point in (point for point in seen.assessment.points if point.good is False):
            problem = Phrase("{name} {value}, wanted {limit}", name=point.name, value=point.value, limit=point.limit)
            why = problem if not why.fields else Phrase("{first}; {second}", first=why, second=problem)
        return Phrase("the accepted view in {light} is not good now: {why}", light=LIGHTS[seen.light], why=why)

    def accept(self) -> Light:
        """Remember the present view, and return the light it was accepted in.

        Raises:
            AimRefusedError: the light is not green, or the picture stands still.

        """
        seen = self.watcher.latest
        still = self._stands_still(seen)
        if seen is None or still is not None:
            raise AimRefusedError(Phrase("there is nothing to accept: {why}", why=still or Phrase("no picture yet")))
        if seen.assessment.light != "green":
            raise AimRefusedError(Phrase("the light is not green"))
        if not self.watcher.background.ready:
            raise AimRefusedError(Phrase("not enough frames yet to tell the background from vehicles"))
        if self.watcher.doubtful:
            raise AimRefusedError(Phrase("the view seems to have moved: do not touch the camera for a few seconds"))
        background, sharpness = self.watcher.background.median
        view = View.of_street(background, sharpness, size=seen.size, accepted=datetime.now(UTC), accepted_by=self.who)
        try:
            views = load_views(self._folder)
        except ConfigurationError:
            views = Views()  # to aim again is what heals a file that cannot be read
        changed = {"day": views.day, "infrared": views.infrared} | {seen.light: view}
        try:
            Views(**changed).save(self._folder)
        except OSError as error:
            raise AimRefusedError(
                Phrase("the view cannot be saved: {why}", why=str(error.strerror or error))
            ) from error
        points = {str(point.name): str(point.value) for point in seen.assessment.points}
        of = {} if seen.lane is None else {"lane": str(seen.lane)}
        self._audit("view_accepted", {"light": seen.light, "figures": points, **of})
        self._accepted[seen.light] = self.watcher.moves
        return seen.light


def _lanes(seen: Observation) -> list[dict[str, Any]]:
    """Say how each lane stands; nothing where there is one only, of which the assessment says all."""
    waited_for = seen.lane is not None and seen.lane not in seen.lanes  # then the choice can be undone
    if len(seen.lanes) < 2 and not waited_for:
        return []
    return [
        {
            "name": str(name),
            "title": name,
            "light": assessment.light,
            "last": assessment.vehicles[-1] if assessment.vehicles else "",
        }
        for name, assessment in seen.lanes.items()
    ]
