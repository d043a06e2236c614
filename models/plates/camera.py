"""What a camera makes of a view: blur, exposure, noise, sharpening, compression, in the camera's own pixels."""

import cv2
import numpy as np
import numpy.typing as npt

from platepost.models.plates.light import Level


def exposed(view: Level, plate_width: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Take the picture.

    Args:
        view: what falls on the lens, in the sensor's resolution.
        plate_width: of the plate in the picture, in pixels; it bounds the blur, because a plate that no one can read
            teaches nothing.
        rng: draws how good the camera and the light are.
    """
    stroke = plate_width / 60
    if rng.random() < 0.75:
        sigma = 0.3 + float(rng.uniform(0, 1.0) ** 1.5) * min(0.7 * stroke, 3.0)
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), sigma), np.float32)
    if rng.random() < 0.2:
        kernel = _motion(1 + float(rng.uniform(0, 1.7)) * stroke, float(rng.uniform(0, np.pi)))
        view = np.asarray(cv2.filter2D(view, -1, kernel), np.float32)
    view = _brightness(view, rng)
    if rng.random() < 0.55:
        contrast = min(1.0, float(view.max() - view.min()) / 120)
        sigma = contrast * float(rng.uniform(0.5, 1) ** 2 * rng.choice([2.5, 5.0, 9.0], p=[0.5, 0.35, 0.15]))
        view = view + rng.standard_normal(view.shape, np.float32) * np.float32(sigma)
    if rng.random() < 0.35:  # the sharpening of surveillance cameras
        soft = cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.7, 1.6)))
        view = np.asarray(view + (view - soft) * float(rng.uniform(0.5, 2.0)), np.float32)
    gray = np.clip(view, 0, 255).astype(np.uint8)
    kind = rng.random()
    if kind < 0.5:
        gray = _compressed(gray, int(rng.uniform(20, 95)))
    elif kind < 0.7:
        gray = _starved(gray, stroke, rng)
    return gray


def _motion(length: float, angle: float) -> Level:
    """Kernel of a straight movement of some pixels."""
    size = (int(np.ceil(length)) | 1) + 2
    kernel = np.zeros((size, size), np.float32)
    middle, half = size / 2 - 0.5, length / 2
    dx, dy = float(np.cos(angle)) * half, float(np.sin(angle)) * half
    one = (round((middle - dx) * 16), round((middle - dy) * 16))
    other = (round((middle + dx) * 16), round((middle + dy) * 16))
    cv2.line(kernel, one, other, 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(kernel / max(float(kernel.sum()), 1e-6), np.float32)


def _brightness(view: Level, rng: np.random.Generator) -> Level:
    low, high = (float(level) for level in np.percentile(view[::2, ::2], (2, 98)))
    kind = rng.random()
    if kind < 0.55:  # exposed somehow, as it comes
        view = view * np.float32(rng.uniform(0.55, 1.25)) + np.float32(rng.uniform(-15, 40))
    elif kind < 0.8:  # dark, or flat
        span = float(np.exp(rng.uniform(np.log(14), np.log(140))))
        view = (view - low) * np.float32(span / max(high - low, 20)) + np.float32(rng.uniform(4, 235 - span))
    else:  # stretched, blown out
        gain = float(rng.uniform(150, 330)) / max(high - low, 20)
        view = (view - low) * np.float32(gain) + np.float32(rng.uniform(-60, 30))
    if rng.random() < 0.3:
        view = np.asarray(255 * np.clip(view / 255, 0, 1) ** float(rng.uniform(0.55, 1.7)), np.float32)
    return view


def _starved(gray: npt.NDArray[np.uint8], stroke: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Compress as a recorder short of space does: hard, often twice and at another size, so that blocks are smeared."""
    low, high = (float(level) for level in np.percentile(gray[::2, ::2], (5, 95)))
    least = 9 if stroke > 1.6 and high - low > 90 else 16  # finer and fainter strokes are gone before
    if high - low < 45:
        return _compressed(gray, int(rng.uniform(50, 95)))
    if rng.random() < 0.5:
        factor = float(rng.uniform(0.75, 1.3))
        resized = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
        again = _compressed(np.asarray(resized, np.uint8), int(rng.uniform(least, 40)))
        gray = np.asarray(cv2.resize(again, gray.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        return _compressed(gray, int(rng.uniform(35, 95)))
    return _compressed(gray, int(rng.uniform(least, 30)))


def _compressed(gray: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    encoded, packed = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        return gray
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
