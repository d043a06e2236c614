"""How often the recognizer is sure of a read where there is no plate.

    python benchmarks/plate_free.py data/open_images build/plate-free [--regions 10000] [--lettering 2000]

Cuts regions without a plate out of the photos that the detector was never trained on (`platepost.models.scenes.photos:
split`) and recognizes them as single pictures. Into a part of them a freshly drawn sign is put: lettering. Each sure
read is written into the folder, to be looked at: it may be a plate that no one labeled. The same seed cuts the same
regions.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.frame import Box
from platepost.device.vision.recognizer import Recognizer
from platepost.models.evaluate.manifest import read_photos
from platepost.models.evaluate.reliability import Bin
from platepost.models.scenes.distractors import find_fonts, render_sign
from platepost.models.scenes.photos import DOUBTFUL, LONGEST_SIDE, split

SURE = 0.95
"""Confidence from which on a read counts."""
WIDTHS = (0.16, 0.6)
"""Of a region, by the photo's."""
SHAPE = 368 / 640
"""Height of a region by its width: the detector's."""
TRIES = 200
AROUND = 0.15
"""Share of a plate's size that stays out of every region around it."""
Picture = NDArray[np.uint8]


def apart(region: Box, taken: list[Box]) -> bool:
    return all(
        region[2] <= left or region[0] >= right or region[3] <= top or region[1] >= bottom
        for left, top, right, bottom in taken
    )


def placed(photo: Picture, taken: list[Box], rng: np.random.Generator) -> Box | None:
    """Draw a region that no plate reaches into; None where there is no room."""
    height, width = photo.shape[:2]
    for _ in range(TRIES):
        wide = width * float(np.exp(rng.uniform(*np.log(WIDTHS))))
        high = wide * SHAPE
        if high > height:
            continue
        left, top = float(rng.uniform(0, width - wide)), float(rng.uniform(0, height - high))
        if apart(region := (left, top, left + wide, top + high), taken):
            return region
    return None


def with_sign(picture: Picture, rng: np.random.Generator, fonts: list[Path]) -> Picture:
    """Put a drawn sign somewhere into a picture, a tenth to a half of its width."""
    sign, out = render_sign(rng, fonts), picture.copy()
    wide = max(24, round(picture.shape[1] * float(rng.uniform(0.1, 0.5))))
    high = max(8, round(sign.shape[0] * wide / sign.shape[1]))
    if high >= picture.shape[0] or wide >= picture.shape[1]:
        return out
    x, y = int(rng.integers(picture.shape[1] - wide)), int(rng.integers(picture.shape[0] - high))
    small = cv2.GaussianBlur(cv2.resize(sign, (wide, high), interpolation=cv2.INTER_AREA), (0, 0), 0.6)
    out[y : y + high, x : x + wide] = small.astype(np.uint8)
    return out


def regions(folder: Path, count: int, lettered: int, seed: int) -> Iterator[tuple[str, str, Picture]]:
    """Yield so many plate-free regions: of which photo, what kind, and the picture."""
    doubtful, fonts = json.loads(DOUBTFUL.read_text(encoding="utf-8")), find_fonts()
    manifest = read_photos(folder)
    photos = [
        manifest.pictures[number] for number in split([f"open_images/{p.path.stem}" for p in manifest.pictures])[1]
    ]
    share, letters = -(-count // len(photos)), -(-lettered // len(photos))
    made: Counter[bool] = Counter()
    for number, labeled in enumerate(photos):
        whole = cv2.imread(str(labeled.path))
        if whole is None:
            raise SystemExit(f"{labeled.path}: no picture")
        scale = min(1.0, LONGEST_SIDE / max(whole.shape[:2]))
        photo = np.asarray(cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        boxes = [tuple(side * scale for side in plate.box) for plate in labeled.plates if plate.box]
        boxes += [tuple(box) for box in doubtful.get(f"open_images/{labeled.path.stem}", [])]
        taken = [
            (x0 - AROUND * (x1 - x0), y0 - AROUND * (y1 - y0), x1 + AROUND * (x1 - x0), y1 + AROUND * (y1 - y0))
            for x0, y0, x1, y1 in boxes
        ]
        rng = np.random.default_rng([seed, number])
        for one in range(share):
            lettering = one < letters
            if made[lettering] >= (lettered if lettering else count - lettered):
                continue
            region = placed(photo, taken, rng)
            if region is None:
                continue
            left, top, right, bottom = map(round, region)
            picture = np.ascontiguousarray(photo[top:bottom, left:right])
            made[lettering] += 1
            yield (
                labeled.path.stem,
                "lettering" if lettering else "plain",
                with_sign(picture, rng, fonts) if lettering else picture,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder with manifest.json")
    parser.add_argument("folder", type=Path, help="where sure reads are written")
    parser.add_argument("--regions", type=int, default=10_000)
    parser.add_argument("--lettering", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    recognizer, seen, sure = Recognizer.load(), Counter[str](), Counter[str]()
    for name, kind, picture in regions(asked.photos, asked.regions, asked.lettering, asked.seed):
        seen[kind] += 1
        for plate in recognizer.recognize(picture).plates:
            if plate.confidence >= SURE:
                sure[kind] += 1
                print(f"{name} {kind}: {plate.text} {plate.confidence:.3f}", flush=True)
                cv2.imwrite(str(asked.folder / f"{name}-{seen.total()}.png"), picture)
    for kind in (*seen, "all"):
        reads, of = (sure.total(), seen.total()) if kind == "all" else (sure[kind], seen[kind])
        low, high = Bin(of, SURE, reads / of).interval
        print(f"{kind}: {reads} sure reads in {of} regions, {low:.3%} to {high:.3%}")


if __name__ == "__main__":
    main()
