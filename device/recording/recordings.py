"""A post's recordings: asked for by a person, allowed by the configuration, told in the audit log, deleted in time."""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey
from pydantic import JsonValue

from platepost.common.files import make_folder
from platepost.device.audit.log import AuditLog
from platepost.device.clock.clock import SYSTEM, Clock
from platepost.device.frame import Frame
from platepost.device.part import Interval, Part, Tables
from platepost.device.recording import requests
from platepost.device.recording.requests import Answer, Request
from platepost.device.recording.sealed import SUFFIX, SealedWriter
from platepost.device.recording.settings import RecordingSettings
from platepost.device.recording.writer import RecordingWriter, StopConditions
from platepost.wire.hotlist.package import configured_key

log = logging.getLogger(__name__)

CHECK_SECONDS = 0.5
CLEAN_SECONDS = 60.0
STEP_SECONDS = 1.0
"""Difference between the advance of the best known time and of the steady clock from which it was a step."""
MEGABYTE = 1_000_000


class Recordings(Part):
    """Looks for requests, records, and keeps the folder in bounds. Called in the post's own thread.

    Args:
        settings: whether, where and how much.
        audit: the audit log.
        post: the post's name.
        goes_by: says by which configuration and versions frames are evaluated now, to be sealed into each recording.
        now: the best known time, by which recordings grow old.
        clock: by whose steady seconds the folder is looked at.

    Raises:
        ConfigurationError: recording is allowed, and the key to seal to is unreadable or of the wrong kind.

    """

    def __init__(
        self,
        settings: RecordingSettings,
        audit: AuditLog,
        *,
        post: str,
        evaluated_with: Callable[[], Mapping[str, Any]],
        now: Callable[[], datetime],
        clock: Clock = SYSTEM,
    ) -> None:
        self._settings = settings
        self._audit = audit
        self._post = post
        self._evaluated_with = evaluated_with
        self._recipient = _recipient(settings)
        self._time = now
        self._seen = (now().timestamp(), clock.steady())
        self._writer: RecordingWriter | None = None
        self._name = ""
        self._person = ""
        self._check_due, self._clean = Interval(CHECK_SECONDS), Interval(CLEAN_SECONDS)

    @property
    def recording(self) -> bool:
        """Whether a recording is under way."""
        return self._writer is not None

    def update(self, frame: Frame) -> None:
        """Take in a frame that the post evaluates; costs nothing while no one records."""
        if self._writer is not None:
            self._writer.offer(frame)

    def poll(self, now: float) -> None:
        """Look for requests, for a recording that has ended, and for recordings that are too old."""
        self._follow_clock(now)
        if self._writer is not None and not self._writer.running:
            self._ended("limit")
        if self._check_due.due(now):
            try:
                for name, request in requests.take(self._settings.directory):
                    self._serve(name, request)
            except OSError as error:
                log.warning("requests to record cannot be looked for: %s", error)
        if self._clean.due(now):
            self._delete_old()

    def adjust(self, tables: Tables) -> None:  # noqa: ARG002 - whatever changed, frames are evaluated otherwise
        """End a recording that is under way: it says by which configuration its frames were evaluated."""
        if self._writer is not None:
            self._ended("configuration")

    def stop(self) -> None:
        """End a recording that is under way, because the post ends."""
        if self._writer is not None:
            self._ended("stop")

    # --- requests

    def _serve(self, name: str, request: Request | None) -> None:
        if request is None:
            answer = self._refuse("malformed", "not a request that this post understands", None)
        elif not request.counts:
            # Left by a command that was killed, it may be: its person knows of no recording any more.
            answer = self._refuse("too_old", "the request was made too long ago: ask again", request)
        elif request.do == "start":
            answer = self._start(request)
        elif self._writer is None:
            answer = Answer(None, "not_recording", "nothing is being recorded")
        else:
            self._ended("asked", identity=request.person)
            answer = Answer(self._name, None, f"{self._name} has ended")
        requests.answer(self._settings.directory, name, answer)

    def _start(self, request: Request) -> Answer:
        settings = self._settings
        if not settings.allowed or self._recipient is None:
            return self._refuse("not_allowed", "recording is not allowed on this post (recording.allowed)", request)
        if len(request.purpose.strip()) < settings.least_purpose:
            return self._refuse("no_purpose", "say what the recording is for", request)
        if self._writer is not None:
            return self._refuse("already", f"{self._name} is being recorded", request)
        room = settings.total_megabytes * MEGABYTE - sum(_size(path) for path in self._files())
        if room < MEGABYTE:
            return self._refuse("no_room", "the folder of recordings is full; fetch and delete some", request)
        minutes = min(request.minutes or settings.longest_minutes, settings.longest_minutes)
        limits = StopConditions(
            seconds=minutes * 60,
            bytes=int(min(room, settings.largest_megabytes * MEGABYTE)),
            free_bytes=int(settings.free_megabytes * MEGABYTE),
        )
        begun = datetime.now(UTC)
        name = f"{self._post}-{begun:%Y%m%dT%H%M%S.%fZ}{SUFFIX}"
        about = {"post": self._post, "begun": begun.isoformat()}
        inside = {
            **self._evaluated_with(),
            "person": request.person,
            "purpose": request.purpose,
            "color": settings.color,
        }
        try:
            make_folder(settings.directory)
            sealed = SealedWriter(
                settings.directory / name, recipient=self._recipient, about=about, settings=about | inside
            )
        except OSError as error:
            return self._refuse("not_written", f"the recording cannot be written: {error.strerror}", request)
        self._name, self._person = name, request.person
        # Told before the first frame is kept.
        details = self._who(request) | {"minutes": minutes, "color": settings.color}
        self._audit.record("recording_started", source="console", identity=request.person, object=name, details=details)
        self._writer = RecordingWriter(sealed, limits, color=settings.color)
        return Answer(name, None, f"{name} is being recorded, for {minutes:g} min at most")

    def _refuse(self, reason: str, message: str, request: Request | None) -> Answer:
        self._audit.record(
            "recording_refused",
            source="console",
            outcome="refused",
            identity=None if request is None else request.person,
            reason=reason,
            details={} if request is None else self._who(request),
        )
        return Answer(None, reason, message)

    def _ended(self, reason: str, *, identity: str | None = None) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        writer.stop(reason)
        self._date(self._settings.directory / self._name, self._time().timestamp())
        details = dict(writer.summary)
        self._audit.record(
            "recording_ended",
            source="console" if identity else "post",
            outcome="failure" if details["reason"] == "not_written" else "success",
            identity=identity or self._person,
            reason=details.pop("reason"),
            object=self._name,
            details=details,
        )

    @staticmethod
    def _who(request: Request) -> dict[str, JsonValue]:
        return {"purpose": request.purpose, "account": request.account}

    # --- the folder

    def _files(self) -> list[Path]:
        try:
            return sorted(self._settings.directory.glob(f"*{SUFFIX}"))
        except OSError as error:  # a card that fails; nothing is deleted, and the post goes on
            log.warning("recordings cannot be looked for: %s", error)
            return []

    def _ended_files(self) -> list[Path]:
        return [path for path in self._files() if self._writer is None or path.name != self._name]

    def _follow_clock(self, steady: float) -> None:
        """Keep the age of recordings when the clock is set: their dates come from the clock that was wrong."""
        now = self._time().timestamp()
        moved = (now - self._seen[0]) - (steady - self._seen[1])
        self._seen = now, steady
        if abs(moved) < STEP_SECONDS:
            return
        for path in self._ended_files():
            with suppress(OSError):  # fetched and deleted at this very moment
                self._date(path, path.stat().st_mtime + moved)

    @staticmethod
    def _date(path: Path, moment: float) -> None:
        try:
            os.utime(path, (moment, moment))
        except OSError as error:
            log.warning("a recording cannot be dated: %s", error)

    def _delete_old(self) -> None:
        now = self._time().timestamp()
        for path in self._ended_files():
            try:
                age = now - path.stat().st_mtime
                if age < 0:  # a clock that was ahead said so, before the last start
                    self._date(path, now)
                if age < self._settings.keep_hours * 3600:
                    continue
                path.unlink()
            except OSError as error:
                log.warning("a recording that is too old cannot be deleted: %s", error)
                continue
            self._audit.record("recording_deleted", reason="too_old", object=path.name)


def _size(path: Path) -> int:
    with suppress(OSError):  # fetched and deleted at this very moment
        return path.stat().st_size
    return 0


def _recipient(settings: RecordingSettings) -> ECKey | None:
    if not settings.allowed or settings.recipient_key is None:
        return None
    return configured_key(settings.recipient_key, "recording.recipient_key", private=False)
