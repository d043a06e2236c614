"""One vehicle ready to be drawn: its mesh, its painted skin, its plate."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.models.plates import render_plate
from platepost.simulator.scene import fronts, glazing, rears
from platepost.simulator.scene.shapes import Mesh, Shape, build, shape
from platepost.simulator.scene.skin import Skin, Surface

PLATE_WIDE, PLATE_HIGH = 0.3048, 0.1524  # meters: 12 x 6 inches, SAE J686
_PLATE_PIXELS = 224  # height of the drawn plate; the post never sees a third of it

# Linear colors and metallic sparkle; weights follow what one meets on a Californian street.
PAINTS: dict[str, tuple[tuple[float, float, float], float]] = {
    "white": ((0.72, 0.72, 0.70), 0.0),
    "pearl": ((0.60, 0.59, 0.55), 0.25),
    "silver": ((0.36, 0.37, 0.38), 0.55),
    "gray": ((0.10, 0.105, 0.11), 0.5),
    "black": ((0.008, 0.008, 0.009), 0.25),
    "blue": ((0.018, 0.045, 0.14), 0.45),
    "navy": ((0.010, 0.016, 0.045), 0.4),
    "red": ((0.26, 0.013, 0.012), 0.25),
    "maroon": ((0.07, 0.010, 0.014), 0.35),
    "green": ((0.020, 0.050, 0.032), 0.35),
    "beige": ((0.33, 0.27, 0.19), 0.4),
    "bronze": ((0.13, 0.09, 0.055), 0.5),
}


@dataclass(frozen=True)
class Vehicle:
    """Everything about one vehicle that does not change while it passes."""

    body: Shape
    mesh: Mesh
    skin: Skin
    paint: tuple[float, float, float]
    flake: float
    coat: float
    plate: NDArray[np.uint8]  # RGBA, rows from the top, square roots of linear light
    retroreflective: bool
    plate_corners: NDArray[np.float64]  # 4 x 3, own axes: top left, top right, bottom right, bottom left as seen
    lamp_tint: tuple[float, float, float]


def _plate_corners(mesh: Mesh, middle: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Where the plate sits: flat before the skin at its height, leaning and rolled by little."""
    points = mesh.vertices[mesh.vertices[:, 8] == 0]
    near = points[(np.abs(points[:, 0]) < 0.2) & (np.abs(points[:, 1] - middle) < 0.1)]
    front = float(near[:, 2].min()) if len(near) else 0.0
    corners = mounted(rng, (0.0, middle, front - 0.028), (PLATE_WIDE, PLATE_HIGH))
    return np.asarray(corners + np.array([rng.normal(0, 0.006), 0, 0]))


def mounted(rng: np.random.Generator, at: tuple[float, float, float], size: tuple[float, float]) -> NDArray[np.float64]:
    """Give the corners of a sheet whose middle is at a place, leaning, rolled and turned by little."""
    lean, roll, turn = rng.normal(0.02, 0.03), rng.normal(0, 0.008), rng.normal(0, 0.015)
    wide, high = size[0] / 2, size[1] / 2
    flat = np.array([[-wide, high, 0], [wide, high, 0], [wide, -high, 0], [-wide, -high, 0]], np.float64)
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    return np.asarray(flat @ (about_z @ about_x @ about_y).T + at)


def plate_picture(rng: np.random.Generator, text: str, design: str) -> tuple[NDArray[np.uint8], bool]:
    """Give the plate as RGBA with square roots of linear light, and whether its ground is retro-reflective."""
    drawn = render_plate(rng, text=text, design=design, height=_PLATE_PIXELS)
    linear = (cv2.cvtColor(drawn.image, cv2.COLOR_BGR2RGB).astype(np.float32) / 255) ** 2.2 * 0.82
    picture = np.dstack([np.sqrt(linear) * 255, drawn.mask.astype(np.float32)])
    return np.asarray(np.round(picture), np.uint8), drawn.retroreflective


def make_vehicle(
    rng: np.random.Generator, *, body: str, paint: str, text: str, design: str, receding: bool, lit: float, dirt: float
) -> Vehicle:
    """Draw a vehicle of `BODIES` in a paint of `PAINTS` with a plate."""
    form = shape(body, receding=receding)
    tone, flake = PAINTS[paint]
    level, warm = rng.uniform(0.85, 1.12), rng.uniform(-0.025, 0.025)
    tone = (tone[0] * level * (1 + warm), tone[1] * level, tone[2] * level * (1 - warm))
    coat = float(rng.uniform(0.72, 0.86))
    skin = Skin(form.height + 0.06, Surface(tone, coat=coat))
    glazing.paint_glazing(skin, form, rng, receding=receding)
    draw = rears.paint_rear if receding else fronts.paint_front
    middle = draw(skin, form, rng, lit=lit)
    fronts.dirt(skin, rng, dirt)
    mesh = build(form)
    plate, retroreflective = plate_picture(rng, text, design)
    white = (1.0, 0.98, 0.95) if rng.random() < 0.5 else (1.0, 0.86, 0.62)
    tint = (1.0, 0.05, 0.04) if receding else white
    corners = _plate_corners(mesh, middle, rng)
    return Vehicle(form, mesh, skin, tone, flake, coat, plate, retroreflective, corners, tint)
