"""Scenes without texture, as fog, darkness or an overexposed road leave them, where any faint rectangle stands out."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from platepost.models.scenes.panels import render_panel, render_tail
from platepost.models.scenes.paste import paste, project_corners, random_pose


def render_plain_scene(rng: np.random.Generator, *, height: int, width: int) -> NDArray[np.uint8]:
    """Draw bands of sky, wall and road, and before them backs of cars and bare panels; BGR [height, width, 3]."""
    level = float(rng.uniform(15, 220))
    scene = np.empty((height, width, 3), np.float32)
    edges = [0, *sorted(int(edge) for edge in rng.integers(0, height, rng.integers(0, 3))), height]
    for top, bottom in pairwise(edges):
        scene[top:bottom] = np.clip(level + rng.normal(0, 40), 5, 250)
    slope = np.linspace(-1, 1, width) * rng.normal(0, 12)
    scene += slope[None, :, None].astype(np.float32)
    drawn = np.clip(scene, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        _set(drawn, render_tail(rng), float(np.exp(rng.uniform(np.log(60), np.log(width * 0.9)))), rng)
    for _ in range(int(rng.integers(0, 3))):
        _set(drawn, render_panel(rng), float(np.exp(rng.uniform(np.log(16), np.log(200)))), rng)
    return drawn


def _set(scene: NDArray[np.uint8], thing: NDArray[np.uint8], across: float, rng: np.random.Generator) -> None:
    """Put a thing anywhere into the scene in place, in part outside of it too, near its light as often as not."""
    height, width = scene.shape[:2]
    centre = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
    aspect = thing.shape[1] / thing.shape[0]
    corners = project_corners(width=across, aspect=aspect, centre=centre, pose=random_pose(rng))
    if rng.random() < 0.5:  # as faint as what stands in the dark or in fog
        share, around = rng.uniform(0.15, 0.6), float(scene.mean())
        thing = np.clip(thing * share + around * (1 - share), 0, 255).astype(np.uint8)
    paste(scene, thing, corners, blur=float(rng.choice([0.0, rng.uniform(0.3, 0.9)])))
