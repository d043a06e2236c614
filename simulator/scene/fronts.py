"""Fronts of approaching vehicles: lamps, grille, intake, shut lines, plate bracket, dirt.

No maker's likeness is meant.
"""

import numpy as np

from platepost.simulator.scene.noise import smooth, tile
from platepost.simulator.scene.shapes import Shape
from platepost.simulator.scene.skin import CHROME, GAP, PLASTIC, Mask, Point, Skin, Surface, mirrored

_REFLECTOR = Surface((0.30, 0.31, 0.33), coat=0.7, mirror=0.45, retro=0.25)
_BEZEL = Surface((0.05, 0.052, 0.056), coat=1.0, mirror=0.12, retro=0.05)
_LENS = Surface((0.55, 0.58, 0.62), coat=1.0, mirror=0.3, lamp=1.0, retro=0.3)
_AMBER = Surface((0.55, 0.18, 0.02), coat=0.8, retro=0.3)


def _both(skin: Skin, points: list[Point], *, rounding: float) -> Mask:
    return np.maximum(skin.polygon(points, rounding=rounding), skin.polygon(mirrored(points), rounding=rounding))


def _lamps(skin: Skin, body: Shape, rng: np.random.Generator, daylight: float) -> float:
    """Draw both headlamps; returns the x of their inner ends."""
    wide, nose = body.half_width, body.nose
    tall = {"pickup": 0.24, "suv": 0.18, "van": 0.20}.get(body.name, 0.16) * rng.uniform(0.85, 1.15)
    inner = wide * rng.uniform(0.50, 0.58)
    outer = wide * 0.955
    style = rng.integers(3)
    top = nose - 0.035
    if body.name == "pickup" or style == 0:
        points = [(inner + 0.05, top), (outer, top + 0.01), (outer, top - tall), (inner + 0.08, top - tall)]
    elif style == 1:
        points = [
            (inner - 0.05, top - tall * 0.55),
            (inner + 0.02, top - tall * 0.25),
            (outer - 0.02, top + 0.03),
            (outer, top - tall * 0.35),
            (inner + 0.12, top - tall),
        ]
    else:
        points = [
            (inner, top - tall * 0.15),
            (outer, top + 0.025),
            (outer, top - tall * 0.75),
            (inner + 0.12, top - tall),
            (inner + 0.02, top - tall * 0.8),
        ]
    outline = _both(skin, points, rounding=0.035)
    skin.lay(_both(skin, [(x, y) for x, y in points], rounding=0.055), GAP, depth=0.003)
    skin.lay(outline, _BEZEL, depth=-0.004)
    middle = top - tall * 0.48
    radius = tall * 0.34
    spots = [inner + 0.13, outer - 0.11] if rng.random() < 0.65 else [(inner + outer) / 2 + 0.04]
    amber = rng.random() < 0.4
    for side in (-1, 1):
        for number, spot in enumerate(spots):
            ring = skin.oval((side * spot, middle), (radius * 1.25, radius * 1.15)) * outline
            skin.lay(ring, _REFLECTOR, depth=0.01)
            lamp = daylight if number == len(spots) - 1 else daylight * 0.25
            bulb = Surface(_LENS.color, _LENS.coat, _LENS.mirror, lamp, _LENS.retro)
            skin.lay(skin.oval((side * spot, middle), (radius * 0.75, radius * 0.72)) * outline, bulb, depth=-0.008)
            skin.lay(
                skin.oval((side * spot, middle), (radius * 0.45, radius * 0.42)) * outline,
                Surface((0.10, 0.11, 0.13), coat=1.0, mirror=0.2, lamp=lamp),
            )
        if amber:
            corner = skin.oval((side * (outer - 0.01), top - tall * 0.38), (0.03, tall * 0.26)) * outline
            skin.lay(corner * 0.8, _AMBER)
    if rng.random() < 0.5:
        strip = [
            (inner + 0.06, top - tall * 0.92),
            (outer - 0.03, top - tall * 0.62),
            (outer - 0.03, top - tall * 0.72),
            (inner + 0.08, top - tall * 1.0),
        ]
        skin.lay(_both(skin, strip, rounding=0.01) * outline, Surface((0.6, 0.6, 0.6), coat=0.6, lamp=daylight * 0.8))
    return inner


def _grille(skin: Skin, body: Shape, rng: np.random.Generator, inner: float) -> tuple[float, float]:
    """Draw grille and badge; returns its lower and upper edge."""
    tall = {"pickup": 0.36, "suv": 0.25, "van": 0.16}.get(body.name, rng.choice([0.11, 0.15, 0.24])) * rng.uniform(
        0.9, 1.1
    )
    top = body.nose - 0.06
    half = inner - 0.035
    low = top - tall
    pinch = rng.uniform(0.70, 1.0)
    points = [
        (-half, top),
        (half, top),
        (half * 0.98, top - tall * 0.35),
        (half * pinch, low),
        (-half * pinch, low),
        (-half * 0.98, top - tall * 0.35),
    ]
    mouth = skin.polygon(points, rounding=0.05)
    rim = rng.random()
    frame = skin.polygon([(x * 1.04, y + (0.016 if y > top - 0.02 else -0.016)) for x, y in points], rounding=0.06)
    skin.lay(frame, CHROME if rim < 0.6 else PLASTIC, depth=-0.006)
    skin.lay(mouth, GAP, depth=0.02)
    bars = rng.integers(3)
    bright = CHROME if rng.random() < 0.5 else Surface((0.05, 0.05, 0.055), coat=0.5, mirror=0.1)
    if bars == 0:
        for y in np.linspace(low, top, max(int(tall / 0.045), 2) + 2)[1:-1]:
            skin.lay(skin.line([(-half, y), (half, y)], 0.012) * mouth, bright, depth=-0.008)
    elif bars == 1:
        weave = (
            np.sin((skin.x + skin.y) * 2 * np.pi / 0.034) * np.sin((skin.x - skin.y) * 2 * np.pi / 0.034) > 0.12
        ).astype(np.float32)
        skin.lay(mouth * (1 - weave) * 0.8, Surface((0.03, 0.03, 0.032), coat=0.4, mirror=0.05))
    else:
        for x in np.linspace(-half, half, 22):
            skin.lay(skin.line([(x, low), (x, top)], 0.009) * mouth, bright, depth=-0.008)
    if body.name == "pickup" or rng.random() < 0.35:
        y = (low + top) / 2
        skin.lay(
            skin.polygon([(-half, y - 0.02), (half, y - 0.02), (half, y + 0.02), (-half, y + 0.02)]) * mouth,
            CHROME,
            depth=-0.02,
        )
    badge = 0.05 if tall < 0.2 else 0.065
    center = (0.0, max((low + top) / 2, top - 0.12))
    _badge(skin, center, badge, int(rng.integers(4)))
    return low, top


def _badge(skin: Skin, center: Point, size: float, style: int) -> None:
    """Draw an invented maker's sign: shield, wing, lozenge or a plain disc."""
    x, y = center
    if style == 0:
        sign = [(-0.8, 0.7), (0.8, 0.7), (0.75, -0.1), (0, -0.9), (-0.75, -0.1)]
    elif style == 1:
        sign = [(-2.0, 0.25), (0, 0.5), (2.0, 0.25), (0.3, -0.4), (-0.3, -0.4)]
    elif style == 2:
        sign = [(0, 0.9), (0.7, 0), (0, -0.9), (-0.7, 0)]
    else:
        skin.lay(skin.oval(center, (size * 0.9, size * 0.8)), CHROME, depth=-0.01)
        skin.lay(skin.oval(center, (size * 0.6, size * 0.5)), Surface((0.10, 0.02, 0.02), coat=0.8))
        return
    skin.lay(skin.polygon([(x + a * size, y + b * size) for a, b in sign], rounding=0.008), CHROME, depth=-0.01)
    inner = [(x + a * size * 0.62, y + b * size * 0.55) for a, b in sign]
    skin.lay(skin.polygon(inner, rounding=0.006), Surface((0.03, 0.035, 0.05), coat=0.8, mirror=0.1))


def _intake(skin: Skin, body: Shape, rng: np.random.Generator) -> None:
    wide = body.half_width
    low, top = 0.235, min(0.40, body.nose - 0.38)
    half = wide * rng.uniform(0.55, 0.66)
    mouth = skin.polygon([(-half, low), (half, low), (half * 0.9, top), (-half * 0.9, top)], rounding=0.05)
    skin.lay(mouth, GAP, depth=0.02)
    weave = (np.sin(skin.x * 2 * np.pi / 0.05) * np.sin(skin.y * 2 * np.pi / 0.035) > 0).astype(np.float32)
    skin.lay(mouth * weave * 0.6, Surface((0.02, 0.02, 0.02), coat=0.2))
    style = int(rng.integers(3))
    slim = style == 1
    pocket = [
        (wide * (0.84 if slim else 0.70), top + (0.08 if slim else 0.03)),
        (wide * 0.93, top + (0.12 if slim else 0.07)),
        (wide * 0.92, low + 0.03),
        (wide * (0.80 if slim else 0.73), low + 0.03),
    ]
    if style < 2:
        skin.lay(_both(skin, pocket, rounding=0.03 if slim else 0.05), PLASTIC, depth=0.02, edge=0.012)
    if not slim:
        for side in (-1, 1):
            center = (side * wide * 0.815, (low + top) / 2 + 0.03)
            skin.lay(skin.oval(center, (0.052, 0.048)), CHROME)
            skin.lay(skin.oval(center, (0.044, 0.040)), Surface((0.35, 0.36, 0.38), coat=1.0, mirror=0.3, retro=0.2))
    lip = skin.polygon(
        [(-wide, 0.0), (wide, 0.0), (wide, 0.205), (wide * 0.6, 0.225), (-wide * 0.6, 0.225), (-wide, 0.205)],
        rounding=0.02,
    )
    skin.lay(lip, PLASTIC)


def _lines(skin: Skin, body: Shape, rng: np.random.Generator) -> None:
    """Shut lines and creases of bonnet and bumper."""
    wide, nose, cowl = body.half_width, body.nose, body.cowl
    xs = np.linspace(-1, 1, 41)
    shut = np.stack([xs * wide * 0.78, nose + 0.012 - 0.02 * np.abs(xs) ** 3], axis=1)
    skin.lay(skin.line(shut, 0.007), GAP, depth=0.004)
    for side in (-1, 1):
        edge = [(side * wide * 0.78, nose - 0.01), (side * wide * 0.83, nose + 0.06), (side * wide * 0.82, cowl)]
        skin.lay(skin.line(edge, 0.006), GAP, depth=0.004)
        inset = rng.uniform(0.45, 0.62)
        skin.crease(
            [(side * wide * inset, nose + 0.01), (side * wide * (inset + 0.12), cowl)],
            height=rng.uniform(0.010, 0.022),
            wide=0.035,
        )
        seam = [(side * wide * 0.96, nose - 0.20), (side * wide * 1.0, nose - 0.22)]
        skin.lay(skin.line(seam, 0.005), GAP)
    level = nose - rng.uniform(0.24, 0.30)
    skin.crease(np.stack([xs * wide, level - 0.03 * np.abs(xs) ** 2], axis=1), height=0.006, wide=0.02)
    skin.crease([(-wide, 0.42), (-wide * 0.6, 0.44), (wide * 0.6, 0.44), (wide, 0.42)], height=0.006, wide=0.025)


def paint_front(skin: Skin, body: Shape, rng: np.random.Generator, *, lit: float) -> float:
    """Draw the front; `lit` is the share of full light of its lamps. Returns the height of the plate's middle."""
    _lines(skin, body, rng)
    _intake(skin, body, rng)
    inner = _lamps(skin, body, rng, lit)
    low, _ = _grille(skin, body, rng, inner)
    middle = float(np.clip(low - 0.115, 0.36, 0.64))
    bracket = skin.polygon(
        [(-0.165, middle - 0.09), (0.165, middle - 0.09), (0.165, middle + 0.09), (-0.165, middle + 0.09)],
        rounding=0.015,
    )
    skin.lay(bracket, PLASTIC, depth=-0.006)
    return middle


def dirt(skin: Skin, rng: np.random.Generator, amount: float) -> None:
    """Road dust, thickest low down, in streaks and clouds."""
    cloud = tile(rng, size=1024, grain=40, octaves=4)
    field = np.tile(cloud, (2, 2))[: skin.height, : skin.width]
    cover = np.clip(smooth(skin.y, 0.75, 0.12) * (0.55 + 0.35 * field), 0, 1) * amount
    skin.lay(np.asarray(cover, np.float32), Surface((0.20, 0.17, 0.13)))
