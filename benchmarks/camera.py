"""What a frame of a unit's camera costs before any plate is looked for, and what the camera's own small picture saves.

    python benchmarks/camera.py [--frames 200]

Processor time of one core a frame, in milliseconds, for an IMX296 (1456 x 1088): frames as the camera delivers them,
with rows padded to 64 bytes. The last line is the ratio that counts on an idle road.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import cv2
import numpy as np

from platepost.device.camera.frame_check import FrameCheck
from platepost.device.camera.picamera2.planes import luma, picture
from platepost.device.frame import Frame
from platepost.device.vision.detector import HEIGHT, WIDTH
from platepost.device.vision.motion import MotionGate

MAIN = {"format": "YUV420", "size": (1456, 1088), "stride": 1472}
LORES = {"format": "YUV420", "size": (492, 368), "stride": 512}


def milliseconds(work: Callable[[int], object], frames: int) -> float:
    """Return the processor time of one call."""
    work(0)
    start = time.process_time()
    for number in range(frames):
        work(number)
    return (time.process_time() - start) / frames * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200)
    frames = parser.parse_args().frames
    cv2.setNumThreads(1)
    random = np.random.default_rng(1)
    buffers = {
        key: random.integers(90, 110, stream["stride"] * stream["size"][1] * 3 // 2, np.uint8).tobytes()
        for key, stream in (("main", MAIN), ("lores", LORES))
    }
    gray, color = picture(buffers["main"], MAIN)
    small = luma(buffers["lores"], LORES)
    frame = Frame(0, datetime.now(UTC), 0.0, gray, color, small)
    scale = min(WIDTH / gray.shape[1], HEIGHT / gray.shape[0])
    size = round(gray.shape[1] * scale), round(gray.shape[0] * scale)
    looks = FrameCheck(noisy=True)
    rows: dict[str, Callable[[int], object]] = {
        "copy of the frame": lambda _: picture(buffers["main"], MAIN),
        "copy of the small picture": lambda _: luma(buffers["lores"], LORES),
        "black or frozen": lambda _: looks.update(frame),
        "motion gate on the small picture": partial(lambda gate, n: gate.moves(small, n / 10), MotionGate()),
        "motion gate on the frame": partial(lambda gate, n: gate.moves(gray, n / 10), MotionGate()),
        "shrinking the frame for the detector": lambda _: cv2.resize(gray, size, interpolation=cv2.INTER_AREA),
        "color, of a frame that is kept": lambda _: color(),
    }
    found = {name: milliseconds(work, frames) for name, work in rows.items()}
    for name, spent in found.items():
        print(f"{name:40s} {spent:8.3f} ms")
    always = found["copy of the frame"] + found["black or frozen"]
    with_small = always + found["copy of the small picture"] + found["motion gate on the small picture"]
    without = always + found["motion gate on the frame"]
    print(f"{'an idle frame, with / without':40s} {with_small:8.3f} / {without:.3f} ms = {with_small / without:.2f}")


if __name__ == "__main__":
    main()
