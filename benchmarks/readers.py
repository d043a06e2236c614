"""Other readers of plates beside ours, on the same pictures in one run: accuracy and CPU time.

    pip install 'platepost[readers]'
    python benchmarks/readers.py data/us_photos data/us_crops [--most 50] [--only ours --only simplelpr]

A text counts as right with O and 0, I and 1 taken for one. "Any" judges generously: any line of text that is found in
the picture, or all of them together, may be the right one. Pictures of which no text is known are left out. Each works
on one thread where it can be told so. fast-alpr is left out: its models are in no package, and are fetched when it
runs.
"""

import argparse
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from device.vision.recogniser import Recogniser, as_grey
from models.evaluate.manifest import Dataset, LabelledPicture, read_manifest
from models.evaluate.spelling import fold


class Read(Protocol):
    """From a picture (BGR), and whether it is a plate cut out already, to the texts found in it, the best first."""

    def __call__(self, picture: NDArray[np.uint8], *, crop: bool) -> list[str]: ...


def ours() -> Read:
    recogniser = Recogniser.load()

    def read(picture: NDArray[np.uint8], *, crop: bool) -> list[str]:
        found = recogniser.recognise_crop(picture) if crop else recogniser.recognise_still(picture)
        return [plate.text for plate in found.plates]

    return read


def simplelpr() -> Read:
    import simplelpr as library  # noqa: PLC0415 - each reader is optional

    setup = library.EngineSetupParms()
    setup.cudaDeviceId = -1
    setup.maxConcurrentImageProcessingOps = 1
    engine = library.SimpleLPR(setup)
    # It knows no country of that name: no syntax is asked for, so that no text is forced into another country's.
    for number in range(engine.numSupportedCountries):
        engine.set_countryWeight(number, 0.0)
    engine.realizeCountryWeights()
    processor = engine.createProcessor()
    processor.plateRegionDetectionEnabled = True
    processor.cropToPlateRegionEnabled = True

    def read(picture: NDArray[np.uint8], *, crop: bool) -> list[str]:  # noqa: ARG001 - it looks for plates in both
        matches = [match for candidate in processor.analyze(picture) for match in candidate.matches]
        return [match.text for match in sorted(matches, key=lambda match: -match.confidence)]

    return read


def rapidocr(*, lines: bool = True) -> Read:
    from rapidocr import RapidOCR  # noqa: PLC0415 - each reader is optional

    engine = RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Global.log_level": "error",
        }
    )

    def read(picture: NDArray[np.uint8], *, crop: bool) -> list[str]:  # noqa: ARG001 - it looks for text in both
        found: Any = engine(picture, use_det=lines, use_cls=lines, use_rec=True)
        texts = list(found.txts or ())
        return [*texts, "".join(texts)] if len(texts) > 1 else texts  # a plate in two parts may be two lines to it

    return read


def rapidocr_on_our_plates(*, lines: bool) -> Read:
    """Read with RapidOCR only what our detector finds: the fairer comparison of readers on whole photos.

    `lines` lets it look for lines of text in the plate first; without, it takes the plate for one line.
    """
    whole, recogniser = rapidocr(lines=lines), Recogniser.load()

    def read(picture: NDArray[np.uint8], *, crop: bool) -> list[str]:
        if crop:
            return whole(picture, crop=True)
        texts: list[str] = []
        for found in recogniser.detector.detect(as_grey(picture)):
            left, top, right, bottom = found.box
            spare_x, spare_y = (right - left) * 0.1, (bottom - top) * 0.2
            part = picture[
                max(0, int(top - spare_y)) : int(bottom + spare_y), max(0, int(left - spare_x)) : int(right + spare_x)
            ]
            texts += whole(np.ascontiguousarray(part), crop=True)
        return texts

    return read


READERS: dict[str, Callable[[], Read]] = {
    "ours": ours,
    "simplelpr": simplelpr,
    "rapidocr": rapidocr,
    "our detector + rapidocr": partial(rapidocr_on_our_plates, lines=True),
    "our detector + rapidocr, one line": partial(rapidocr_on_our_plates, lines=False),
}


def with_texts(manifest: Dataset, *, most: int | None) -> list[LabelledPicture]:
    """Return the pictures of which a text is known, or `most` of them, evenly spread."""
    pictures = [picture for picture in manifest.pictures if any(fold(plate.text or "") for plate in picture.plates)]
    if not pictures:
        raise SystemExit(f"{manifest.path}: no picture has a text")
    count = min(most or len(pictures), len(pictures))
    return [pictures[place * len(pictures) // count] for place in range(count)]


def measure(read: Read, pictures: list[LabelledPicture], name: str) -> list[str]:
    best, anywhere, times = 0, 0, []
    for picture in track(pictures, description=name, console=Console(stderr=True)):
        pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise SystemExit(f"{picture.path}: no picture")
        start = time.process_time()
        texts = [fold(text) for text in read(np.asarray(pixels, np.uint8), crop=picture.cut_out)]
        times.append((time.process_time() - start) * 1000)
        true = {fold(plate.text) for plate in picture.plates if plate.text}
        best += bool(texts) and texts[0] in true
        anywhere += any(text in true for text in texts)
    count = len(pictures)
    return [str(count), f"{best / count:.1%}", f"{anywhere / count:.1%}", f"{median(times):.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--most", type=int, help="only so many pictures of each, evenly spread")
    parser.add_argument("--only", choices=READERS, action="append")
    told = parser.parse_args()
    logging.disable(logging.WARNING)
    cv2.setNumThreads(1)
    table = Table("set", "reader", "pictures", "best text right", "any text right", "CPU ms, median")
    for name in told.only or READERS:
        try:
            read = READERS[name]()
        except ModuleNotFoundError as error:
            Console(stderr=True).print(f"{name}: left out, {error.name} is not installed")
            continue
        for path in told.manifests:
            manifest = read_manifest(path)
            pictures = with_texts(manifest, most=told.most)
            table.add_row(
                manifest.path.parent.name, name, *measure(read, pictures, f"{manifest.path.parent.name}, {name}")
            )
    Console().print(table)


if __name__ == "__main__":
    main()
