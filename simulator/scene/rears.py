"""Rears of receding vehicles: tail lamps, boot or tailgate, plate recess, bumper, exhaust."""

import numpy as np

from platepost.simulator.scene.shapes import Shape
from platepost.simulator.scene.skin import CHROME, GAP, PLASTIC, Point, Skin, Surface, mirrored

_WHITE = Surface((0.55, 0.55, 0.55), coat=0.8, mirror=0.15, retro=0.3)


def _tail_lamps(skin: Skin, body: Shape, rng: np.random.Generator, lit: float) -> None:
    wide = body.half_width
    red = Surface((0.35, 0.012, 0.015), coat=0.9, lamp=0.03 * lit, retro=0.55)
    bright = Surface((0.55, 0.03, 0.03), coat=0.9, lamp=0.22 * lit, retro=0.6)
    if body.name in {"pickup", "van"} or (body.name == "suv" and rng.random() < 0.4):
        top, low = body.nose - 0.02, body.nose - rng.uniform(0.36, 0.48)
        points = [(wide * 0.80, top), (wide * 0.975, top), (wide * 0.99, low), (wide * 0.82, low)]
    else:
        top = body.nose - rng.uniform(0.10, 0.15)
        low = top - rng.uniform(0.13, 0.19)
        inner = wide * rng.uniform(0.50, 0.62)
        points = [(inner, top - 0.02), (wide * 0.97, top + 0.03), (wide * 0.99, low + 0.03), (inner + 0.12, low)]
    for side in (points, mirrored(points)):
        skin.lay(skin.polygon(side, rounding=0.05), GAP, depth=0.003)
        outline = skin.polygon(side, rounding=0.035)
        skin.lay(outline, red, depth=-0.006)
        xs, ys = [p[0] for p in side], [p[1] for p in side]
        across, down = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        reach_x, reach_y = (max(xs) - min(xs)) / 2, (max(ys) - min(ys)) / 2
        skin.lay(skin.oval((across, down + reach_y * 0.3), (reach_x * 0.62, reach_y * 0.42)) * outline, bright)
        band: list[Point] = [
            (min(xs), down - reach_y * 0.5),
            (max(xs), down - reach_y * 0.5),
            (max(xs), down - reach_y * 0.15),
            (min(xs), down - reach_y * 0.15),
        ]
        inner_half = (
            np.asarray((np.abs(skin.x) < np.abs(across)), np.float32) if reach_x > reach_y else np.ones_like(skin.x)
        )
        skin.lay(skin.polygon(band) * outline * inner_half, _WHITE)


def paint_rear(skin: Skin, body: Shape, rng: np.random.Generator, *, lit: float) -> float:
    """Draw the rear; `lit` is the share of full light of its tail lamps. Returns the height of the plate's middle."""
    wide, deck = body.half_width, body.nose
    xs = np.linspace(-1, 1, 31)
    high = body.name in {"suv", "van", "compact"} or rng.random() < 0.55
    bumper = {"pickup": 0.60}.get(body.name, 0.62)
    middle = bumper + 0.18 if high else 0.44
    if body.name == "pickup":
        middle = 0.50
        skin.lay(
            skin.polygon([(-wide, 0.38), (wide, 0.38), (wide, 0.60), (-wide, 0.60)], rounding=0.03),
            CHROME,
            depth=-0.015,
        )
        skin.lay(
            skin.polygon([(-0.27, 0.38), (0.27, 0.38), (0.25, 0.60), (-0.25, 0.60)], rounding=0.03), PLASTIC, depth=0.01
        )
    skin.lay(skin.line(np.stack([xs * wide * 0.97, bumper + 0.015 * xs**2], axis=1), 0.008), GAP, depth=0.005)
    for side in (-1, 1):
        skin.lay(
            skin.line(
                [(side * wide * 0.70, bumper), (side * wide * 0.79, bumper + 0.08), (side * wide * 0.80, deck)], 0.007
            ),
            GAP,
            depth=0.005,
        )
        patch = [
            (side * wide * 0.62, 0.36),
            (side * wide * 0.86, 0.38),
            (side * wide * 0.86, 0.42),
            (side * wide * 0.62, 0.40),
        ]
        if body.name != "pickup":
            skin.lay(skin.polygon(patch, rounding=0.01), Surface((0.30, 0.01, 0.01), coat=0.8, retro=0.8))
    skin.crease(np.stack([xs * wide, np.full(31, bumper - 0.09)], axis=1), height=0.007, wide=0.025)
    skin.crease(np.stack([xs * wide * 0.8, deck - 0.10 + 0.02 * (1 - xs**2)], axis=1), height=0.008, wide=0.03)
    if body.name in {"suv", "compact", "van"} or rng.random() < 0.3:
        skin.lay(
            skin.polygon(
                [(-wide, 0), (wide, 0), (wide, 0.34), (wide * 0.7, 0.37), (-wide * 0.7, 0.37), (-wide, 0.34)],
                rounding=0.03,
            ),
            PLASTIC,
        )
    else:
        skin.lay(
            skin.polygon([(-wide * 0.6, 0), (wide * 0.6, 0), (wide * 0.55, 0.28), (-wide * 0.55, 0.28)], rounding=0.03),
            PLASTIC,
            depth=0.01,
        )
    _tail_lamps(skin, body, rng, lit)
    if high and body.name != "pickup":
        recess = [(-0.27, middle - 0.105), (0.27, middle - 0.105), (0.24, middle + 0.105), (-0.24, middle + 0.105)]
        mask = skin.polygon(recess, rounding=0.04)
        skin.shade(mask, 0.72)
        skin.relief -= 0.02 * mask
        bar = skin.polygon(
            [(-0.30, middle + 0.095), (0.30, middle + 0.095), (0.29, middle + 0.125), (-0.29, middle + 0.125)],
            rounding=0.015,
        )
        skin.lay(bar, CHROME if rng.random() < 0.6 else PLASTIC, depth=-0.01)
    badge = (0.0, min(middle + 0.20, deck - 0.06))
    shield = ((-0.05, 0.03), (0.05, 0.03), (0.04, -0.01), (0, -0.045), (-0.04, -0.01))
    sign = [(badge[0] + x, badge[1] + y) for x, y in shield]
    skin.lay(skin.polygon(sign, rounding=0.01), CHROME, depth=-0.006)
    for side in (-1, 1) if rng.random() < 0.4 else (1,):
        pipe = (side * wide * 0.62, 0.25)
        skin.lay(skin.oval(pipe, (0.045, 0.03)), CHROME)
        skin.lay(skin.oval(pipe, (0.036, 0.022)), GAP)
    return middle
