"""How many RTSP streams a core carries at 10 frames a second, and what fast-alpr takes for the same stream.

    /usr/bin/python3 -c 'import gi'   # GStreamer's server and plugins: make test-camera installs them
    python benchmarks/streams.py [--seconds 20] [--fast-alpr VENV/bin/python]

For 1080p and 4K, and a road with traffic (the clip `rush_hour`) and without (its first picture, with a sensor's noise),
it prints the processor time of one second of one stream, in milliseconds: decoding alone, and all that a post does with
a frame but delivery. A core carries 1000 divided by that. The server runs in a process of its own, which isn't counted.
fast-alpr runs on the same stream at the same time, with its default models, each in a process of its own; it fetches
them where it is started, and without a network it can't be run.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device import backends
from platepost.device.camera.footage.recordings import open_recording
from platepost.device.vision.pipeline import Pipeline
from platepost.device.vision.recognizer import Recognizer
from platepost.simulator.brokers.daemon import free_port

ROOT = Path(__file__).parents[1]
CLIP = ROOT / "simulator/footage/rush_hour.mp4"
SERVER = ROOT / "tests/standins/gstreamer_server.py"
RATE = 10
SIZES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
OTHERS = """
import sys, time, resource, json, cv2, os
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"
from fast_alpr import ALPR
alpr = ALPR(detector_model="yolo-v9-t-384-license-plate-end2end", ocr_model="cct-xs-v1-global-model")
video, seconds = cv2.VideoCapture(sys.argv[1]), float(sys.argv[2])
video.read()
frames = 0
begin = time.monotonic()
before = time.process_time()
plates = set()
while time.monotonic() - begin < seconds:
    there, picture = video.read()
    if not there:
        break
    frames += 1
    plates |= {found.ocr.text for found in alpr.predict(picture) if found.ocr}
print(json.dumps({"frames": frames, "cpu": time.process_time() - before, "plates": sorted(plates)}))
"""


def pictures(folder: Path, size: tuple[int, int], *, traffic: bool) -> None:
    """Write the pictures of a road: as the clip has them, in the middle of a larger one for sizes beyond its own."""
    random = np.random.default_rng(1)
    shown: NDArray[np.uint8] | None = None
    for number, still in enumerate(open_recording(CLIP).stills()):
        if number % 2:
            continue  # 20 frames a second
        picture = still.color() if traffic or shown is None else shown
        shown = picture if shown is None else shown
        whole = cv2.resize(cv2.GaussianBlur(shown, (0, 0), 9), size)
        left, top = (size[0] - picture.shape[1]) // 2, (size[1] - picture.shape[0]) // 2
        whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        noise = random.integers(-3, 4, (size[1], size[0], 1), np.int16)
        noisy = np.clip(whole.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number // 2:03d}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 95])


def measure(url: str, seconds: float, *, work: str) -> dict[str, object]:
    """Read a stream for some seconds in this process; return frames, processor seconds, and plates."""
    cv2.setNumThreads(1)
    pipeline = Pipeline(Recognizer.load()) if work == "post" else None
    plates: set[str] = set()
    with backends.camera("rtsp", {"url": url, "open_seconds": 30}) as camera:
        frames = camera.frames()
        next(frames)
        count = 0
        begin = time.monotonic()
        before = time.process_time()
        for frame in frames:
            count += 1
            if pipeline is not None:
                plates |= {ended.passage.consensus.text for ended in pipeline.update(frame).ended}
            if time.monotonic() - begin > seconds:
                break
        used = time.process_time() - before
    return {"frames": count, "cpu": used, "plates": sorted(plates)}


def started(command: list[str]) -> subprocess.Popen[bytes]:
    """Start what reads a stream."""
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


def results(size: str, *, traffic: bool, seconds: float, fast_alpr: str | None) -> Iterator[str]:
    """Yield a line for each reader of a stream; all read it at the same time."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        pictures(folder, SIZES[size], traffic=traffic)
        port = free_port()
        server = subprocess.Popen(
            ["/usr/bin/python3", str(SERVER), str(port), name, "--rate", str(RATE)], stdout=subprocess.PIPE
        )
        try:
            if server.stdout is None or server.stdout.readline() != b"serving\n":
                raise SystemExit("GStreamer's RTSP server is missing: make test-camera")
            url = f"rtsp://127.0.0.1:{port}/stream"
            own = [sys.executable, __file__, "--read", url, "--seconds", str(seconds), "--work"]
            readers = {work: started([*own, work]) for work in ("decoding", "post")}
            if fast_alpr:
                readers["fast-alpr"] = started([fast_alpr, "-c", OTHERS, url, str(seconds)])
            for reader, process in readers.items():
                output, _ = process.communicate(timeout=seconds + 120)
                if process.returncode:
                    yield f"| {size} | {'traffic' if traffic else 'empty road'} | {reader} | failed | | |"
                    continue
                found = json.loads(output.splitlines()[-1])
                each = found["cpu"] / max(found["frames"], 1) * 1000
                second = each * RATE
                yield (
                    f"| {size} | {'traffic' if traffic else 'empty road'} | {reader} | {found['frames']} |"
                    f" {each:.1f} | {second:.0f} | {1000 / second:.1f} | {len(found['plates'])} |"
                )
        finally:
            server.kill()
            server.communicate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--fast-alpr", metavar="PYTHON", help="Python of an environment with fast-alpr[onnx].")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        sys.stdout.write(json.dumps(measure(asked.read, asked.seconds, work=asked.work)) + "\n")
        return
    sys.stdout.write("| size | road | reader | frames | ms a frame | ms a second | streams a core | plates |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
    for size in SIZES:
        for traffic in (False, True):
            for line in results(size, traffic=traffic, seconds=asked.seconds, fast_alpr=asked.fast_alpr):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    sys.stdout.write(f"The largest of these processes had {peak} MB.\n")


if __name__ == "__main__":
    main()
