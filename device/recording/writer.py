"""One recording under way: frames go in from the post's own thread, and are packed and sealed in others."""

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, Full, Queue
from time import monotonic
from typing import Any

from platepost.common.signals import current
from platepost.device.frame import Frame
from platepost.device.recording.frames import pack
from platepost.device.recording.sealed import SealedWriter

log = logging.getLogger(__name__)

WAITING = 8
"""Frames that may wait to be packed: some 30 MB of a 1280 x 720 picture with its colors."""
PACKERS = 2
_STOP_SECONDS = 30.0
"""For the frames that wait; a recording that is cut off can be opened up to there."""
_STOPPED_SECONDS = 6.0
"""The same, counted from the request that ends the command."""
NICENESS = 10
"""What packs has the lower priority: recording never slows down what a post is for."""


@dataclass(frozen=True, slots=True)
class StopConditions:
    """Where a recording ends by itself."""

    seconds: float
    bytes: int
    free_bytes: int
    """What must remain free on the disk."""


class RecordingWriter:
    """Takes frames until a limit is reached or it is stopped. A frame that finds no room is missed, and counted."""

    def __init__(self, writer: SealedWriter, limits: StopConditions, *, color: bool) -> None:
        self._writer = writer
        self._limits = limits
        self._color = color
        self._begun = monotonic()
        self._lasted: float | None = None
        self._packers = ThreadPoolExecutor(PACKERS, thread_name_prefix="recording", initializer=_yield_to_others)
        self._queue: Queue[Future[bytes]] = Queue(WAITING)
        self._stopping = threading.Event()
        self._reason = "asked"
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self.frames = 0
        """Frames written."""
        self.missed = 0
        """Frames that came faster than they could be written."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it still takes frames, or writes the last of them."""
        return self._thread.is_alive()

    @property
    def summary(self) -> Mapping[str, Any]:
        """What came of it."""
        return {
            "frames": self.frames,
            "missed": self.missed,
            "bytes": self._writer.size,
            "seconds": round(monotonic() - self._begun if self._lasted is None else self._lasted, 3),
            "reason": self._reason,
            "sha256": self._writer.sha256,
        }

    def offer(self, frame: Frame) -> None:
        """Take in a frame; returns at once."""
        if self._stopping.is_set():
            return
        if self._queue.full():
            self.missed += 1
            return
        try:
            self._queue.put_nowait(self._packers.submit(pack, frame, color=self._color))
        except (Full, RuntimeError):  # a race with the end
            self.missed += 1

    def stop(self, reason: str) -> None:
        """Stop taking frames; returns when those that wait are on disk."""
        self._end(reason)
        self._thread.join(current().limit(_STOP_SECONDS, after_request=_STOPPED_SECONDS))

    def _end(self, reason: str) -> None:
        if not self._stopping.is_set():
            self._reason = reason
            self._stopping.set()

    def _run(self) -> None:
        _yield_to_others()
        try:
            while not (self._stopping.is_set() and self._queue.empty()):
                self._look_at_limits()
                try:
                    packed = self._queue.get(timeout=0.2)
                except Empty:
                    continue
                self._writer.frame(packed.result())
                self.frames += 1
            self._lasted = monotonic() - self._begun
            self._writer.end({key: value for key, value in self.summary.items() if key != "sha256"})
        except Exception as error:  # whatever it was: what is not all there must not count as a success
            if isinstance(error, OSError):
                log.warning("the recording cannot be written: %s", error)
            else:
                log.exception("the recording cannot be written")
            self._end("not_written")
            self._reason = "not_written"
            with contextlib.suppress(OSError):  # closing writes what is buffered, and fails as the write did
                self._writer.close()
        finally:
            self._stopping.set()
            self._packers.shutdown(cancel_futures=True)

    def _look_at_limits(self) -> None:
        if monotonic() - self._begun >= self._limits.seconds:
            self._end("time")
        elif self._writer.size >= self._limits.bytes:
            self._end("size")
        elif shutil.disk_usage(self._writer.path.parent).free < self._limits.free_bytes:
            self._end("disk")


def _yield_to_others() -> None:
    # On Linux a niceness is each thread's own.
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    except OSError as error:  # a container that forbids it
        log.warning("a recording cannot give way to all else: %s", error.strerror)
