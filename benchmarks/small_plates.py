"""Plates as small as a far or wide camera sees them: how many a passage of eight frames reads.

    python benchmarks/small_plates.py data/us_photos data/us_crops --widths 38 48 --widths 30 38

Each labelled plate, whether or not it can be read at full size, is shrunk so that its box is so many pixels wide, the
width drawn evenly, and put into the middle of a picture of the detector's size. Eight frames of it, each moved by a
part of a pixel and compressed as JPEG of quality 80, go through detector, reader and passage. Compared are texts with
O as 0 and I as 1. What is said of other plates in the picture does not count. With `--approach 2.2` twelve frames come
nearer: the last shows the plate so wide, the first by that factor smaller.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.frame import Box, Frame
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import Ended, Pipeline, Verdict
from platepost.device.vision.recognizer import Recognizer, as_gray
from platepost.device.vision.settings import VisionSettings
from platepost.models.evaluate.manifest import LabelledPicture, TruePlate, read_manifest
from platepost.models.evaluate.spelling import fold

WIDTH, HEIGHT = 640, 368
FRAMES, PER_SECOND = 8, 15
NEARING = 12
"""Frames of a plate that comes nearer."""
QUALITY = 80
CONFIDENT = 0.9
START = datetime(2026, 1, 1, tzinfo=UTC)


def clip(gray: NDArray[np.uint8], box: Box, widths: NDArray[np.float64], rng: np.random.Generator) -> Iterator[Frame]:
    """Yield frames in whose middle the plate in the box is so many pixels wide."""
    left, top, right, bottom = box
    for number, width in enumerate(widths):
        scale = width / (right - left)
        soft = cv2.GaussianBlur(gray, (0, 0), 0.45 / scale) if scale < 0.9 else gray
        x, y = rng.uniform(-0.5, 0.5, 2)
        to = np.array(
            [
                [scale, 0, WIDTH / 2 - scale * (left + right) / 2 + x],
                [0, scale, HEIGHT / 2 - scale * (top + bottom) / 2 + y],
            ]
        )
        seen = cv2.warpAffine(soft, to, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        packed = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        frame = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
        at = number / PER_SECOND
        yield Frame(number, START + timedelta(seconds=at), at, frame, color=partial(in_color, frame))


def in_color(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)


def passages(recognizer: Recognizer, frames: Iterator[Frame], width: float) -> list[tuple[Passage, Verdict]]:
    """Return what became of the passages in the middle of the picture."""
    pipeline = Pipeline(recognizer, vision=VisionSettings(motion_area=0))
    over: list[Ended] = []
    for frame in frames:
        over += pipeline.update(frame).ended
    over += pipeline.finish()

    def is_it(passage: Passage) -> bool:
        x, y = passage.best.center
        return abs(x - WIDTH / 2) < width / 2 and abs(y - HEIGHT / 2) < width / 2

    return [(ended.passage, ended.verdict) for ended in over if is_it(ended.passage)]


def labelled(folders: list[Path]) -> Iterator[tuple[LabelledPicture, TruePlate]]:
    for folder in folders:
        for picture in read_manifest(folder).pictures:
            yield from ((picture, plate) for plate in picture.plates if plate.text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders with manifest.json")
    parser.add_argument("--widths", type=float, nargs=2, action="append", metavar=("LEAST", "MOST"), required=True)
    parser.add_argument("--approach", type=float, default=1.0, metavar="FACTOR", help="how much nearer the plate comes")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    recognizer = Recognizer.load()
    for least, most in asked.widths:
        rng, became = np.random.default_rng(asked.seed), Counter[str]()
        for picture, plate in labelled(asked.folders):
            whole = cv2.imread(str(picture.path))
            if whole is None:
                raise SystemExit(f"{picture.path}: no picture")
            gray = as_gray(np.asarray(whole, np.uint8))
            box = plate.box or (0.0, 0.0, float(gray.shape[1]), float(gray.shape[0]))
            width = float(rng.uniform(least, most))
            widths = (
                np.full(FRAMES, width) if asked.approach == 1 else np.geomspace(width / asked.approach, width, NEARING)
            )
            read = [
                passage.consensus
                for passage, verdict in passages(recognizer, clip(gray, box, widths, rng), width)
                if verdict is Verdict.READ
            ]
            truth = fold(plate.text or "")
            texts = [fold(each.text) for each in read]
            became["right" if truth in texts else "wrong" if texts else "nothing"] += 1
            confident = [fold(each.text) == truth for each in read if each.confidence >= CONFIDENT]
            became["confident and right"] += any(confident)
            became["confident and wrong"] += bool(confident) and not any(confident)
        plates = sum(became[kind] for kind in ("right", "wrong", "nothing"))
        print(
            f"{least:g} to {most:g} pixels, {plates} plates: "
            + ", ".join(
                f"{kind} {became[kind] / plates:.1%}"
                for kind in ("right", "wrong", "nothing", "confident and right", "confident and wrong")
            )
        )


if __name__ == "__main__":
    main()
