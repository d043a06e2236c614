"""The lookout: keeps the camera delivering.

It opens the camera, hands its frames on, notices by their age that capture hangs and by their looks that they are
frozen, and climbs the recovery ladder until frames come again. Records are not its business, so none is lost to a
camera: what was seen before is told first.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from time import monotonic

from device.audit.rate_limit import RateLimitedAudit
from device.board.base import DARK_SECONDS, Board
from device.camera.base import Camera
from device.camera.capture import Capture
from device.camera.daylight import Daylight
from device.camera.frame_check import FrameCheck
from device.camera.recovery import Recovery, RecoveryAction
from device.errors import CameraError
from device.faults.fault import Fault
from device.frame import Frame

log = logging.getLogger(__name__)

HUNG_SECONDS = 10.0
"""Age of the newest frame, or of the newest that differs from the one before, at which a camera counts as failed."""
BREATH_SECONDS = 0.25
"""Between two ticks while there are no frames."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What the lookout does for the post."""

    evaluate: Callable[[Frame], object]
    finish: Callable[[], object]
    """Called when frames stop: what was seen so far is told."""
    tick: Callable[[], object]


class CameraSupervisor:
    """Watches one camera. One thread at a time.

    Args:
        camera: the camera; it is opened and closed here.
        ladder: what is tried when it fails.
        moderator: puts failures and recoveries into the audit trail, within bounds.
        stop: ends everything.
        queue_frames: how many frames may wait for evaluation.

    """

    def __init__(
        self,
        camera: Camera,
        ladder: Recovery,
        moderator: RateLimitedAudit,
        *,
        stop: Event,
        queue_frames: Callable[[], int],
    ) -> None:
        self._camera = camera
        self._ladder = ladder
        self._moderator = moderator
        self._stop = stop
        self._queue_frames = queue_frames
        self._looks = FrameCheck(noisy=camera.noisy)
        self._daylight = Daylight()
        self._failed = False
        self.capture: Capture | None = None
        """The running capture, None while the camera is closed."""
        self.dropped = 0
        """Frames dropped by captures that have ended."""
        self.lost = 0
        """Frames that the camera lost in captures that have ended."""
        self.restart = False
        """Whether only a new process, or a new boot, can help."""

    @property
    def recoveries(self) -> dict[str, int]:
        """How often each rung of the ladder was taken since the unit was installed."""
        return {rung.value: self._ladder.taken[rung] for rung in RecoveryAction}

    @property
    def given_up(self) -> bool:
        """Whether all that can be tried now has been: frames are due no more until they come."""
        return self._failed and self._ladder.exhausted

    def faults(self) -> set[Fault]:
        """Say what ails the camera, beside what its capture tells."""
        conditions = {
            Fault.CAMERA_FAILED: self._failed,
            Fault.CAMERA_GIVEN_UP: self.given_up,
            Fault.CAMERA_FROZEN: self._looks.frozen,
            Fault.CAMERA_BLACK: self._looks.black,
        }
        return {fault for fault, present in conditions.items() if present}

    def run(self, board: Board, actions: Actions) -> None:
        """Watch until told to stop, until footage ends, or until only a restart helps.

        Raises:
            CameraError: footage cannot be played: trying again would not mend it.

        """
        while not self._stop.is_set():
            failure = self._watch(board, actions)
            actions.finish()
            if self._stop.is_set() or (failure is None and self._camera.finite):
                return
            failure = failure or CameraError("the camera's frames ended")
            if self._camera.finite:
                raise failure
            self._climb(failure, board, actions)
            if self.restart:
                return

    def _watch(self, board: Board, actions: Actions) -> CameraError | None:
        """Hand on frames until the camera ends; return why it failed, None if it ended by itself or was told to."""
        try:
            with self._opened() as capture:
                for frame in capture.frames():
                    if frame is not None:
                        self._delivered(frame)
                        if not self._looks.alike_seconds:  # the very same picture is no second look at a plate
                            actions.evaluate(frame)
                    elif capture.age > HUNG_SECONDS:
                        return CameraError(f"no frame for {HUNG_SECONDS:g} s")
                    if self._looks.alike_seconds > HUNG_SECONDS:
                        return CameraError(f"the same frame for {HUNG_SECONDS:g} s")
                    self._switch(board)
                    actions.tick()
                    if self._stop.is_set():
                        break
                return capture.fault
        except CameraError as error:
            return error

    def _delivered(self, frame: Frame) -> None:
        self._looks.see(frame)
        if self._looks.frozen or not self._looks.alive:
            return
        self._ladder.delivers(now=monotonic())
        if self._failed:
            self._failed = False
            self._moderator.say("camera_recovered", source="camera", details={"failures": self._ladder.failures})

    def _climb(self, failure: CameraError, board: Board, actions: Actions) -> None:
        self._failed = True
        step = self._ladder.failed(stuck=self._camera.stuck, switchable=board.switches_camera)
        log.error("camera: %s; %s, then %g s", failure, step.rung, step.pause)
        self._moderator.say(
            "camera_failed",
            source="camera",
            outcome="failure",
            reason=step.rung.value,
            details={"failure": str(failure)[:200], "failures": self._ladder.failures},
        )
        self._looks.forget()
        if step.rung is RecoveryAction.POWER_CYCLE:
            board.camera_power(on=False)
            try:
                self._wait(DARK_SECONDS, actions)
            finally:
                board.camera_power(on=True)
        self.restart = step.rung is RecoveryAction.RESTART
        if not self.restart:
            self._wait(step.pause, actions)

    def _wait(self, seconds: float, actions: Actions) -> None:
        until = monotonic() + seconds
        while monotonic() < until and not self._stop.wait(min(BREATH_SECONDS, seconds)):
            actions.tick()

    def _switch(self, board: Board) -> None:
        before = self._daylight.night
        night = self._daylight.judge(self._camera.lux, now=monotonic())
        if night != before:
            log.warning("it is %s", "night" if night else "day")
            self._camera.infrared(on=night)
            board.illuminator(on=night)

    @contextmanager
    def _opened(self) -> Iterator[Capture]:
        with self._camera as camera:
            capture = Capture(camera, queue_frames=self._queue_frames())
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
