"""A light post: a post's own recorder, and what it is told: vehicles that are made up, events, states.

Its records are signed and chained as in the field. Not simulated: camera, recognizer, hot list, control. What keeps its
records and what delivers them is for those who make it to choose.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from platepost.simulator.ground.passages import SeenVehicle
from platepost.version import __version__
from platepost.wire.faults import severity
from platepost.wire.hotlist import plate_key
from platepost.wire.kernel_clock import clock_quality
from platepost.wire.records import (
    Audit,
    ClockQuality,
    ConfigurationState,
    Consultation,
    Envelope,
    Hit,
    HitWithdrawn,
    HotListState,
    KeyState,
    Model,
    Place,
    Read,
    Recorder,
    Status,
    Versions,
    new_identifier,
)
from platepost.wire.records.hit import NEAR_WORDING, WORDING
from platepost.wire.records.status import Reason


def _now() -> datetime:
    return datetime.now(UTC)


class LightPost:
    """What a post says. Its methods return records; `recorder` takes them."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        place: Place,
        configuration: str = "simulated",
        hot_list: Callable[[], HotListState] = lambda: HotListState(state="none"),
        clock: Callable[[], ClockQuality] = clock_quality,
        now: Callable[[], datetime] = _now,
        identify: Callable[[], str] = new_identifier,
    ) -> None:
        """Take its place.

        Args:
            recorder: signs and keeps its records.
            place: where it stands.
            configuration: the digest of its configuration.
            hot_list: which list is in force.
            clock: how good its clock is.
            now: what time it is, UTC.
            identify: makes identifiers.

        """
        self.recorder = recorder
        self.name = recorder.source.post
        self._place = place
        self._hot_list = hot_list
        self._clock = clock
        self._now = now
        self._identify = identify
        self._versions = Versions(
            software=__version__,
            configuration=configuration[:16],
            models=(Model(name="detector", digest="0" * 64), Model(name="reader", digest="0" * 64)),
        )
        self._boot, self._since = identify(), now()
        self._reasons: tuple[Reason, ...] = ()
        self.configuration: ConfigurationState | None = None
        """What its status says of its remote configuration."""
        self.keys: Callable[[], tuple[KeyState, ...]] = tuple
        """The keys that its status names; none unless someone sets it."""

    @property
    def software(self) -> str:
        """The version that it claims to run."""
        return self._versions.software

    @software.setter
    def software(self, version: str) -> None:
        self._versions = self._versions.model_copy(update={"software": version})

    def read(
        self, vehicle: SeenVehicle, *, passage: str | None = None, hits: tuple[str, ...] = (), overview: bool = False
    ) -> Read:
        """Return the read of a vehicle that has just passed, which names its hits."""
        result = "match" if hits else "no_match"
        state = self._hot_list()
        consultation = dict(state) | {"result": "not_consulted" if state.state == "none" else result}
        shown = (vehicle.patch, vehicle.overview) if overview else (vehicle.patch,)
        return Read.model_validate(
            self._sight(vehicle, passage)
            | {"hotlist": Consultation.model_validate(consultation), "hits": hits, "pictures": shown}
        )

    def hit(
        self,
        vehicle: SeenVehicle,
        *,
        category: str,
        passage: str | None = None,
        matched: str | None = None,
        match: str = "exact",
        priority: int = 1,
    ) -> Hit:
        """Return the hit that a vehicle is; `matched` is the list's own spelling, where that is another."""
        matched = matched or vehicle.text
        pairs = enumerate(zip(vehicle.text, matched, strict=False))
        differs = tuple(number for number, (ours, theirs) in pairs if ours != theirs)
        state = self._hot_list()
        return Hit.model_validate(
            self._sight(vehicle, passage)
            | {
                "hit": self._identify(),
                "plate_matched": matched,
                "match": match,
                "differs": () if match == "partial" else differs,
                "category": category,
                "priority": priority,
                "match_confidence": vehicle.confidence,
                "hotlist": state,
                "hotlist_stale": state.state == "stale",
                "wording": NEAR_WORDING if match == "near" else WORDING,
                "pictures": (vehicle.patch, vehicle.overview),
            }
        )

    def withdrawal(self, hit: Hit, final: str) -> HitWithdrawn:
        """Return the withdrawal of a hit, since the passage's final text is another."""
        return HitWithdrawn(
            clock=self._clock(),
            hit=hit.hit,
            passage=hit.passage,
            category=hit.category,
            plate_read=final,
            plate_key=plate_key(final),
            reason="text_changed",
        )

    def event(self, action: str, **more: str) -> Audit:
        """Return an audit record of an event."""
        facts = {"clock": self._clock(), "action": action, "occurred": self._now(), "where": self.name}
        who = {"source": "post", "outcome": "success", "identity": self.name}
        return Audit.model_validate(facts | who | more)

    def status(self, state: str | None = None) -> Status:
        """Return its status: `state`, or else `online` or `degraded`, by its faults."""
        return Status.model_validate(
            {
                "clock": self._clock(),
                "state": state or ("degraded" if self._reasons else "online"),
                "reasons": self._reasons if state is None else (),
                "since": self._now() if state == "offline" else self._since,
                "boot": self._boot,
                "place": Place(site=self._place.site),
                "versions": self._versions,
                "hotlist": self._hot_list(),
                "configuration": self.configuration,
                "keys": self.keys(),
            }
        )

    def degrade(self, **reasons: str) -> Status:
        """Return the status of a post that has these faults from now on, or none if no reason is given.

        Args:
            reasons: each reason's name with a message.

        """
        present = (Reason(name=name, message=message) for name, message in reasons.items())
        self._reasons = tuple(reason.model_copy(update={"severity": severity(reason)}) for reason in present)
        self._since = self._now()
        return self.status()

    def will(self) -> Envelope:
        """Return what the broker is to say once the post is gone without a farewell."""
        return self.recorder.unchained(self.status("offline"))

    def _sight(self, vehicle: SeenVehicle, passage: str | None) -> dict[str, Any]:
        return vehicle.sight(self._now()) | {
            "clock": self._clock(),
            "passage": passage or self._identify(),
            "place": self._place,
            "versions": self._versions,
        }
