"""Keeps the camera delivering.

The supervisor opens the camera, yields its frames, notices by their age that capture hangs and by comparing them that
they are frozen, and takes one recovery step after the other until frames come again. The post's loop decides what is
done with the frames and between them: see `platepost.device.post`.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from threading import Event

from platepost.common.errors import CameraError
from platepost.device.audit.rate_limit import RateLimitedAudit
from platepost.device.board.base import Board
from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.camera.daylight import Daylight
from platepost.device.camera.frame_check import FrameCheck
from platepost.device.camera.recovery import Recovery, RecoveryAction
from platepost.device.camera.tuning import UNIT, CameraTuning
from platepost.device.frame import Frame
from platepost.device.part import Part
from platepost.wire.faults import Fault
from platepost.wire.records import Finding

log = logging.getLogger(__name__)

BEHIND_SECONDS = 60.0
"""How long after a dropped frame a post still counts as falling behind."""
PAUSE_STEP_SECONDS = 0.25
"""How long a pause of the recovery goes on before the post's loop has its turn."""

CaptureMaker = Callable[[Camera], Capture]
"""Makes what takes the frames of an open camera."""


class DroppedFrames:
    """Remembers when frames were dropped last."""

    def __init__(self) -> None:
        self._dropped = 0
        self._last = float("-inf")
        self._now = 0.0

    def count(self, dropped: int, now: float) -> None:
        """Take in how many frames the present capture has dropped; a capture that was opened again starts from 0."""
        if dropped > self._dropped:
            self._last = now
        self._dropped, self._now = dropped, now

    @property
    def recent(self) -> bool:
        """Whether frames were dropped within the last minute."""
        return self._now - self._last < BEHIND_SECONDS


class CameraSupervisor(Part):
    """Watches one camera. One thread at a time.

    Args:
        camera: the camera; it is opened and closed here.
        board: switches its power and the illuminator.
        recovery: what is tried when it fails.
        audit: where failures and recoveries go, rate-limited.
        capture: makes what takes the frames.
        stop: ends everything.
        tuning: how long it bears with the camera.

    """

    def __init__(
        self,
        camera: Camera,
        board: Board,
        recovery: Recovery,
        audit: RateLimitedAudit,
        *,
        capture: CaptureMaker,
        stop: Event,
        tuning: CameraTuning = UNIT,
    ) -> None:
        self._tuning = tuning
        self._camera = camera
        self._board = board
        self._recovery = recovery
        self._audit = audit
        self._stop = stop
        self._clock = audit.clock
        self._make_capture = capture
        self._check = FrameCheck(noisy=camera.noisy, encoded=camera.encoded, tuning=tuning)
        self._daylight = Daylight(dwell_seconds=tuning.dwell_seconds)
        self._failed = False
        self._running = False
        self._ended = False
        self._failure: CameraError | None = None
        self._dropped = DroppedFrames()
        self.capture: Capture | None = None
        """The running capture, None while the camera is closed."""
        self.frames = 0
        """Frames yielded so far."""
        self.dropped = 0
        """Frames dropped by captures that have ended."""
        self.lost = 0
        """Frames that the camera lost in captures that have ended."""
        self.restart = False
        """Whether only a new process, or a new boot, can help."""

    @property
    def recoveries(self) -> dict[str, int]:
        """How often each recovery action was taken since the unit was installed."""
        return {action.value: self._recovery.taken[action] for action in RecoveryAction}

    @property
    def exhausted(self) -> bool:
        """Whether all that can be tried now has been: no frame is due until one comes."""
        return self._failed and self._recovery.exhausted

    @property
    def watching(self) -> bool:
        """Whether frames are due."""
        return self._running and not self.exhausted

    @property
    def done(self) -> bool:
        """Whether no more frames will come: footage has ended, or only a new process, or a new boot, can help."""
        return self._ended or self.restart

    def poll(self, now: float) -> None:
        """Note dropped frames."""
        if self.capture is not None:
            self._dropped.count(self.capture.dropped, now)

    def faults(self) -> set[Fault]:
        """Return what is wrong with the camera and its frames."""
        capture = self.capture
        broken = capture is not None and capture.fault is not None
        conditions = {
            Fault.CAMERA_FAILED: self._failed or broken,
            Fault.CAMERA_SILENT: capture is not None and not broken and capture.age > self._tuning.silent_seconds,
            Fault.FALLING_BEHIND: capture is not None and self._dropped.recent,
            Fault.CAMERA_GIVEN_UP: self.exhausted,
            Fault.CAMERA_FROZEN: self._check.frozen,
            Fault.CAMERA_BLACK: self._check.black,
        }
        return {fault for fault, present in conditions.items() if present}

    def findings(self) -> tuple[Finding, ...]:
        """Return how old the newest frame is."""
        if (capture := self.capture) is None:
            return (Finding(point="camera", good=False, said="it is not open"),)
        fresh = capture.age <= self._tuning.silent_seconds
        return (Finding(point="camera", good=fresh, said=f"the newest frame is {capture.age:.2f} s old"),)

    def meter(self, frame: Frame, plates: Sequence[tuple[float, float, float, float]]) -> None:
        """Have the camera expose for the plates that were detected in a frame; boxes as `Camera.meter` has them."""
        self._camera.meter(frame, plates)

    def watch(self) -> Generator[Frame | None]:
        """Open the camera and yield frames until it fails or ends; None where there is none to evaluate for now.

        A picture that equals the one before to the last bit is not yielded: it is no second frame of a plate.
        Afterwards call `recover`, unless the post is stopping or `done`.
        """
        self._running = True
        self._failure = None
        try:
            with self._opened() as capture:
                yield from self._frames_of(capture)
                self._failure = self._failure or capture.fault
        except CameraError as error:
            self._failure = error
        self._ended = self._failure is None and self._camera.finite

    def recover(self) -> Iterator[None]:
        """Take the next recovery step after `watch` has ended; yields again and again while that takes time.

        Raises:
            CameraError: footage cannot be played: trying again would not help.

        """
        failure = self._failure or CameraError("the camera's frames ended")
        if self._camera.finite:
            raise failure
        self._failed = True
        camera = self._camera
        step = self._recovery.failed(
            stuck=camera.stuck, switchable=self._board.switches_camera, attached=camera.attached
        )
        log.error("camera: %s; %s, then %g s", failure, step.action, step.pause)
        self._audit.record(
            "camera_failed",
            source="camera",
            outcome="failure",
            reason=step.action.value,
            details={"failure": str(failure)[:200], "failures": self._recovery.failures},
        )
        self._check.forget()
        if step.action is RecoveryAction.POWER_CYCLE:
            self._board.camera_power(on=False)
            try:
                yield from self._pause(self._tuning.dark_seconds)
            finally:
                self._board.camera_power(on=True)
        self.restart = step.action is RecoveryAction.RESTART
        if not self.restart:
            yield from self._pause(step.pause)

    def _frames_of(self, capture: Capture) -> Iterator[Frame | None]:
        hung = self._tuning.hung_seconds
        for frame in capture.frames():
            if frame is not None:
                self._delivered(frame)
            elif capture.age > hung:
                self._failure = CameraError(f"no frame for {hung:g} s")
                return
            if frame is None or self._check.repeated:
                yield None
            else:
                self.frames += 1
                yield frame
            if (stuck := self._check.stuck_seconds) is not None:
                self._failure = CameraError(f"the same frame for {stuck:.0f} s")
                return
            self._switch()
            if self._stop.is_set():
                return

    def _delivered(self, frame: Frame) -> None:
        self._check.update(frame)
        if self._check.frozen or not self._check.alive:
            return
        self._recovery.delivers(now=self._clock.steady())
        if self._failed:
            self._failed = False
            self._audit.record("camera_recovered", source="camera", details={"failures": self._recovery.failures})

    def _pause(self, seconds: float) -> Iterator[None]:
        until = self._clock.steady() + seconds
        while self._clock.steady() < until and not self._stop.wait(min(PAUSE_STEP_SECONDS, seconds)):
            yield

    def _switch(self) -> None:
        before = self._daylight.night
        night = self._daylight.judge(self._camera.lux, now=self._clock.steady())
        if night != before:
            log.warning("it is %s", "night" if night else "day")
            self._camera.infrared(on=night)
            self._board.illuminator(on=night)

    @contextmanager
    def _opened(self) -> Iterator[Capture]:
        with self._camera as camera:
            capture = self._make_capture(camera)
            self.capture = capture
            capture.start()
            try:
                yield capture
            finally:
                # Closing first ends a camera that waits for its next frame.
                camera.close()
                capture.stop()
                self.dropped += capture.dropped
                self.lost += capture.lost
                self.capture = None
