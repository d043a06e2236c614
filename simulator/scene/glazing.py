"""The window of a vehicle's near end and what shows through it."""

import cv2
import numpy as np

from platepost.simulator.scene.noise import smooth
from platepost.simulator.scene.shapes import Shape
from platepost.simulator.scene.skin import DENSITY, GAP, GLASS, PLASTIC, Mask, Skin, Surface


def _outline(body: Shape, low: float, high: float, pillar: float) -> list[tuple[float, float]]:
    heights = np.linspace(low, high, 12)
    halves = body.silhouette(heights) - pillar * (1 + 0.35 * (high - heights) / (high - low))
    right = list(zip(halves.tolist(), heights.tolist(), strict=True))
    return [*right, *[(-x, y) for x, y in reversed(right)]]


def paint_glazing(skin: Skin, body: Shape, rng: np.random.Generator, *, receding: bool) -> None:
    """Draw screen or rear window with its black border, the dark cabin, seats, a driver, wipers."""
    low, high = body.cowl + (0.03 if receding else 0.015), body.header
    pillar = 0.085
    window = skin.polygon(_outline(body, low, high, pillar), rounding=0.05)
    skin.lay(
        skin.polygon(_outline(body, low - 0.02, high + 0.015, pillar - 0.018), rounding=0.05), PLASTIC, depth=0.004
    )
    skin.lay(window, GLASS)
    inner = skin.polygon(_outline(body, low + 0.035, high - 0.03, pillar + 0.03), rounding=0.05)
    _cabin(skin, body, inner, rng, low=low, high=high, receding=receding)
    soft = cv2.GaussianBlur(skin.color, (0, 0), 0.014 * DENSITY)  # out of focus behind the glass
    skin.color += inner[..., None] * (soft * 0.62 - skin.color)
    if not receding:
        _cowl_and_wipers(skin, body, low)


def _cabin(
    skin: Skin, body: Shape, inner: Mask, rng: np.random.Generator, *, low: float, high: float, receding: bool
) -> None:
    tall = high - low
    level = (skin.y - low) / tall
    glow = 0.012 + 0.035 * smooth(level, 0.2, 1.0) * (0.6 if receding else 1.0)
    tint = np.array([0.95, 1.0, 1.0], np.float32)
    skin.color += inner[..., None] * (glow[..., None] * tint - skin.color)
    seat = Surface((0.035, 0.033, 0.032), coat=1.0)
    dark = Surface((0.008, 0.008, 0.008), coat=1.0)
    side = 0.37 * body.half_width / 0.92
    for center in (-side, side):
        skin.lay(inner * skin.oval((center, low + 0.42 * tall), (0.20, 0.30 * tall)), seat)
        skin.lay(inner * skin.oval((center, low + 0.74 * tall), (0.12, 0.13 * tall)), seat)
    # The driver of an approaching car with its wheel on the left sits to the post's right.
    people = [side] if rng.random() < 0.7 else [side, -side]
    for center in [-p for p in people] if receding else people:
        lean = center + rng.normal(0, 0.02)
        flesh = rng.uniform(0.03, 0.08) * (0.35 if receding else 1)
        skin.lay(
            inner * skin.oval((lean, low + 0.30 * tall), (0.22, 0.30 * tall)),
            Surface((0.015 + 0.03 * rng.random(),) * 3, coat=1.0),
        )
        skin.lay(
            inner * skin.oval((lean, low + 0.70 * tall), (0.075, 0.17 * tall)),
            Surface((flesh, flesh * 0.7, flesh * 0.55), coat=1.0),
        )
        skin.lay(inner * skin.oval((lean, low + 0.82 * tall), (0.08, 0.10 * tall)), dark)
    if receding:
        skin.lay(
            inner * skin.polygon([(-0.5, low), (0.5, low), (0.45, low + 0.10 * tall), (-0.45, low + 0.10 * tall)]), seat
        )
        skin.lay(inner * skin.oval((0, high - 0.05), (0.11, 0.012)), Surface((0.25, 0.01, 0.01), coat=0.6, lamp=0.02))
        return
    board = [
        (-0.8, low),
        (0.8, low),
        (0.7, low + 0.16 * tall),
        (side + 0.2, low + 0.24 * tall),
        (side - 0.2, low + 0.24 * tall),
        (-0.7, low + 0.16 * tall),
    ]
    skin.lay(inner * skin.polygon(board, rounding=0.03), Surface((0.028, 0.027, 0.026), coat=1.0))
    wheel = skin.oval((side, low + 0.22 * tall), (0.18, 0.24 * tall)) - skin.oval(
        (side, low + 0.22 * tall), (0.155, 0.20 * tall)
    )
    skin.lay(inner * np.clip(wheel, 0, 1), dark)
    skin.lay(inner * skin.oval((0.0, high - 0.10), (0.11, 0.035)), dark)
    # The blue-green band and the inspection of the sky through the far window.
    band = inner * smooth(level, 0.80, 1.0) * 0.5
    skin.color += band[..., None] * (np.array([0.03, 0.05, 0.06], np.float32) - skin.color)


def _cowl_and_wipers(skin: Skin, body: Shape, low: float) -> None:
    half = float(body.silhouette(np.array([low]))[0]) - 0.10
    skin.lay(
        skin.polygon(
            [(-half, low - 0.03), (half, low - 0.03), (half, low + 0.012), (-half, low + 0.012)], rounding=0.02
        ),
        PLASTIC,
    )
    for start, end in (((0.62, low + 0.02), (-0.02, low + 0.052)), ((-0.05, low + 0.02), (-0.62, low + 0.045))):
        skin.lay(skin.line([start, end], 0.014), GAP)
