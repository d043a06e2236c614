"""What a post knows of its own state: faults, status and health."""

import os
import shutil
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Protocol

from device import __version__
from device.camera.capture import Capture
from device.faults.fault import Fault, notices, reasons
from device.faults.flapping import Unrest
from device.outbox import Backlog
from device.records import (
    ClockQuality,
    ConfigurationState,
    Health,
    HotListState,
    KeyState,
    Model,
    Place,
    Queue,
    Status,
    Timing,
    Versions,
    new_identifier,
)
from device.vision.pipeline import Pipeline
from device.vision.recogniser import Recogniser

SILENT_SECONDS = 5.0
"""Age of the newest frame from which a camera counts as silent."""
BEHIND_SECONDS = 60.0
"""How long after a dropped frame a post still counts as falling behind."""

DISK_STEP_BYTES = 16 * 1024 * 1024
"""Health says free space in steps of so much: to the byte it would tell of every covert record that is stored."""

READ_NEWS_SECONDS = 600.0
"""How old a status must be before a read since then is reason enough for another."""


class Controlled(Protocol):
    """What a post is told from afar, and by whose keys."""

    def state(self) -> ConfigurationState:
        """Say which configuration is in force."""
        ...

    def keys(self) -> tuple[KeyState, ...]:
        """Say which keys are believed."""
        ...


def _system_time() -> datetime:
    return datetime.now(UTC)


class Vitals:
    """The present faults, and the status and health records that say them.

    `now` tells the post's time, by which `since` is said.
    """

    def __init__(
        self,
        *,
        place: Place,
        versions: Versions,
        certificate_expires: datetime | None,
        last_read: Callable[[], datetime | None] = lambda: None,
        controlled: Callable[[], Controlled | None] = lambda: None,
        now: Callable[[], datetime] = _system_time,
    ) -> None:
        self.boot = new_identifier()
        self._place = place
        self._versions = versions
        self._certificate_expires = certificate_expires
        self._started = monotonic()
        self._now = now
        self._since: datetime | None = None
        self._noticed: set[tuple[object, ...]] | None = None
        self._lists = Unrest[tuple[object, ...]]()
        self._last_read = last_read
        self._controlled = controlled
        self._read_told: tuple[float, datetime | None] = (monotonic(), None)
        self._told: frozenset[Fault] | None = None
        self._dropped = 0
        self._dropped_at: float | None = None
        self._counted = (monotonic(), 0)

    def renewed(self, certificate_expires: datetime) -> None:
        """Say another end of the certificate from now on."""
        self._certificate_expires = certificate_expires

    def adjust(self, versions: Versions) -> None:
        """Say other versions from now on."""
        self._versions = versions

    def changed(self, faults: Iterable[Fault]) -> bool:
        """Take note of the present faults; True if they are not those of the last status."""
        present = frozenset(faults)
        if present == self._told:
            return False
        self._told = present
        self._since = self._now()
        return True

    def noticed(self, hotlist: HotListState) -> bool:
        """Take note of the list; True if it, its age's state or how it is looked up is not that of the last status.

        True as well if the last status is old and something was read since.
        """
        # A clock that is set to and fro makes a list old and young again and again.
        seen = self._lists.settle({(hotlist.state, hotlist.version, hotlist.near_alternatives)}, now=monotonic())
        changed, self._noticed = seen != self._noticed, seen
        told_at, told = self._read_told
        return changed or (self._last_read() != told and monotonic() - told_at >= READ_NEWS_SECONDS)

    def status(self, *, clock: ClockQuality, hotlist: HotListState) -> Status:
        """Say the state that `changed` last took note of."""
        self._read_told = (monotonic(), self._last_read())
        present = reasons(self._told or ())
        state = "degraded" if present else "online"
        since = self._since or self._now()
        return self._status(state, clock=clock, hotlist=hotlist, present=present, since=since)

    def offline(self, *, clock: ClockQuality, hotlist: HotListState) -> Status:
        """Say that the post has stopped, or, as the will, that it fell silent."""
        return self._status("offline", clock=clock, hotlist=hotlist, present=(), since=self._now())

    def _status(
        self, state: str, *, clock: ClockQuality, hotlist: HotListState, present: object, since: datetime
    ) -> Status:
        controlled = self._controlled()
        return Status.model_validate(
            {
                "clock": clock,
                "state": state,
                "reasons": present,
                "since": since,
                "boot": self.boot,
                "place": self._place,
                "versions": self._versions,
                "hotlist": hotlist,
                "notices": notices(hotlist),
                "configuration": None if controlled is None else controlled.state(),
                "keys": () if controlled is None else controlled.keys(),
                "last_read": self._last_read(),
                "certificate_expires": self._certificate_expires,
            }
        )

    def capture_faults(self, capture: Capture) -> set[Fault]:
        """Judge a running capture."""
        faults = set()
        if capture.fault is not None:
            faults.add(Fault.CAMERA_FAILED)
        elif capture.age > SILENT_SECONDS:
            faults.add(Fault.CAMERA_SILENT)
        if capture.dropped < self._dropped:
            self._dropped = 0  # a camera that was opened again counts from the start
        if capture.dropped > self._dropped:
            self._dropped, self._dropped_at = capture.dropped, monotonic()
        if self._dropped_at is not None and monotonic() - self._dropped_at < BEHIND_SECONDS:
            faults.add(Fault.FALLING_BEHIND)
        return faults

    def health(
        self,
        *,
        clock: ClockQuality,
        hotlist: HotListState,
        pipeline: Pipeline,
        capture: Capture | None,
        dropped_before: int,
        lost_before: int,
        recoveries: dict[str, int],
        backlog: Backlog,
        connected: bool,
        disk: Path,
    ) -> Health:
        """Take the post's pulse; frame rate and times are those since the last call."""
        now = monotonic()
        before, frames = self._counted
        self._counted = (now, pipeline.counters.frames)
        last_frame = capture.last_frame if capture is not None else None
        return Health(
            clock=clock,
            boot=self.boot,
            uptime_seconds=round(now - self._started, 1),
            frame_rate=round((pipeline.counters.frames - frames) / max(now - before, 1e-3), 2),
            last_frame_age_seconds=None if last_frame is None else round(max(0.0, now - last_frame), 3),
            frames_dropped=dropped_before + (capture.dropped if capture is not None else 0),
            frames_lost=lost_before + (capture.lost if capture is not None else 0),
            camera_recoveries=recoveries,
            inference={
                name: timing
                for name, timing in (
                    ("detector", _timing(pipeline.detect_milliseconds)),
                    ("reader", _timing(pipeline.read_milliseconds)),
                )
                if timing is not None
            },
            queue=Queue(
                depth=backlog.depth,
                settling=backlog.settling,
                oldest_age_seconds=backlog.oldest_age_seconds,
                size_bytes=backlog.size_bytes,
                quota_bytes=backlog.quota_bytes,
                reads_dropped=backlog.reads_dropped,
                pictures_dropped=backlog.pictures_dropped,
            ),
            hotlist=hotlist,
            connected=connected,
            disk_free_bytes=_in_steps(disk_free(disk)),
            temperature_celsius=_temperature(),
            memory_bytes=_memory(),
            load=round(os.getloadavg()[0], 2),
        )


def versions_of(digest: str, networks: Recogniser | None) -> Versions:
    """Say what runs with a configuration of that digest; no models while there are none."""
    return Versions(
        software=__version__, configuration=digest[:16], models=() if networks is None else tuple(_models(networks))
    )


def _models(networks: Recogniser) -> Iterator[Model]:
    yield Model(name="detector", digest=networks.detector.model.digest)
    yield Model(name="reader", digest=networks.reader.model.digest)
    if networks.region is not None:
        yield Model(name="region", digest=networks.region.model.digest)


def _timing(times: deque[float]) -> Timing | None:
    """Sum up the times since the last call."""
    ordered = sorted(times)
    times.clear()
    if not ordered:
        return None
    return Timing(
        median_ms=round(statistics.median(ordered), 2),
        p95_ms=round(ordered[int(0.95 * (len(ordered) - 1))], 2),
        count=len(ordered),
    )


def disk_free(folder: Path) -> int | None:
    """Return how many bytes are free where a folder is, None if that cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _in_steps(free: int | None) -> int | None:
    return None if free is None else free - free % DISK_STEP_BYTES


def _temperature() -> float | None:
    try:
        return int(Path("/sys/class/thermal/thermal_zone0/temp").read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None


def _memory() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
