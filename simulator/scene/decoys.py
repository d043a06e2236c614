"""Decoys: what bears lettering and no plate. A sign on a pole, a sticker or a firm's name on a vehicle, a shirt."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from platepost.simulator.scene.description import Decoy
from platepost.simulator.scene.shapes import BLACK, METAL, PAINT, SKIN, Mesh, Shape, box, join, pod
from platepost.simulator.scene.skin import Skin, Surface
from platepost.simulator.scene.vehicles import PAINTS, Vehicle, make_vehicle, mounted

_LETTER_PIXELS: Final = 96
_COMPLEXION: Final = ((0.50, 0.33, 0.24), (0.30, 0.17, 0.10), (0.12, 0.06, 0.035))
_GROUNDS: Final = {"white": (235, 235, 235), "yellow": (230, 170, 20), "green": (15, 95, 60), "black": (25, 25, 25)}


def lettering(rng: np.random.Generator, text: str, *, ground: bool) -> NDArray[np.uint8]:
    """Draw lines of text as RGBA with square roots of linear light; without a ground, the letters alone are opaque."""
    font = ImageFont.load_default(_LETTER_PIXELS)
    weight, gap = int(rng.integers(0, 5)), float(rng.uniform(0.0, 0.12)) * _LETTER_PIXELS
    lines = text.split("\n")
    wide = [sum(font.getlength(letter) + gap for letter in line) for line in lines]
    edge, step = _LETTER_PIXELS // 3, round(_LETTER_PIXELS * 1.2)
    back = _GROUNDS[str(rng.choice(sorted(_GROUNDS)))]
    ink = (20, 20, 30) if sum(back) > 300 else (235, 235, 235)
    size = (round(max(wide)) + 2 * edge, step * len(lines) + edge)
    drawn = Image.new("RGBA", size, (*(back if ground else ink), 255 if ground else 0))
    pen = ImageDraw.Draw(drawn)
    for number, (line, reach) in enumerate(zip(lines, wide, strict=True)):
        x = (size[0] - reach) / 2
        for letter in line:
            pen.text((x, edge / 4 + step * number), letter, (*ink, 255), font, stroke_width=weight)
            x += font.getlength(letter) + gap
    return np.array(drawn, np.uint8)


def make_decoy(rng: np.random.Generator, decoy: Decoy, *, lit: float) -> Vehicle:
    """Draw a decoy, in a vehicle's place."""
    if decoy.kind == "sticker":
        return _stuck(rng, decoy, lit)
    picture = lettering(rng, decoy.text, ground=decoy.kind == "sign")
    if decoy.kind == "sign":
        wide = float(rng.uniform(0.35, 0.75))
        middle, bearer = float(rng.uniform(1.2, 1.6)), box((-0.03, 0.0, 0.05), (0.03, 1.9, 0.05), METAL)
        front, tone, height = 0.03, PAINTS["gray"][0], 1.9
    else:
        wide, middle = float(rng.uniform(0.22, 0.34)), float(rng.uniform(1.24, 1.34))
        bearer, front, height = _walker(), -0.16, 1.8
        dark = picture[..., :3].max() < 100
        tone = PAINTS[str(rng.choice(["white", "silver", "beige"] if dark else ["black", "navy", "maroon", "green"]))][
            0
        ]
    size = (wide, wide * picture.shape[0] / picture.shape[1])
    skin = Skin(height + 0.06, Surface(_COMPLEXION[int(rng.integers(len(_COMPLEXION)))]))
    outline = ((0.0, 0.0, 0.0), (0.0, height, 0.0), (0.4, height, 0.0), (0.4, 0.0, 0.0))
    form = Shape(decoy.kind, 0.25, height, height, height, height, outline, 0.1, (0.1, 0.3), 0.0, 0.0)
    corners = mounted(rng, (0.0, middle, front), size)
    return Vehicle(form, bearer, skin, tone, 0.0, 0.1, picture, decoy.kind == "sign", corners, (0, 0, 0))


def _stuck(rng: np.random.Generator, decoy: Decoy, lit: float) -> Vehicle:
    """Put lettering on a vehicle that has no plate: a sticker, or a firm's name as wide as its back."""
    vehicle = make_vehicle(
        rng, body=decoy.body, paint=decoy.paint, text="AA", design="us_plain",
        receding=decoy.direction == "receding", lit=lit, dirt=decoy.dirt,
    )  # fmt: skip
    picture = lettering(rng, decoy.text, ground=bool(rng.random() < 0.6))
    wide = float(rng.choice([rng.uniform(0.2, 0.4), rng.uniform(0.5, 0.9)]))
    high = wide * picture.shape[0] / picture.shape[1]
    across = float(rng.uniform(-0.7, 0.7)) * max(vehicle.body.half_width - wide / 2 - 0.1, 0.0)
    up = float(rng.uniform(0.5, max(0.52, vehicle.body.nose - high / 2)))
    points = vehicle.mesh.vertices[vehicle.mesh.vertices[:, 8] == SKIN]
    near = points[(np.abs(points[:, 0] - across) < wide / 2 + 0.05) & (np.abs(points[:, 1] - up) < high / 2 + 0.05)]
    front = float(near[:, 2].min()) if len(near) else 0.0
    corners = mounted(rng, (across, up, front - 0.02), (wide, high))
    return replace(vehicle, plate=picture, retroreflective=False, plate_corners=corners)


def _walker() -> Mesh:
    """Give someone on foot: a shirt in the paint, dark legs, a head in the skin's color."""
    limbs = [pod((side * 0.10, 0.42, 0.0), (0.09, 0.45, 0.10), BLACK) for side in (-1, 1)]
    arms = [pod((side * 0.26, 1.15, 0.02), (0.07, 0.32, 0.08), PAINT) for side in (-1, 1)]
    return join(
        [*limbs, *arms, pod((0, 1.17, 0), (0.24, 0.36, 0.14), PAINT), pod((0, 1.66, 0), (0.1, 0.14, 0.12), SKIN)]
    )
