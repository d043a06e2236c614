"""Networks that remember what they said, and videos that remember their first frames, for all workers of a run.

Scenarios show the same few vehicles a hundred times; to decode them and to read them is most of what a scenario costs.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from math import prod
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.device.camera.decoding import Color, luma
from platepost.device.camera.footage.recordings import Still, VideoRecording
from platepost.device.vision.interpreter import Network
from platepost.simulator.demo.clip import STREET
from tests.memory_disk import made_once

MOST_FRAMES = 140
"""Of one video, the first that are kept: all of the shortest one that ships, and what most scenarios show."""


@contextmanager
def remembering(folder: Path) -> Iterator[None]:
    """Have every network look at each input once, and keep its outputs in a folder that processes may share."""
    run = Network.run

    def remembered(self: Network, values: NDArray[np.int8]) -> tuple[NDArray[np.int8], ...]:
        path = folder / sha256(self.digest.encode() + values.tobytes()).hexdigest()
        try:
            kept = np.frombuffer(path.read_bytes(), np.int8)
        except FileNotFoundError:
            outputs = run(self, values)
            aside = path.with_suffix(f".{os.getpid()}")
            aside.write_bytes(b"".join(output.tobytes() for output in outputs))
            aside.rename(path)
            return outputs
        ends = np.cumsum([prod(output.shape) for output in self.outputs])[:-1]
        parts = zip(np.split(kept, ends), self.outputs, strict=True)
        return tuple(part.reshape(output.shape).copy() for part, output in parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Network, "run", remembered)
        patch.setattr(VideoRecording, "stills", _remembered_stills(folder))
        yield


def _remembered_stills(folder: Path) -> Callable[..., Iterator[Still]]:
    """Return what plays a video, and takes first frames of one that ships from a folder where they were decoded before.

    They are kept as they are decoded, in yuv420p, of which gray and color are made as of all others.
    """
    decode = VideoRecording.stills

    def stills(self: VideoRecording, *, start: float = 0.0) -> Iterator[Still]:
        if self._path.parent != STREET.parent:
            yield from decode(self, start=start)
            return
        number = int(start * self._rate)

        def kept(number: int) -> Path:
            return folder / f"{self._path.stem}.{number}.npy"

        while number < MOST_FRAMES and kept(number).exists():
            frame = av.VideoFrame.from_ndarray(np.load(kept(number)), format="yuv420p")
            yield Still(number / self._rate, luma(frame), Color(frame))
            number += 1
        for still in decode(self, start=number / self._rate) if number < self._count else ():
            at = round(still.seconds * self._rate)
            if at < MOST_FRAMES:
                aside = kept(at).with_suffix(f".{os.getpid()}.npy")
                np.save(aside, still.color._frame.to_ndarray())  # type: ignore[attr-defined]
                aside.rename(kept(at))
            if at >= number:
                yield still

    return stills


@pytest.fixture(scope="session")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of a run share."""
    with made_once(tmp_path_factory, "remembered") as folder:
        folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def seen_once(remembered: Path) -> Iterator[None]:
    """Have the networks of this process look at each picture once in all tests of a run that ask for it."""
    with remembering(remembered):
        yield
