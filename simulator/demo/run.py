"""The course of a demonstration: set the stage, let the post do its work, judge what came of it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from device.records import Source
from simulator.camera.recordings import open_recording
from simulator.demo.clip import DemoClip
from simulator.demo.outcome import DemoOutcome, judge
from simulator.demo.post_process import PostProcess
from simulator.demo.stage import AGENCY, POST, Stage
from simulator.demo.verification import said_farewell, verify_archive
from simulator.errors import DemoError
from simulator.ground.subscriber import Arrival

TICK_SECONDS = 0.1
GRACE_SECONDS = 90.0
"""What a post may take beyond its footage: to start, and to deliver what waits after an outage."""
FAREWELL_SECONDS = 20.0
"""What the last record may take to the subscriber after the post has ended."""


class Observer:
    """Follows a demonstration; every method may be overridden, none must."""

    def staged(self, stage: Stage, *, frames: int) -> None:
        """Hear that the stage is set and the post starts next, on footage of `frames` frames, 0 if unknown."""

    def arrived(self, arrival: Arrival) -> None:
        """Hear of a record that arrived; called in the subscriber's thread."""

    def tick(self, stage: Stage) -> None:
        """Let time pass: called about ten times a second while the post runs."""

    def ended(self) -> None:
        """Hear that the post has ended, and that its last record has arrived or is given up."""


def run_demo(
    directory: Path,
    clip: DemoClip,
    *,
    observers: Sequence[Observer] = (),
    clock: Callable[[], float] = time.monotonic,
) -> DemoOutcome:
    """Run a demonstration in a folder, and return what came of it.

    Raises:
        DemoError: the folder holds something else, the post failed, or it did not end in time.
        BrokerError: mosquitto is missing or did not start.
        CameraError: the clip cannot be played.

    """
    recording = open_recording(clip.footage)
    frames = recording.count()
    limit = frames * recording.frame_seconds() + GRACE_SECONDS
    with Stage(directory, clip) as stage:
        stage.subscriber.listeners.extend(observer.arrived for observer in observers)
        for observer in observers:
            observer.staged(stage, frames=frames)
        deadline = clock() + limit
        with PostProcess(stage.post_configuration, log=stage.directory / "post.log") as post:
            while post.running:
                if clock() > deadline:
                    raise DemoError(f"the post has not ended after {limit:.0f} s:\n{post.log_tail()}")
                for observer in observers:
                    observer.tick(stage)
                time.sleep(TICK_SECONDS)
            account = post.account()
        farewell = stage.subscriber.wait_for(said_farewell, timeout=FAREWELL_SECONDS)
        for observer in observers:
            observer.ended()
        arrivals = stage.subscriber.arrivals
    source = Source(AGENCY, POST)
    verification = verify_archive(
        stage.directory / "records.jsonl", stage.fleet.record_key(POST), source, farewell=farewell
    )
    return judge(arrivals, clip, account=account, verification=verification)
