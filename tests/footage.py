"""Footage for posts that are to be at work and are not judged by it: every fourth frame of the clip that ships."""

from pathlib import Path

import av
import pytest

from platepost.simulator.demo.clip import STREET
from tests.memory_disk import made_once

PASSES = STREET.with_name("pass.mp4")


def copy_sparsely(clip: Path, copy: Path, *, every: int = 4) -> None:
    """Keep one of `every` frames: enough to read all its plates, and posts leave the machine to others."""
    with av.open(str(clip)) as source, av.open(str(copy), "w", format="mp4") as target:
        seen = source.streams.video[0]
        assert seen.average_rate is not None
        rate = seen.average_rate / every
        made = target.add_stream("libx264", rate=rate, options={"crf": "14", "preset": "veryfast"})
        made.width, made.height, made.pix_fmt = seen.width, seen.height, "yuv420p"
        for number, frame in enumerate(source.decode(seen)):
            if number % every == 0:
                frame.pts, frame.time_base = number // every, 1 / rate
                target.mux(made.encode(frame))
        target.mux(made.encode())


@pytest.fixture(scope="session")
def sparse_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make such a copy, once for all workers of a run: all frames of it take a post half a core."""
    with made_once(tmp_path_factory, "sparse.mp4") as copy:
        if not copy.exists():
            aside = copy.with_suffix(".part")
            copy_sparsely(PASSES, aside)
            aside.rename(copy)
    return copy
