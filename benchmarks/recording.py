"""What recording costs a post, a frame: CPU time to pack and to seal, bytes, and the share of what evaluating it costs.

python benchmarks/recording.py
python benchmarks/recording.py my.mp4 --frames 100
"""

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

from joserfc.jwk import ECKey

from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.frame import Frame
from platepost.device.recording import SealedWriter
from platepost.device.recording.frames import pack, unpack
from platepost.device.vision.pipeline import Pipeline
from platepost.device.vision.recognizer import Recognizer
from platepost.simulator.demo.clip import STREET
from platepost.wire.hotlist.package import load_key


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("clip", nargs="?", type=Path, default=STREET)
    arguments.add_argument("--frames", type=int, default=60)
    wanted = arguments.parse_args()
    with FootageCamera(path=wanted.clip, pace="fast") as camera:
        frames = list(islice(camera.frames(), wanted.frames))
    pipeline = Pipeline(Recognizer.load())
    begun = time.process_time()
    for frame in frames:
        pipeline.update(frame)
    evaluating = (time.process_time() - begun) * 1000 / len(frames)
    height, width = frames[0].gray.shape
    print(f"{len(frames)} frames of {width} x {height}; evaluating one: {evaluating:.1f} ms of CPU")
    print("             pack ms  seal ms  unpack ms  KiB/frame  of evaluating")
    for name, color in (("gray", False), ("with colors", True)):
        packing, sealing, opening, size = measure(frames, color=color)
        share = (packing + sealing) / evaluating
        print(f"{name:12} {packing:7.1f} {sealing:8.2f} {opening:10.1f} {size / 1024:10.0f} {share:14.1f}x")


def measure(frames: list[Frame], *, color: bool) -> tuple[float, float, float, float]:
    key = load_key(ECKey.generate_key("P-256").as_pem(private=True), private=True)
    with tempfile.TemporaryDirectory() as folder:
        writer = SealedWriter(Path(folder) / "a.recording", recipient=key, about={}, settings={})
        times = [0.0, 0.0, 0.0]
        for frame in frames:
            colors = frame.color() if color else None
            ready = Frame(frame.number, frame.captured, frame.monotonic, frame.gray, lambda made=colors: made)
            marks = [time.process_time()]
            packed = pack(ready, color=color)
            marks.append(time.process_time())
            writer.frame(packed)
            marks.append(time.process_time())
            unpack(packed).color()
            marks.append(time.process_time())
            times = [before + (end - start) for before, start, end in zip(times, marks, marks[1:], strict=False)]
        writer.close()
        packing, sealing, opening = (1000 * spent / len(frames) for spent in times)
        return packing, sealing, opening, writer.size / len(frames)


if __name__ == "__main__":
    main()
