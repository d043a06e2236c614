"""CPU time of one picture through the recognizer, and of a street's frames through the whole of vision.

    python benchmarks/recognizer.py [FOLDER]

Without a folder of photos it takes the frames of the demonstration's clip. The machine's speed drifts, so compare
shares, or two versions in one run. Times are this thread's: the decoder of the clip has threads of its own.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.vision.ctc import beam_search, merge_look_alikes, softmax, spell
from platepost.device.vision.interpreter import Network
from platepost.device.vision.passages import BEST_FRAMES
from platepost.device.vision.pipeline import Pipeline
from platepost.device.vision.recognizer import Recognizer, as_gray

CLIP = Path(__file__).parents[1] / "simulator" / "footage" / "street.mp4"


def pictures(folder: Path | None, *, most: int = 200) -> Iterator[NDArray[np.uint8]]:
    if folder is not None:
        for path in sorted(folder.rglob("*.jpg"))[:most]:
            picture = cv2.imread(str(path))
            if picture is not None:
                yield as_gray(picture.astype(np.uint8, copy=False))
        return
    with FootageCamera(path=CLIP, pace="fast") as camera:
        for frame in camera.frames():
            if frame.number % 5 == 0:
                yield frame.gray


def street(most: int) -> None:
    """Play the demonstration's clip through the pipeline; say what of its CPU time is not inference, and one plate's.

    Who issued a plate and what its vehicle is are asked once or twice a passage, which the mean tells; then also what a
    frame takes in which they are.
    """
    pipeline = Pipeline(Recognizer.load())
    inside = 0.0

    def timed(model: Network) -> None:
        run = model.run

        def measured(values: NDArray[np.int8]) -> tuple[NDArray[np.int8], ...]:
            nonlocal inside
            start = time.thread_time()
            result = run(values)
            inside += time.thread_time() - start
            return result

        model.run = measured  # type: ignore[method-assign]  # of these models alone, for this one run

    networks = pipeline.recognizer
    if networks is None:
        raise SystemExit("the networks cannot be loaded")
    timed(networks.detector.model)
    timed(networks.reader.model)
    if networks.region is not None:
        timed(networks.region.model)
    total, frames = 0.0, 0
    alone: list[tuple[float, float]] = []
    with FootageCamera(path=CLIP, pace="fast") as camera:
        for frame in camera.frames():
            if frame.number >= most:
                break
            _ = frame.gray  # decoding is the camera's
            start = time.thread_time()
            result = pipeline.update(frame)
            spent, had = time.thread_time() - start, inside
            total += spent
            frames += 1
            if len(result.sightings) == 1 and (plate := result.sightings[0].rectified) is not None:
                start = time.thread_time()
                networks.impression([plate] * BEST_FRAMES, "")
                networks.appearance(frame.color(), result.sightings[0].plate.corners)
                alone.append((1000 * spent, 1000 * (spent + time.thread_time() - start)))
                inside = had
    print(f"{frames} frames of a street: {1000 * total / frames:.2f} ms of CPU a frame, of it inference", end=" ")
    print(f"{1000 * inside / frames:.2f} ms; what is not inference is {(total - inside) / inside:.0%} of what is")
    for what, place in (("with one plate", 0), ("the same, issuing state and vehicle asked in it", 1)):
        spent_on = [one[place] for one in alone]
        print(f"{len(alone)} frames {what}: mean {statistics.mean(spent_on):.2f} ms of CPU,", end=" ")
        print(f"median {statistics.median(spent_on):.2f} ms, p95 {np.percentile(spent_on, 95):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    folder = parser.parse_args().folder
    cv2.setNumThreads(1)
    recognizer = Recognizer.load()
    detector, reader = recognizer.detector.model, recognizer.reader.model
    totals: list[float] = []
    for gray in pictures(folder):
        start = time.thread_time()
        recognizer.recognize(gray)
        totals.append(1000 * (time.thread_time() - start))
    if not totals:
        sys.exit("no picture to measure")

    def each(work: Callable[[], object], times: int = 100) -> float:
        start = time.thread_time()
        for _ in range(times):
            work()
        return 1000 * (time.thread_time() - start) / times

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
    if recognizer.region is not None:
        region = recognizer.region.model
        print(f"the issuing state's network {each(lambda: region.run(plate)):.2f} ms")
    print(f"from the reader's columns to characters {decoding:.2f} ms")
    street(300)


if __name__ == "__main__":
    main()
