"""Other readers of plates beside ours, on the same pictures in one run: accuracy and CPU time.

    pip install -e '.[readers]'
    python benchmarks/readers.py data/us_photos data/us_crops [--most 50] [--only ours --only simplelpr]
    python benchmarks/readers.py data/us_photos --onnx cct_xs_v2_global.onnx

A text counts as right with O and 0, I and 1 taken for one; strictly, it must be spelled right, and truths with an O or
a 0 do not count, for most sets write 0 for either. "Any" judges generously: any line of text that is found in the
picture, or all of them together, may be the right one. Pictures of which no text is known are left out. Each works on
one thread where it can be told so.

fast-alpr is left out: its models are in no package, and are fetched when it runs. Any reader of its family
(fast-plate-ocr) is taken with --onnx, once its file is there; on whole photos it reads what our detector finds. What
stands in NAME_plate_config.yaml beside NAME.onnx is followed.
"""

import argparse
import importlib
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from platepost.device.vision.detector import Detector
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.recognizer import Recognizer, as_gray
from platepost.device.vision.serials import COUNTRIES, Country
from platepost.models.evaluate.manifest import Dataset, LabelledPicture, read_manifest
from platepost.models.evaluate.spelling import fold, normalize


class Read(Protocol):
    """From a picture (BGR), and whether it is a plate cut out already, to the texts found in it, the best first."""

    def __call__(self, picture: NDArray[np.uint8], *, crop: bool) -> list[str]: ...


def ours(country: Country = "US") -> Read:
    recognizer = Recognizer.load(country=country)

    def read(picture: NDArray[np.uint8], *, crop: bool) -> list[str]:
        found = recognizer.recognize_crop(picture) if crop else recognizer.recognize_still(picture)
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
    whole, recognizer = rapidocr(lines=lines), Recognizer.load()

    def read(picture: NDArray[np.uint8], *, crop: bool) -> list[str]:
        if crop:
            return whole(picture, crop=True)
        texts: list[str] = []
        for found in recognizer.detector.detect(as_gray(picture)):
            left, top, right, bottom = found.box
            spare_x, spare_y = (right - left) * 0.1, (bottom - top) * 0.2
            part = picture[
                max(0, int(top - spare_y)) : int(bottom + spare_y), max(0, int(left - spare_x)) : int(right + spare_x)
            ]
            texts += whole(np.ascontiguousarray(part), crop=True)
        return texts

    return read


class OnnxReader:
    """A reader of fast-plate-ocr's family: a plate's picture in, for each slot the probability of each character out.

    Args:
        session: an `onnxruntime.InferenceSession`, or what behaves like one.
        configuration: what stands in the plate configuration that comes with the file; defaults are fast-plate-ocr's.

    Raises:
        SystemExit: the file's shapes are those of no such reader.

    """

    SMOOTH: Mapping[str, int] = {
        "nearest": cv2.INTER_NEAREST,
        "linear": cv2.INTER_LINEAR,
        "cubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
        "lanczos4": cv2.INTER_LANCZOS4,
    }

    def __init__(self, session: Any, configuration: Mapping[str, Any]) -> None:
        self._session = session
        (given,) = session.get_inputs()
        self._input = given.name
        if len(given.shape) != 4 or given.shape[3] not in (1, 3) or "uint8" not in given.type:
            raise SystemExit(f"{given.name} is {given.type} {given.shape}: expected uint8, N x height x width x 1 or 3")
        _, self._height, self._width, self._channels = given.shape
        self._alphabet = configuration.get("alphabet", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_")
        self._pad = configuration.get("pad_char", "_")
        self._keeps_aspect = configuration.get("keep_aspect_ratio", False)
        self._smooth = self.SMOOTH[configuration.get("interpolation", "linear")]
        padding = configuration.get("image_padding_color", 114)
        self._padding = tuple(padding) if isinstance(padding, list | tuple) else (padding,) * 3

    @classmethod
    def load(cls, path: Path) -> "OnnxReader":
        """Load a file, and the plate configuration beside it; raises SystemExit if it is no such reader."""
        onnxruntime: Any = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        beside = path.with_name(f"{path.stem}_plate_config.yaml")
        told: Any = importlib.import_module("yaml").safe_load(beside.read_text("utf-8")) if beside.exists() else {}
        return cls(session, told)

    def read(self, picture: NDArray[np.uint8]) -> tuple[str, float]:
        """Read an H x W x 3 (BGR) uint8 picture of one plate; the text with the product of its slots' probabilities."""
        pixels = as_gray(picture) if self._channels == 1 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        values = self._fitted(np.asarray(pixels, np.uint8)).reshape(1, self._height, self._width, self._channels)
        # Newer files tell the country beside the text.
        outputs = [np.asarray(output) for output in self._session.run(None, {self._input: values})]
        slots = next((output for output in outputs if output.size % len(self._alphabet) == 0), None)
        if slots is None:
            raise SystemExit(f"no output is of {len(self._alphabet)} characters: {[o.shape for o in outputs]}")
        shares = slots.reshape(-1, len(self._alphabet))
        text = "".join(self._alphabet[place] for place in shares.argmax(axis=1)).replace(self._pad, "")
        return text, float(shares.max(axis=1).prod())

    def _fitted(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = self._height, self._width
        if self._keeps_aspect:
            scale = min(height / pixels.shape[0], width / pixels.shape[1])
            height, width = max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale))
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=self._smooth), np.uint8)
        spare_x, spare_y = self._width - width, self._height - height
        left, top = spare_x // 2, spare_y // 2
        return np.asarray(
            cv2.copyMakeBorder(
                pixels, top, spare_y - top, left, spare_x - left, cv2.BORDER_CONSTANT, value=self._padding
            ),
            np.uint8,
        )


def onnx(path: Path) -> Read:
    reader, detector = OnnxReader.load(path), Detector(shipped("detector.tflite"))

    def read(picture: NDArray[np.uint8], *, crop: bool) -> list[str]:
        if crop:
            return [reader.read(picture)[0]]
        found: list[tuple[float, str]] = []
        for plate in detector.detect(as_gray(picture)):
            left, top, right, bottom = (max(0, round(side)) for side in plate.box)
            text, share = reader.read(np.ascontiguousarray(picture[top : bottom + 1, left : right + 1]))
            found.append((plate.score * share, text))
        return [text for _, text in sorted(found, reverse=True)]

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
    spelled: list[bool] = []
    for picture in track(pictures, description=name, console=Console(stderr=True)):
        pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise SystemExit(f"{picture.path}: no picture")
        start = time.process_time()
        found = read(np.asarray(pixels, np.uint8), crop=picture.cut_out)
        times.append((time.process_time() - start) * 1000)
        texts = [fold(text) for text in found]
        true = {fold(plate.text) for plate in picture.plates if plate.text}
        best += bool(texts) and texts[0] in true
        anywhere += any(text in true for text in texts)
        exact = {normalize(plate.text) for plate in picture.plates if plate.text}
        if not any(set(text) & {"O", "0"} for text in exact):
            spelled.append(bool(found) and normalize(found[0]) in exact)
    count = len(pictures)
    strictly = f"{sum(spelled) / len(spelled):.1%} of {len(spelled)}" if spelled else "-"
    middle, late = median(times), float(np.percentile(times, 95))
    shares = f"{best / count:.1%}", strictly, f"{anywhere / count:.1%}"
    return [str(count), *shares, f"{middle:.1f}, {fmean(times):.1f}, {late:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--most", type=int, help="only so many pictures of each, evenly spread")
    parser.add_argument("--only", choices=READERS, action="append")
    parser.add_argument("--onnx", type=Path, action="append", default=[], help="a reader of fast-plate-ocr's family")
    parser.add_argument("--country", choices=COUNTRIES, default="US", help="whose formats ours spells by")
    told = parser.parse_args()
    logging.disable(logging.WARNING)
    cv2.setNumThreads(1)
    table = Table(
        "set", "reader", "pictures", "best text right", "strictly", "any text right", "CPU ms: median, mean, p95"
    )
    readers = {name: READERS[name] for name in told.only or ([] if told.onnx else READERS)}
    readers |= {path.name: partial(onnx, path) for path in told.onnx}
    if "ours" in readers:
        readers["ours"] = partial(ours, told.country)
    for name, load in readers.items():
        try:
            read = load()
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
