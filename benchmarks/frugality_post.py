"""The post that `frugality.py` looks at: its own command, frames from memory, nothing of the simulator."""

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import numpy as np

from platepost.device import backends
from platepost.device.camera.base import Camera
from platepost.device.cli import platepost
from platepost.device.frame import Frame
from platepost.device.vision.pipeline import FrameResult, Pipeline

FRAMES_PER_SECOND = 10


class MemoryCamera(Camera):
    """Ten frames a second of the empty street, or of passing vehicles once there is a file `busy`."""

    name = "memory"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closed = Event()

    def open(self) -> None:
        self._closed.clear()

    def close(self) -> None:
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        height, width, count = json.loads((self._folder / "shape").read_text())
        begin = time.monotonic()
        number = 0
        with (self._folder / "frames.raw").open("rb", buffering=0) as file:
            while not self._closed.wait(max(0.0, begin + number / FRAMES_PER_SECOND - time.monotonic())):
                # Read again, as from a sensor: what is mapped or kept would count as the post's memory.
                file.seek((1 + number % count if (self._folder / "busy").exists() else 0) * height * width)
                gray = np.frombuffer(file.read(height * width), np.uint8).reshape(height, width).copy()
                gray[::32, number % 7 :: 7] ^= 1  # noise: no two frames of a sensor are equal
                now = time.monotonic()
                yield Frame(number, datetime.now(UTC), now, gray, lambda one=gray: np.repeat(one[..., None], 3, 2))
                number += 1


def main(folder: Path) -> None:
    """Run the post, and say when its first frame has been evaluated."""
    look = Pipeline.update

    def counted(pipeline: Pipeline, frame: Frame) -> FrameResult:
        found = look(pipeline, frame)
        if pipeline.counters.frames == 1:
            ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
            seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
            print(json.dumps({"seconds": seconds, "cpu": time.process_time()}), flush=True)
        (folder / "frames").write_text(str(pipeline.counters.frames))
        return found

    Pipeline.update = counted
    backends.camera = lambda *_: MemoryCamera(folder)
    platepost(["run", "--config", str(folder / "fleet" / "posts" / "post-1" / "post.toml")])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
