"""Synthetic hits: now and then the post looks its test plate up as if it had read it, and records the hit.

The hit goes the way of every other: recorder, outbox, uplink, broker, custodians, consoles. So anyone who listens
learns that it hears hits, though no one whom the list names has passed for weeks, and the post learns how long they
take. It is marked as synthetic, is no read, and counts in no statistics.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from platepost.common.errors import OutboxError
from platepost.device.logbook import Logbook
from platepost.device.part import Interval, Part, Tables
from platepost.device.reporting.reporter import Reporter
from platepost.device.reporting.settings import ReportingSettings
from platepost.wire.faults import Fault
from platepost.wire.hotlist import HotList, Match, Query, plate_key
from platepost.wire.records import Box, Character, Hit, Location, SyntheticHit
from platepost.wire.records.hit import SYNTHETIC_WORDING, TEST_CATEGORY

log = logging.getLogger(__name__)

FIRST_SECONDS = 60.0
"""How long after the start the first one is made: soon, but not by a post that dies at once again and again."""
CHECK_SECONDS = 1.0
"""How often the outbox is asked whether it is released, and so how exactly its latency is known."""
LOOK_UP_SECONDS = 60.0
"""How often a test plate that was not listed is looked up again: its entry had ended by a clock that was ahead."""
NOWHERE = Location(frame_width=0, frame_height=0, box=Box(x=0, y=0, width=0, height=0))


@dataclass(slots=True)
class _Made:
    """A synthetic hit that was recorded."""

    hit: str
    made: datetime
    steady: float
    chain: str
    sequence: int
    released_seconds: float | None = None


class SyntheticHits(Part):
    """Makes synthetic hits, one after the other: the next is made only when the last was released.

    Args:
        settings: how often, of which plate, and when one is late.
        logbook: takes them as it does all records, and releases them.
        reporter: whose list is asked, and whose context they carry.
        identify: makes their identifiers.

    """

    def __init__(
        self, settings: ReportingSettings, logbook: Logbook, reporter: Reporter, *, identify: Callable[[], str]
    ) -> None:
        self._settings = settings
        self._logbook = logbook
        self._reporter = reporter
        self._identify = identify
        self._list: HotList | None = None
        self._listed = True
        self._last: _Made | None = None
        self._due = logbook.clock.steady() + FIRST_SECONDS
        self._check_due, self._look_up = Interval(CHECK_SECONDS), Interval(LOOK_UP_SECONDS)

    @property
    def last(self) -> SyntheticHit | None:
        """The last one, for the status; None before the first, and where none are made."""
        last = self._last
        if last is None or not self._settings.synthetic_minutes:
            return None
        return SyntheticHit(
            hit=last.hit,
            made=last.made,
            every_minutes=self._settings.synthetic_minutes,
            released_seconds=last.released_seconds,
        )

    @property
    def unlisted(self) -> bool:
        """Whether the list in force lacks the test plate, so that none can be made."""
        return not self._listed and self._settings.synthetic_minutes > 0

    def poll(self, now: float) -> None:
        """See whether the last one was released, and make the next one if it is due."""
        hotlist = self._reporter.hotlist.current
        if not self._settings.synthetic_minutes or hotlist is None:
            return
        if hotlist is not self._list or (not self._listed and self._look_up.due(now)):
            self._list, self._listed = hotlist, self._match(hotlist) is not None
        if self._waits and self._check_due.due(now):
            self._see_whether_released(now)
        if self._listed and not self._waits and now >= self._due:
            self._make(hotlist, now)

    def faults(self) -> tuple[Fault, ...]:
        """Name it if the last one was not released in time."""
        last = self._last
        if last is None or last.released_seconds is not None or not self._settings.synthetic_minutes:
            return ()
        late = self._logbook.clock.steady() - last.steady > self._settings.synthetic_late_minutes * 60
        return (Fault.SYNTHETIC_HIT_LATE,) if late else ()

    def adjust(self, tables: Tables) -> None:
        """Go by other settings; look up another plate."""
        self._settings = tables.table(ReportingSettings)
        self._list = None

    # --- within

    @property
    def _waits(self) -> bool:
        return self._last is not None and self._last.released_seconds is None

    def _match(self, hotlist: HotList) -> Match | None:
        """Look the test plate up as a read is; only an open entry of the test category counts."""
        in_force = self._reporter.hotlist
        query = Query(plate_read=self._settings.synthetic_plate)
        matches = hotlist.consult(query, at=in_force.moment(), settings=in_force.settings).matches
        mine = (match for match in matches if match.category == TEST_CATEGORY and match.distribution is None)
        return next(mine, None)

    def _make(self, hotlist: HotList, now: float) -> None:
        match = self._match(hotlist)
        if match is None:  # its entry has ended
            self._listed = False
            return
        envelope = self._logbook.records.record(self._hit(hotlist, match))
        event = envelope.event
        self._last = _Made(
            hit=event["data"]["hit"],
            made=envelope.time,
            steady=now,
            chain=event["chain"],
            sequence=event["sequence"],
        )
        self._due = now + self._settings.synthetic_minutes * 60

    def _hit(self, hotlist: HotList, match: Match) -> Hit:
        context, plate = self._reporter.context, self._settings.synthetic_plate
        state, captured = self._reporter.hotlist.judge(hotlist), self._logbook.clock.utc()
        return Hit(
            clock=self._logbook.timekeeper.quality(),
            passage=self._identify(),
            hit=self._identify(),
            plate_read=plate,
            plate_key=plate_key(plate),
            confidence=1.0,
            characters=tuple(Character(value=value, confidence=1.0) for value in plate),
            location=NOWHERE,
            captured=captured,
            first_seen=captured,
            last_seen=captured,
            frames_seen=1,
            frames_agreeing=1,
            direction="unknown",
            camera=context.camera,
            place=context.place,
            versions=context.versions,
            plate_matched=match.plate_matched,
            match=match.kind.value,
            differs=match.differs,
            category=match.category,
            priority=match.priority,
            state=match.state,
            reference=match.reference,
            author=match.author,
            state_agreement=match.state_agreement,
            hotlist=state,
            hotlist_stale=state.state == "stale",
            synthetic=True,
            wording=SYNTHETIC_WORDING,
        )

    def _see_whether_released(self, now: float) -> None:
        last = self._last
        if last is None:
            return
        try:
            waits = self._logbook.outbox.holds(last.chain, last.sequence)
        except OutboxError as error:
            log.warning("whether the synthetic hit was released is asked later: %s", error)
            return
        if not waits:
            last.released_seconds = round(now - last.steady, 1)
