"""Change the light, the sharpness and the noise of a gray training window as cameras do."""

import cv2
import numpy as np
from numpy.typing import NDArray

GRAY = np.array([0.114, 0.587, 0.299], np.float32)
"""BGR to gray, ITU-R BT.601, as cv2.cvtColor does and as the device sees."""


def to_gray(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn BGR [H, W, 3] into gray [H, W]: mostly as the device does, now and then with other weights."""
    weights = GRAY
    if rng.random() < 0.35:
        weights = rng.dirichlet([0.7, 1.2, 1.2]).astype(np.float32)
    return cv2.transform(pixels, weights[None])  # type: ignore[return-value]


def disturb(gray: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the window [H, W] with random gamma, contrast, blur, noise and JPEG; half of the windows change little."""
    strength = 0.4 if rng.random() < 0.5 else 1.0
    gray = _tone(gray, rng, strength)
    if rng.random() < 0.25 * strength:
        gray = _shade(gray, rng)
    if rng.random() < 0.4 * strength:
        gray = _blur(gray, rng)
    if rng.random() < 0.6 * strength:
        sigma = rng.uniform(1, 9) * strength
        noise = np.empty(gray.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(2**31)))
        cv2.randn(noise, np.zeros(1), np.full(1, sigma))
        gray = np.clip(gray + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3 * strength:
        quality = int(rng.integers(30, 90))
        packed = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return gray


def _tone(gray: NDArray[np.uint8], rng: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    levels = np.arange(256, dtype=np.float32) / 255
    if rng.random() < 0.1:  # night: little light, or infrared that only the reflecting plate sends back
        levels = levels ** rng.uniform(1.2, 2.2)
    levels = levels ** np.exp(rng.normal(0, 0.28 * strength))
    contrast, middle = np.exp(rng.normal(0, 0.18 * strength)), rng.uniform(0.3, 0.7)
    levels = (levels - middle) * contrast + middle + rng.normal(0, 0.08 * strength)
    if rng.random() < 0.01:
        levels = 1 - levels
    table = (np.clip(levels, 0, 1) * 255).astype(np.uint8)
    return cv2.LUT(gray, table)  # type: ignore[return-value]


def _shade(gray: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light from a side, or the hard edge of a shadow."""
    height, width = gray.shape
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None] * np.float32(np.cos(angle))
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    edge = np.float32(1 / rng.uniform(0.02, 1.5))
    factor = 1 - rng.uniform(0.2, 0.6) / (1 + np.exp(-np.clip((x + y - rng.uniform(-0.5, 0.5)) * 4 * edge, -30, 30)))
    return (gray * factor).astype(np.uint8)


def _blur(gray: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.6:
        return cv2.GaussianBlur(gray, (0, 0), rng.uniform(0.3, 1.3))  # type: ignore[return-value]
    length = int(rng.integers(2, 6))
    kernel = np.zeros((length * 2 + 1, length * 2 + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    end = (length + length * np.cos(angle) * 0.5, length + length * np.sin(angle) * 0.5)
    start = (2 * length - end[0], 2 * length - end[1])
    cv2.line(kernel, tuple(map(round, start)), tuple(map(round, end)), 1.0, 1, cv2.LINE_AA)
    return cv2.filter2D(gray, -1, kernel / max(float(kernel.sum()), 1e-3))  # type: ignore[return-value]
