"""The part of the checklist that needs the post at work: list, alarm, count, outage."""

import base64
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from platepost.common.errors import PlatepostError
from platepost.common.language import Phrase, message
from platepost.common.signals import current
from platepost.device.config import Configuration
from platepost.device.post import Post
from platepost.device.rig import Rig
from platepost.provisioning.connection import Connection, data_of
from platepost.provisioning.errors import ProvisioningError
from platepost.technician.accept.counting import (
    REACH_SECONDS,
    ManualCount,
    Span,
    compare,
    is_enough,
    least_read,
)
from platepost.technician.accept.dialogue import Terminal
from platepost.technician.accept.result import Illustration, Result
from platepost.technician.accept.tally import tally
from platepost.technician.accept.witness import Witness
from platepost.technician.technician import Technician
from platepost.wire.faults import Fault, explained
from platepost.wire.hotlist import MatchKind
from platepost.wire.records import TYPES, Hit, Read, Source, Status
from platepost.wire.records.hit import TEST_CATEGORY

log = logging.getLogger(__name__)

_STOP_SECONDS = 60.0
_SILENT, _STOPPED = Phrase("no status yet"), Phrase("the post has stopped")
_READ_AS_LISTED = frozenset({MatchKind.EXACT.value, MatchKind.LOOK_ALIKE.value})
"""Of a hit of another kind the plate may be a passer-by's."""
_AT_MOST = frozenset({"list_seconds", "alarm_seconds"})
_AT_LEAST = frozenset({"vehicles", "least_share", "outage_seconds"})
ANEW_SECONDS = 3.0
"""Between two attempts to connect while a technician waits: the uplink's own pauses grow to minutes, for fleets."""


class AcceptanceCriteria(BaseModel):
    """What is asked of a post; the department may ask for more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    list_seconds: float = Field(default=120, gt=0)
    """For the first current list to come."""
    alarm_seconds: float = Field(default=5, gt=0)
    """From the test plate's best frame to the technician's own client of the broker."""
    vehicles: int = Field(default=30, ge=1)
    """To count; 200 by day and 200 by night make a figure that can be published."""
    least_share: float = Field(default=0.8, ge=0, le=1)
    """That the lower end of the 95 % interval must reach."""
    outage_seconds: float = Field(default=60, gt=0)
    patience_seconds: float = Field(default=600, gt=0)
    """For a person to do what was asked, or a vehicle to come."""

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if least_read(self.vehicles, self.least_share) is None:
            raise ValueError(
                f"vehicles={self.vehicles} are too few to show least_share={self.least_share:g}, even if all are read"
            )
        return self

    @property
    def lowered(self) -> dict[str, tuple[float, float]]:
        """By each limit that asks for less than the default: what it asks for, and the default."""
        lowered = {}
        for name, default in AcceptanceCriteria().model_dump().items():
            value = getattr(self, name)
            if (name in _AT_MOST and value > default) or (name in _AT_LEAST and value < default):
                lowered[name] = (value, default)
        return lowered

    @property
    def unread(self) -> int:
        """How many of the counted vehicles may go unread."""
        return self.vehicles - (least_read(self.vehicles, self.least_share) or 0)


def instruction(limits: AcceptanceCriteria) -> tuple[Phrase, ...]:
    """Say which vehicles are counted, when, and how many may be missing, in lines.

    All that the post reads, of every lane in its view, is compared with the count; what was read and not counted is
    told in the report and not held against the post, what was counted and not read is. So only vehicles that it is
    meant to read are to be counted: those of the lane that the technician aimed it at. They stand at the road and see
    no picture, but know where a plate is seen from the step before.
    """
    most, vehicles = str(limits.unread), str(limits.vehicles)
    some = Phrase(
        "At most {most} of the {wanted} may go unread, or the post is NOT accepted; one that you missed yourself, "
        "leave out.",
        most=most,
        wanted=vehicles,
    )
    none = Phrase(
        "None of the {wanted} may go unread, or the post is NOT accepted; one that you missed yourself, leave out.",
        wanted=vehicles,
    )
    return (
        Phrase(
            "Count the vehicles in the lane that this post is aimed at; none of another lane, and none without a plate "
            "on the side towards the camera."
        ),
        some if limits.unread else none,
        Phrase(
            "Press Enter for each as it passes the place where you showed the test plate; up to {seconds} s sooner or "
            "later will do.",
            seconds=f"{REACH_SECONDS:g}",
        ),
        Phrase(
            "u and Enter takes the last one back; the count ends after {wanted}; q and Enter gives it up.",
            wanted=vehicles,
        ),
    )


def judged(count: ManualCount, limits: AcceptanceCriteria) -> Result:
    """Judge a count; one that was ended before all were counted shows nothing, however many of them were read."""
    low, high = count.interval
    text = Phrase(
        "{read} of {vehicles} read: {share}, 95% interval {low} to {high}; {more} more that were not counted; the "
        "lower end must reach {least}",
        read=str(count.read),
        vehicles=str(count.vehicles),
        share=f"{count.share:.0%}",
        low=f"{low:.0%}",
        high=f"{high:.0%}",
        more=str(count.unseen),
        least=f"{limits.least_share:.0%}",
    )
    whole = count.vehicles >= limits.vehicles
    if not whole:
        text = Phrase(
            "{found}; ended before all {wanted} vehicles were counted",
            found=text,
            wanted=str(limits.vehicles),
        )
    return Result(
        point=Phrase("count"), good=whole and is_enough(count.read, count.vehicles, limits.least_share), said=text
    )


class AtWork:
    """The post at work in this process, watched; a context manager.

    Raises:
        PlatepostError: whatever keeps the post from starting.

    """

    def __init__(
        self, configuration: Configuration, technician: Technician, dialogue: Terminal, limits: AcceptanceCriteria
    ) -> None:
        self._configuration = configuration
        self._technician = technician
        self._dialogue = dialogue
        self._limits = limits
        self._source = Source(configuration.post.agency, configuration.post.name)
        self.witness = Witness(configuration)
        try:
            self.post = Post(configuration, rig=Rig(outbox=lambda _: self.witness, accepting=True))
        except PlatepostError:
            self.witness.close()
            raise
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.post.stop()
        self._thread.join(current().limit(_STOP_SECONDS + self._configuration.uplink.drain_seconds))

    def _run(self) -> None:
        try:
            self.post.run()
        except PlatepostError as error:
            log.exception("the post stopped")
            self._fault = error

    def _wait(self, condition: Callable[[], bool], seconds: float, *, what: Callable[[], Phrase] | None = None) -> bool:
        """Wait for a condition as long as the post is at work; `what` says for what, to the person who watches."""
        began = monotonic()

        def over() -> bool:
            if condition() or not self._thread.is_alive():
                return True
            if what is not None:
                waited = f"{monotonic() - began:.0f}"
                self._dialogue.progress(Phrase("  {what} ... {seconds} s", what=what(), seconds=waited))
            return False

        self.witness.wait(over, seconds)
        self._require_at_work()
        return condition()

    def _require_at_work(self) -> None:
        if not self._thread.is_alive():
            why = Phrase("its footage ended") if self._fault is None else message(self._fault)
            raise ProvisioningError(Phrase("the post stopped: {why}", why=why))

    # --- the steps

    def hot_list(self) -> list[Result]:
        """See that a current list is in force, and that the post has no fault but that it was not accepted."""
        patience = f"{self._limits.list_seconds:.0f}"
        self._dialogue.say(Phrase("The post is at work; waiting up to {seconds} s for its hot list.", seconds=patience))
        current = self._wait(
            lambda: self._status().get("hotlist", {}).get("state") == "current",
            self._limits.list_seconds,
            what=lambda: Phrase("waiting for the hot list"),
        )
        state = self._status().get("hotlist", {})
        text = Phrase("no current list came")
        if current:
            version, entries = str(state.get("version")), str(state.get("entries"))
            text = Phrase("version {version}, {entries} entries", version=version, entries=entries)
        if self._faults():
            self._dialogue.say(
                Phrase(
                    "{faults} Waiting up to {seconds} s more for this to end.",
                    faults=self._explained(),
                    seconds=patience,
                )
            )
        healthy = self._wait(
            lambda: not self._faults(),
            self._limits.list_seconds,
            what=lambda: Phrase("waiting for the faults to end"),
        )
        state_said = Phrase("no fault") if healthy else self._explained()
        return [
            Result(point=Phrase("hot list"), good=current, said=text),
            Result(point=Phrase("state"), good=healthy, said=state_said),
        ]

    def _status(self) -> dict[str, Any]:
        text = self.witness.recorded(TYPES[Status])
        return text[-1].data if text else {}

    def _faults(self) -> set[str]:
        if not self._status():
            return {_SILENT}
        # One that has stopped, as footage does at its end, names no fault any longer.
        stopped = {_STOPPED} if self._status()["state"] == "offline" else set()
        present = stopped | {str(reason["name"]) for reason in self._status().get("reasons", ())}
        return present - {Fault.NOT_ACCEPTED.value}

    def _explained(self) -> Phrase:
        return explained(sorted(self._faults()))

    def alarm(self) -> list[Result]:
        """Have the test plate seen, and hear the alarm as the department hears it: through the broker."""
        configuration, identity = self._configuration, self._technician.identity
        topic, point = self._source.hit(TEST_CATEGORY), Phrase("alarm")
        began = datetime.now(UTC)

        def is_new(other: str, payload: bytes) -> bool:
            return other == topic and captured_since(payload, began)

        with Connection(identity.folder, broker=configuration.uplink.brokers[0], topics=[topic]) as connection:
            self._dialogue.say(
                Phrase(
                    "Hold the test plate where plates pass, or drive it by: any plate that the list has with the "
                    "category {category}.",
                    category=TEST_CATEGORY,
                )
            )
            payload = connection.wait(is_new, self._limits.patience_seconds)
            arrived = datetime.now(UTC)
        if payload is None:
            hits = [hit.data for hit in self.witness.recorded(TYPES[Hit])]
            seen = any(hit["category"] == TEST_CATEGORY and not hit["synthetic"] for hit in hits)
            why = Phrase("the post read it, but the hit did not arrive") if seen else Phrase("no test plate was seen")
            return [Result(point=point, good=False, said=why)]
        took = (arrived - _captured(payload)).total_seconds()
        good = took <= self._limits.alarm_seconds
        text = Phrase(
            "arrived {seconds} s after the frame that it shows; at most {most} s",
            seconds=f"{took:.1f}",
            most=f"{self._limits.alarm_seconds:g}",
        )
        return [Result(point=point, good=good, said=text, pictures=_pictures(payload))]

    def count(self) -> list[Result]:
        """Count vehicles together with the technician."""
        vehicles = self._limits.vehicles
        self._dialogue.discard()
        for line in instruction(self._limits):
            self._dialogue.say(line)
        settle = REACH_SECONDS + self._configuration.passages.lost_after_seconds + 1.0
        patience = self._limits.patience_seconds
        taps = tally(self._dialogue, vehicles, patience_seconds=patience, settle_seconds=settle)
        self._require_at_work()
        return [judged(compare(taps, self._spans()), self._limits)]

    def _spans(self) -> list[Span]:
        offset = time.time() - monotonic()
        matching = []
        for read in self.witness.recorded(TYPES[Read]):
            ends = (datetime.fromisoformat(read.data[key]).timestamp() - offset for key in ("first_seen", "last_seen"))
            matching.append(Span(*ends))
        return matching

    def outage(self) -> list[Result]:
        """Take the network away, and see that every record made meanwhile is taken by the broker afterwards."""
        limits, point = self._limits, Phrase("outage")
        self._dialogue.say(Phrase("Take the network away: unplug the uplink. It may take a minute to be noticed."))
        end, passed = monotonic() + limits.patience_seconds, False
        while not passed:
            gone = self._wait(
                lambda: not self.post.connected,
                max(0.0, end - monotonic()),
                what=lambda: Phrase("the post is still connected"),
            )
            if not gone:
                return [Result(point=point, good=False, said=Phrase("the post did not stay without network"))]
            began = monotonic()
            self._dialogue.say(
                Phrase("It is away; waiting {seconds} s, and for a vehicle.", seconds=f"{limits.outage_seconds:g}")
            )
            passed = self._passes_by(began)
            away, made = monotonic() - began, self._made_since(began)
            if not passed and not self.post.connected:
                return [Result(point=point, good=False, said=Phrase("no vehicle passed while the network was away"))]
            if not passed:
                self._dialogue.say(
                    Phrase("It is connected again: unplug it, and leave it unplugged until the screen shows it.")
                )
        self._dialogue.say(
            Phrase(
                "Plug it in again. The post tries to connect every {seconds} s until it is back.",
                seconds=f"{ANEW_SECONDS:g}",
            )
        )
        ended = monotonic()
        taken = self._back(ended, limits.patience_seconds)
        left = len(self.witness.outstanding(until=ended))
        records, seconds = str(made), f"{away:.0f}"
        text = Phrase(
            "{records} records made in {seconds} s without network, all delivered to the broker afterwards",
            records=records,
            seconds=seconds,
        )
        if not taken:
            text = Phrase(
                "{records} records made in {seconds} s without network, {left} not taken",
                records=records,
                seconds=seconds,
                left=str(left),
            )
        return [Result(point=point, good=taken, said=text)]

    def _passes_by(self, began: float) -> bool:
        """Wait until the network was away for long enough and a vehicle passed; False if it came back before."""
        limits, due = self._limits, began + self._limits.outage_seconds

        def long_enough() -> bool:
            return monotonic() >= due and bool(self.witness.recorded(TYPES[Read], after=began))

        self._wait(
            lambda: self.post.connected or long_enough(),
            limits.outage_seconds + limits.patience_seconds,
            what=lambda: (
                Phrase("without network") if monotonic() < due else Phrase("without network, waiting for a vehicle")
            ),
        )
        return not self.post.connected and long_enough()

    def _back(self, ended: float, seconds: float) -> bool:
        """Wait until the post is connected and the broker has taken every record made until `ended`."""
        again = monotonic()

        def taken() -> bool:
            nonlocal again
            if self.post.connected:
                return not self.witness.outstanding(until=ended)
            if monotonic() >= again:
                again = monotonic() + ANEW_SECONDS
                self.post.connect_now()
            return False

        def what() -> Phrase:
            if not self.post.connected:
                return Phrase("not connected yet")
            left = str(len(self.witness.outstanding(until=ended)))
            return Phrase("connected; the broker has not yet acknowledged {left} records", left=left)

        return self._wait(taken, seconds, what=what)

    def _made_since(self, moment: float) -> int:
        return sum(len(self.witness.recorded(kind, after=moment)) for kind in set(TYPES.values()))


def captured_since(payload: bytes, began: datetime) -> bool:
    """Tell whether a hit is of what the camera saw since; one that the post made up shows nothing of the camera."""
    return not data_of(payload).get("synthetic") and _captured(payload) >= began


def _captured(payload: bytes) -> datetime:
    try:
        return Hit.model_validate(data_of(payload)).captured
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _pictures(payload: bytes) -> tuple[Illustration, ...]:
    """Return the test plate alone, if it is that: the overview shows who else passed, and the report is kept.

    A hit has several pictures of its plate, the best one first.
    """
    hit = data_of(payload)
    if hit.get("match") not in _READ_AS_LISTED:
        return ()
    plates = [picture for picture in hit.get("pictures", ()) if picture["kind"] == "patch" and "data" in picture]
    return tuple(Illustration.of(Phrase("The test plate."), base64.b64decode(plate["data"])) for plate in plates[:1])
