"""CPU time of one picture through the recogniser, and where it goes.

    python benchmarks/recogniser.py [FOLDER]

Without a folder of photos it takes the frames of the demonstration's clip. The machine's speed drifts, so compare
shares, or two versions in one run.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.vision.ctc import beam_search, merge_look_alikes, softmax, spell
from device.vision.recogniser import Recogniser, as_grey
from simulator.camera.footage import FootageCamera

CLIP = Path(__file__).parents[1] / "simulator" / "footage" / "street.mp4"


def pictures(folder: Path | None, *, most: int = 200) -> Iterator[NDArray[np.uint8]]:
    if folder is not None:
        for path in sorted(folder.rglob("*.jpg"))[:most]:
            picture = cv2.imread(str(path))
            if picture is not None:
                yield as_grey(picture.astype(np.uint8, copy=False))
        return
    with FootageCamera(path=CLIP, pace="fast") as camera:
        for frame in camera.frames():
            if frame.number % 5 == 0:
                yield frame.grey


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    folder = parser.parse_args().folder
    cv2.setNumThreads(1)
    recogniser = Recogniser.load()
    detector, reader = recogniser.detector.model, recogniser.reader.model
    totals: list[float] = []
    for grey in pictures(folder):
        start = time.process_time()
        recogniser.recognise(grey)
        totals.append(1000 * (time.process_time() - start))
    if not totals:
        sys.exit("no picture to measure")

    def each(work: object, times: int = 100) -> float:
        start = time.process_time()
        for _ in range(times):
            work()  # type: ignore[operator]
        return 1000 * (time.process_time() - start) / times

    frame = np.zeros(detector.input.shape, np.int8)
    plate = np.random.default_rng(1).integers(-128, 127, reader.input.shape, np.int8)
    probabilities = softmax(reader.outputs[0].real(reader.run(plate)[0][0]))
    best = beam_search(merge_look_alikes(probabilities))[0].text
    inference = each(lambda: detector.run(frame)), each(lambda: reader.run(plate))
    decoding = each(
        lambda: spell(softmax(probabilities), beam_search(merge_look_alikes(probabilities))[0].text or best)
    )
    middle, late = statistics.median(totals), np.percentile(totals, 95)
    print(f"{len(totals)} pictures: median {middle:.2f} ms of CPU, p95 {late:.2f} ms")
    print(f"detector's network {inference[0]:.2f} ms, reader's {inference[1]:.2f} ms")
    print(f"from the reader's columns to characters {decoding:.2f} ms")


if __name__ == "__main__":
    main()
