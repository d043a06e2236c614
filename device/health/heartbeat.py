"""The heartbeat: once a minute, a record of the post's health, sent unchained and never kept."""

import logging
import os
import shutil
import statistics
from collections import deque
from pathlib import Path

from platepost.common.errors import OutboxError
from platepost.device.camera.supervisor import CameraSupervisor
from platepost.device.health.machine import celsius
from platepost.device.logbook import Logbook
from platepost.device.part import Interval, Part, Tables
from platepost.device.reporting.reporter import Reporter
from platepost.device.uplink.uplink import Uplink
from platepost.device.vision.pipeline import Pipeline
from platepost.wire.records import Health, Queue, Timing
from platepost.wire.records.settings import RecordSettings

log = logging.getLogger(__name__)

DISK_STEP_BYTES = 16 * 1024 * 1024
"""Health says free space in steps of so much: to the byte it would tell of every covert record that is stored."""


class Heartbeat(Part):
    """Sends the post's health while there is a connection.

    Args:
        logbook: signs it, and knows how good the time is.
        pipeline: its counters and times.
        reporter: what was reported, and by which hot list.
        supervisor: how the camera is.
        uplink: sends it, and its state is part of it.
        settings: how often.
        folder: on the disk that matters.

    """

    reports_faults = True

    def __init__(
        self,
        logbook: Logbook,
        pipeline: Pipeline,
        reporter: Reporter,
        *,
        supervisor: CameraSupervisor,
        uplink: Uplink,
        settings: RecordSettings,
        folder: Path,
    ) -> None:
        self._logbook = logbook
        self._pipeline = pipeline
        self._reporter = reporter
        self._supervisor = supervisor
        self._uplink = uplink
        self._folder = folder
        self._beat = Interval(settings.health_seconds)
        self._started = logbook.clock.steady()
        self._counted = self._started, 0

    def poll(self, now: float) -> None:
        """Send health if it is due. Also called while a record waits for the disk."""
        if not self._beat.due(now):
            return
        try:
            health = self._logbook.recorder.unchained(self._health(now))
        except OutboxError as error:
            log.warning("no health: %s", error)
            return
        self._uplink.send_now(health)

    def adjust(self, tables: Tables) -> None:
        """Beat as often as is configured now."""
        self._beat.seconds = tables.table(RecordSettings).health_seconds

    def _health(self, now: float) -> Health:
        """Take the post's pulse; frame rate and times are those since the last call. Raises OutboxError."""
        backlog = self._uplink.backlog()
        pipeline = self._pipeline
        supervisor = self._supervisor
        capture = self._supervisor.capture
        before, frames = self._counted
        self._counted = now, pipeline.counters.frames
        last_frame = capture.last_frame if capture is not None else None
        timings = {"detector": _timing(pipeline.detect_milliseconds), "reader": _timing(pipeline.read_milliseconds)}
        return Health(
            clock=self._logbook.timekeeper.quality(),
            boot=self._logbook.run,
            uptime_seconds=round(now - self._started, 1),
            frame_rate=round((pipeline.counters.frames - frames) / max(now - before, 1e-3), 2),
            last_frame_age_seconds=None if last_frame is None else round(max(0.0, now - last_frame), 3),
            frames_dropped=supervisor.dropped + (capture.dropped if capture is not None else 0),
            frames_lost=supervisor.lost + (capture.lost if capture is not None else 0),
            reads_withheld=self._reporter.reads_withheld,
            camera_recoveries=supervisor.recoveries,
            inference={name: timing for name, timing in timings.items() if timing is not None},
            queue=Queue(
                depth=backlog.depth,
                sent=backlog.sent,
                oldest_age_seconds=backlog.oldest_age_seconds,
                oldest_unreleased_age_seconds=backlog.oldest_unreleased_age_seconds,
                size_bytes=backlog.size_bytes,
                quota_bytes=backlog.quota_bytes,
                reads_dropped=backlog.reads_dropped,
                pictures_dropped=backlog.pictures_dropped,
            ),
            hotlist=self._reporter.hotlist.state(),
            connected=self._uplink.state().connected,
            disk_free_bytes=_in_steps(disk_free(self._folder)),
            temperature_celsius=celsius(),
            memory_bytes=_memory(),
            load=round(os.getloadavg()[0], 2),
        )


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


def _memory() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
