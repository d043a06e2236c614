"""One session of aiming: what the page shows and what its buttons do, without the web."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from device.board.base import Board
from device.camera.view import Light, View, Views, load_views
from provisioning.errors import ProvisioningError
from provisioning.technician.aim.session import Session
from provisioning.technician.aim.watcher import Sight, Watcher

OLD_SECONDS = 3.0
"""Age from which on the picture is said to stand still."""

LIGHTS: dict[Light, str] = {"day": "daylight", "infrared": "infrared"}
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

    def state(self, sight: Sight | None) -> dict[str, Any]:
        """Return what the page shows, in JSON's types."""
        return {
            "number": None if sight is None else sight.number,
            "light": None if sight is None else sight.light,
            "verdict": None if sight is None else asdict(sight.verdict),
            "lane": None if sight is None else sight.lane,
            "chosen": self.watcher.lanes.chosen,
            "lanes": [] if sight is None else _lanes(sight),
            "still": self._stands_still(sight),
            "illuminated": self._illuminated,
            "ready": self.watcher.street.ready,
            "accepted": sorted(self.accepted),
            "outdated": sorted(self.outdated),
            "moved": sight is not None and sight.moved,
            "seconds_left": round(self.session.seconds_left),
            "who": self.who,
        }

    def _stands_still(self, sight: Sight | None) -> str | None:
        if self.watcher.fault is not None:
            return self.watcher.fault
        if sight is None:
            return "no picture yet"
        age = monotonic() - sight.at
        return f"no new picture for {age:.0f} s" if age > OLD_SECONDS else None

    def illuminate(self, *, on: bool) -> None:
        """Switch the infrared illuminator; what was seen in the other light no longer counts."""
        self._board.illuminator(on=on)
        self._illuminated = on
        self.watcher.switch(infrared=on)

    def forget(self) -> None:
        """Judge anew, as after the lens was turned."""
        self.watcher.forget()

    def choose(self, lane: str | None) -> None:
        """Judge the lane of a name from now on, or the busiest.

        Raises:
            AimRefusedError: no such lane is seen.

        """
        seen = self.watcher.latest
        if lane is not None and (seen is None or lane not in seen.lanes):
            raise AimRefusedError(f"no {lane} is seen any more")
        self.watcher.lanes.chosen = lane

    def done(self, *, anyway: bool = False) -> None:
        """Close the page.

        Raises:
            AimRefusedError: a view that was accepted is not good at present, and it is not to be closed anyway.

        """
        wrong = self._unfinished()
        if wrong is not None and not anyway:
            raise AimRefusedError(wrong)
        self.session.close("the technician was done" + ("" if wrong is None else f", though {wrong}"))

    def _unfinished(self) -> str | None:
        """Say what is wrong with an accepted view as things stand; None if nothing is."""
        if self.outdated:
            by = " and ".join(LIGHTS[light] for light in sorted(self.outdated))
            return f"the view has moved since it was accepted by {by}"
        sight = self.watcher.latest
        if sight is None or sight.light not in self.accepted or sight.verdict.light == "green":
            return None
        bad = [f"{each.name} {each.value}, wanted {each.limit}" for each in sight.verdict.points if each.good is False]
        why = "; ".join(bad) or "no plate was judged yet"
        return f"the view that is kept by {LIGHTS[sight.light]} is not good now: {why}"

    def accept(self) -> Light:
        """Remember the present view, and return the light it was accepted in.

        Raises:
            AimRefusedError: the light is not green, or the picture stands still.

        """
        sight = self.watcher.latest
        still = self._stands_still(sight)
        if sight is None or still is not None:
            raise AimRefusedError(f"there is nothing to accept: {still}")
        if sight.verdict.light != "green":
            raise AimRefusedError("the light is not green")
        if not self.watcher.street.ready:
            raise AimRefusedError("it has not looked long enough to tell the street from its vehicles")
        if self.watcher.doubtful:
            raise AimRefusedError("the view looks as if it was moved: leave the camera alone for some seconds")
        street, sharpness = self.watcher.street.median
        view = View.of_street(street, sharpness, size=sight.size, accepted=datetime.now(UTC), accepted_by=self.who)
        views = load_views(self._folder)
        changed = {"day": views.day, "infrared": views.infrared} | {sight.light: view}
        try:
            Views(**changed).save(self._folder)
        except OSError as error:
            raise AimRefusedError(f"the view cannot be kept: {error.strerror or error}") from error
        points = {point.name: point.value for point in sight.verdict.points}
        of = {} if sight.lane is None else {"lane": sight.lane}
        self._audit("view_accepted", {"light": sight.light, "figures": points, **of})
        self._accepted[sight.light] = self.watcher.moves
        return sight.light


def _lanes(sight: Sight) -> list[dict[str, Any]]:
    """Say how each lane stands; nothing where there is one only, of which the verdict says all."""
    waited_for = sight.lane is not None and sight.lane not in sight.lanes  # then the choice can be taken back
    if len(sight.lanes) < 2 and not waited_for:
        return []
    return [
        {"name": name, "light": verdict.light, "last": verdict.vehicles[-1] if verdict.vehicles else ""}
        for name, verdict in sight.lanes.items()
    ]
