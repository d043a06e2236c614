"""What stands between a plate and the reader: surroundings, distance, lens, light, sensor, JPEG and the detector's error.

Works in grey, since the reader sees no colour. The order is that of the way of the light: dirt and shadow on the plate,
perspective into the camera's picture at the size it has there, blur, exposure, noise, compression; then the
rectification that the device does, with corners that are a little off.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.plates.fonts import line_of_text
from models.plates.render import PlateImage

Grey = npt.NDArray[np.uint8]

MARGIN: Final = 0.125
"""Width of the surroundings in a framed picture, by the plate's width and height."""
FRAMED_SHAPE: Final = (96, 240)
"""Height and width of a framed picture; the plate lies in its middle, whatever its aspect."""
READER_SHAPE: Final = (64, 160)
"""Height and width of the reader's input."""
READER_MARGIN: Final = 0.04
"""Distance of the plate's corners from the input's edges, by the input's width and height."""

_DEALERS: Final = ("TOYOTA OF REDWOOD", "BOARDWALK", "RUSNAK", "HONDA", "LAMBORGHINI", "LEGENDS", "PASADENA", "MY OTHER CAR",
                   "ELIAS MOTORS, INC.", "BELLEVUE", "STANFORD", "ALUMNI", "JESUS", "510-347-4000", "UNIVERSITY", "MARINE")  # fmt: skip


@dataclass(frozen=True)
class Severity:
    """How bad the way to the sensor is: bounds that a sample is drawn from."""

    smallest: float = 36.0
    """Least width of the plate in the camera's picture, in pixels."""
    largest: float = 300.0
    crops: float = 0.45
    """Share of samples cut out by a loose upright box rather than rectified by corners."""


def to_grey(picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> Grey:
    """Reduce to grey as cameras do: mostly by luminance, at times by other weights, as under infrared or coloured light."""
    weights = np.array([0.114, 0.587, 0.299])
    if rng.random() < 0.35:
        weights = rng.dirichlet([1.0, 1.5, 1.5])
    return np.asarray(picture.astype(np.float32) @ weights.astype(np.float32), np.uint8)


def framed(plate: PlateImage, rng: np.random.Generator) -> Grey:
    """Put a plate into its surroundings: bumper or boot, holder, frame with a dealer's name.

    Returns:
        Grey, `FRAMED_SHAPE`; the plate's edges lie `MARGIN` of the plate's size from the picture's.
    """
    height, width = FRAMED_SHAPE
    inner_height, inner_width = round(height / (1 + 2 * MARGIN)), round(width / (1 + 2 * MARGIN))
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    page = _surroundings(height, width, rng)
    flat = cv2.resize(to_grey(plate.image, rng), (inner_width, inner_height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(plate.mask, (inner_width, inner_height), interpolation=cv2.INTER_AREA)
    part = page[top : top + inner_height, left : left + inner_width]
    part[:] = (part + (flat.astype(np.float32) - part) * (mask.astype(np.float32) / 255)).astype(np.uint8)
    if rng.random() < 0.5 and plate.image.shape[1] < 3 * plate.image.shape[0]:
        _frame(page, (left, top, inner_width, inner_height), rng)
    elif rng.random() < 0.3:
        cv2.rectangle(page, (left - 1, top - 1), (left + inner_width, top + inner_height), int(rng.integers(0, 256)), 1)
    return page


def _surroundings(height: int, width: int, rng: np.random.Generator) -> Grey:
    level = float(rng.uniform(5, 245) if rng.random() < 0.6 else rng.uniform(5, 70))
    coarse = rng.normal(level, float(rng.uniform(2, 45)), (int(rng.integers(2, 6)), int(rng.integers(2, 7)))).clip(
        0, 255
    )
    page = cv2.resize(coarse.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 4))):
        shade = int(rng.integers(0, 256))
        if rng.random() < 0.75:
            y = int(rng.integers(height))
            cv2.line(page, (0, y), (width, y + int(rng.integers(-6, 7))), shade, int(rng.integers(1, 8)))
        else:
            x = int(rng.integers(width))
            cv2.line(page, (x, 0), (x + int(rng.integers(-12, 13)), height), shade, int(rng.integers(1, 8)))
    return np.asarray(page, np.uint8)


def _frame(page: Grey, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """A licence-plate frame: it covers the edges and, with a text on it, much of the top or bottom."""
    left, top, width, height = box
    shade = int(rng.choice([15, 30, 60, 150, 200, 225]))
    out = [int(rng.uniform(0.01, 0.09) * height) + 1 for _ in range(4)]
    cover_top = rng.uniform(0.02, 0.17) if rng.random() < 0.5 else rng.uniform(0.01, 0.05)
    cover_bottom = rng.uniform(0.02, 0.17) if rng.random() < 0.6 else rng.uniform(0.01, 0.05)
    side = max(1, round(width * rng.uniform(0.005, 0.03)))
    outer = (left - out[0], top - out[1], left + width + out[2], top + height + out[3])
    inner = (
        left + side,
        top + round(height * cover_top),
        left + width - side,
        top + round(height * (1 - cover_bottom)),
    )
    ring = np.zeros(page.shape, np.uint8)
    cv2.rectangle(ring, outer[:2], (outer[2] - 1, outer[3] - 1), 255, -1)
    cv2.rectangle(ring, inner[:2], (inner[2] - 1, inner[3] - 1), 0, -1)
    page[ring > 0] = shade
    for y0, y1 in ((outer[1], inner[1]), (inner[3], outer[3])):
        if y1 - y0 > 6 and rng.random() < 0.75:
            words = _DEALERS[int(rng.integers(len(_DEALERS)))]
            mask = line_of_text(words, height=max(4, int((y1 - y0) * 0.75)), rng=rng)[:, : width - 4]
            x, y = left + (width - mask.shape[1]) // 2, max(y0, 0) + 1
            part = page[y : y + mask.shape[0], x : x + mask.shape[1]]
            alpha = mask[: part.shape[0], : part.shape[1]].astype(np.float32) / 255
            part[:] = (part + ((255 - shade) - part.astype(np.float32)) * alpha * 0.9).astype(np.uint8)


def _light(page: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Shadow, uneven light, dirt and glare, on the plate itself."""
    height, width = page.shape
    if rng.random() < 0.3:  # light that falls off
        field = rng.uniform(0.55, 1.2, (2, 3)).astype(np.float32)
        page = page * cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.15:  # a shadow with an edge
        shadow = np.ones((height, width), np.float32)
        y0, y1 = rng.uniform(-0.3, 1.3, 2) * height
        side = height * 2 if rng.random() < 0.5 else -height
        polygon = np.array([[0, y0], [width, y1], [width, side], [0, side]], np.int32)
        cv2.fillPoly(shadow, [polygon], float(rng.uniform(0.35, 0.75)))
        page = page * cv2.GaussianBlur(shadow, (0, 0), float(rng.uniform(0.8, 4)))
    if rng.random() < 0.12:  # dirt
        spots = rng.normal(0, 1, (int(rng.integers(4, 14)), int(rng.integers(8, 30)))).astype(np.float32)
        field = np.clip(cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC) - 1.0, 0, 1) * float(
            rng.uniform(0.2, 0.8)
        )
        page = page + (float(rng.uniform(40, 150)) - page) * field
    if rng.random() < 0.08:  # glare
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        spot = np.zeros((height, width), np.float32)
        cv2.ellipse(
            spot, centre, (int(width * rng.uniform(0.04, 0.2)), int(height * rng.uniform(0.1, 0.4))), 0, 0, 360, 1.0, -1
        )
        page = page + cv2.GaussianBlur(spot, (0, 0), float(rng.uniform(3, 12))) * float(rng.uniform(40, 150))
    return page


def _motion(length: float, angle: float) -> npt.NDArray[np.float32]:
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size + 2, size + 2), np.float32)
    middle = (size + 2) / 2 - 0.5
    dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    one = (round((middle - dx) * 16), round((middle - dy) * 16))
    other = (round((middle + dx) * 16), round((middle + dy) * 16))
    cv2.line(kernel, one, other, 1.0, 1, cv2.LINE_AA, 4)
    return kernel / max(float(kernel.sum()), 1e-6)


def _sensor(view: npt.NDArray[np.float32], plate_width: float, rng: np.random.Generator) -> Grey:
    """Blur, exposure, noise, sharpening and compression, in the camera's own pixels."""
    # the strength of blur is bounded by the size of the strokes: what a person cannot read teaches nothing
    stroke = plate_width / 60
    if rng.random() < 0.75:
        view = cv2.GaussianBlur(view, (0, 0), 0.3 + float(rng.uniform(0, 1.0) ** 1.5) * min(0.75 * stroke, 3.0))
    if rng.random() < 0.2:
        view = cv2.filter2D(view, -1, _motion(1 + float(rng.uniform(0, 1.7)) * stroke, float(rng.uniform(0, np.pi))))
    low, high = np.percentile(view[::2, ::2], (2, 98))
    kind = rng.random()
    if kind < 0.55:  # exposed somehow, as it comes
        view = view * float(rng.uniform(0.55, 1.25)) + float(rng.uniform(-15, 40))
    elif kind < 0.8:  # dark, or flat
        span = float(rng.uniform(35, 140))
        view = (view - low) / max(high - low, 20) * span + float(rng.uniform(8, 235 - span))
    else:  # stretched, blown out
        view = (view - low) / max(high - low, 20) * float(rng.uniform(150, 330)) + float(rng.uniform(-60, 30))
    if rng.random() < 0.3:
        view = 255 * np.clip(view / 255, 0, 1) ** float(rng.uniform(0.55, 1.7))
    if rng.random() < 0.55:
        sigma = float(rng.uniform(0.5, 1) ** 2 * rng.choice([2.5, 5.0, 9.0], p=[0.5, 0.35, 0.15]))
        view = view + rng.standard_normal(view.shape, np.float32) * sigma
    if rng.random() < 0.25:  # the sharpening of surveillance cameras
        view = view + (view - cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.7, 1.6)))) * float(
            rng.uniform(0.5, 2.0)
        )
    grey = np.clip(view, 0, 255).astype(np.uint8)
    if rng.random() < 0.65:
        quality = int(rng.uniform(18, 95)) if plate_width > 80 else int(rng.uniform(30, 95))
        done, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done:
            grey = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return grey


def degrade(picture: Grey, rng: np.random.Generator, severity: Severity | None = None) -> Grey:
    """Send a framed plate through the world, a camera and the rectification, once.

    Args:
        picture: what `framed` returns; it is left unchanged.
        rng: draws everything.
        severity: bounds, the usual ones by default.

    Returns:
        The reader's input, `READER_SHAPE`.
    """
    severity = severity or Severity()
    height, width = picture.shape
    plate_width = float(np.exp(rng.uniform(np.log(severity.smallest), np.log(severity.largest))))
    aspect = float(rng.uniform(1.7, 2.6))  # of the plate in the camera's picture; long plates are squeezed beforehand
    plate_height = plate_width / aspect
    page = picture.astype(np.float32)
    if rng.random() < 0.04:
        page = 255 - page
    page = _light(page, rng)

    # perspective: the camera's picture of the framed plate, tilted
    grown = 1 + 2 * MARGIN
    view_size = (max(16, round(plate_width * grown)), max(10, round(plate_height * grown)))
    if view_size[0] < width:
        page = cv2.resize(page, view_size, interpolation=cv2.INTER_AREA)
    is_crop = rng.random() < severity.crops
    tilt = 0.035 if is_crop else 0.10
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    moved = corners + rng.normal(0, 0.012, (4, 2)).astype(np.float32)
    shear = float(rng.normal(0, tilt))
    moved[:, 0] += (0.5 - corners[:, 1]) * float(rng.normal(0, tilt * 0.7))
    moved[:, 1] += (corners[:, 0] - 0.5) * shear
    if not is_crop:  # one side further away than the other
        far = float(abs(rng.normal(0, 0.08)))
        side = int(rng.integers(2))
        moved[[side, 3 - side], 1] += np.array([far, -far], np.float32)
    scale = np.array(view_size, np.float32)
    pad = 0.12 * scale
    canvas = (round(view_size[0] * 1.24), round(view_size[1] * 1.24))
    target = (moved * scale + pad).astype(np.float32)
    source = (corners * np.array([page.shape[1] - 1, page.shape[0] - 1], np.float32)).astype(np.float32)
    view = cv2.warpPerspective(page, cv2.getPerspectiveTransform(source, target), canvas, flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    grey = _sensor(np.asarray(view, np.float32), plate_width, rng)

    # the plate's corners in the camera's picture
    inset = MARGIN / grown
    ideal = inset + corners * (1 - 2 * inset)
    to_view = cv2.getPerspectiveTransform(corners, target)
    found = cv2.perspectiveTransform(ideal[None].astype(np.float32), to_view)[0]
    out_height, out_width = READER_SHAPE
    out_scale = np.array([out_width, out_height], np.float32)
    if is_crop:
        low, high = found.min(0), found.max(0)
        span = high - low
        low = low - span * rng.uniform(-0.04, 0.10, 2)
        high = high + span * rng.uniform(-0.04, 0.10, 2)
        found = np.array([low, [high[0], low[1]], high, [low[0], high[1]]], np.float32)
        goal = corners * out_scale
    else:
        span = found.max(0) - found.min(0)
        found = found + (rng.normal(0, 0.02, (4, 2)) + rng.normal(0, 0.02, 2)) * span
        goal = (READER_MARGIN + corners * (1 - 2 * READER_MARGIN)) * out_scale
    back = cv2.getPerspectiveTransform(found.astype(np.float32), goal.astype(np.float32))
    smooth = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
    if plate_width > out_width * 1.5:  # the device shrinks by area before it warps
        grey = np.asarray(cv2.blur(grey, (2, 2)), np.uint8)
    return np.asarray(
        cv2.warpPerspective(grey, back, (out_width, out_height), flags=smooth, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )
