"""A page of the pictures that went wrong, to look at; it holds real plates, so it belongs in no repository."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.geometry import Corners, rectify
from platepost.models.evaluate.metrics import PictureResult

OVERVIEW_WIDTH: Final = 520
PATCH: Final = (320, 128)
_HEAD: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
body{{font:15px system-ui;margin:2em;background:#fafafa;color:#222}}h1{{font-size:1.3em}}
.row{{display:flex;gap:1em;margin:.6em 0;padding:.8em;background:#fff;border:1px solid #ddd;align-items:flex-start}}
code{{font-size:1.3em}}.truth{{color:#063}}.read{{color:#a00}}small{{color:#666}}img{{display:block;margin-bottom:4px}}
</style><h1>{title}</h1><p>{note}</p>
"""


def write_page(path: Path, title: str, results: Sequence[PictureResult]) -> int:
    """Write the failures among `results` (read wrong, plate not found, plates too many); return how many there are."""
    failures = [
        result
        for result in results
        if (result.truth and not result.folded) or result.boxes_found < result.boxes or result.extra
    ]
    note = f"{len(failures)} of {len(results)} pictures. Green: the truth's boxes. Red: what was found."
    parts = [_HEAD.format(title=html.escape(title), note=note)]
    parts += [_row(result) for result in failures]
    path.write_text("\n".join(parts), encoding="utf-8")
    return len(failures)


def _row(result: PictureResult) -> str:
    picture = cv2.imread(str(result.picture.path), cv2.IMREAD_COLOR)
    if picture is None:
        return ""
    image = np.asarray(picture, np.uint8)
    patches = "".join(
        _image(_patch(image, plate.corners)) + f"<small>{html.escape(plate.text)} {plate.reading.confidence:.2f}, "
        f"detector {plate.score:.2f}</small>"
        for plate in result.plates[:4]
    )
    boxes = f"{result.boxes_found} of {result.boxes} plates found, {result.extra} too many"
    boxes = "" if result.picture.cut_out else boxes
    return (
        f'<div class="row">{_image(_overview(image, result))}<div>{patches}</div><div>'
        f'<code class="truth">{html.escape(result.truth or "-")}</code><br>'
        f'<code class="read">{html.escape(result.read or "(nothing)")}</code> {result.confidence:.2f}<br>'
        f"<small>{html.escape(result.picture.path.name)}<br>{boxes}</small></div></div>"
    )


def _overview(image: NDArray[np.uint8], result: PictureResult) -> NDArray[np.uint8]:
    drawn = image.copy()
    thick = max(1, round(image.shape[1] / 500))
    for plate in result.picture.plates:
        if plate.box is not None:
            left, top, right, bottom = (round(side) for side in plate.box)
            cv2.rectangle(drawn, (left, top), (right, bottom), (0, 160, 0), thick)
    for true_plate in result.plates:
        cv2.polylines(
            drawn, [np.round(true_plate.corners).astype(np.int32)], isClosed=True, color=(0, 0, 230), thickness=thick
        )
    scale = OVERVIEW_WIDTH / image.shape[1]
    return cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _patch(image: NDArray[np.uint8], corners: Corners) -> NDArray[np.uint8]:
    return rectify(image, corners, width=PATCH[0], height=PATCH[1], margin=0.04)


def _image(pixels: NDArray[np.uint8]) -> str:
    encoded = base64.b64encode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{encoded}">'
