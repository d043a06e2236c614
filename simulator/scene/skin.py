"""The painted skin of a vehicle's near end, drawn as its front or rear elevation in meters."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

DENSITY = 560.0  # pixels a meter: finer than the post ever sees a vehicle
REACH = 1.12  # meters from the middle to the picture's edge

Mask = NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """What a patch is made of: linear color, clear coat, share of mirror, light given off, light sent back."""

    color: tuple[float, float, float]
    coat: float = 0.0
    mirror: float = 0.0
    lamp: float = 0.0
    retro: float = 0.0


PLASTIC = Surface((0.018, 0.018, 0.019), coat=0.12)
GAP = Surface((0.006, 0.006, 0.006))
CHROME = Surface((0.75, 0.76, 0.78), coat=0.0, mirror=0.9)
GLASS = Surface((0.012, 0.013, 0.014), coat=1.0)


class Skin:
    """Layers over x in [-REACH, REACH] and y in [0, top]: color, surface and height."""

    def __init__(self, top: float, base: Surface) -> None:
        self.top = top
        self.width, self.height = int(2 * REACH * DENSITY), int(top * DENSITY)
        shape = (self.height, self.width)
        self.color = np.empty((*shape, 3), np.float32)
        self.color[:] = base.color
        self.finish = np.empty((*shape, 4), np.float32)  # coat, mirror, lamp, retro
        self.finish[:] = (base.coat, base.mirror, base.lamp, base.retro)
        self.relief = np.zeros(shape, np.float32)  # meters outwards
        rows, columns = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        self.x = (columns + 0.5) / DENSITY - REACH
        self.y = top - (rows + 0.5) / DENSITY

    def pixels(self, points: Sequence[Point] | NDArray[np.floating]) -> NDArray[np.int32]:
        """Points in meters as OpenCV's fixed-point pixels (4 fractional bits)."""
        placed = np.asarray(points, np.float64)
        across, down = (placed[:, 0] + REACH) * DENSITY - 0.5, (self.top - placed[:, 1]) * DENSITY - 0.5
        return np.round(np.stack([across, down], axis=1) * 16).astype(np.int32)

    def polygon(self, points: Sequence[Point] | NDArray[np.floating], *, rounding: float = 0.0) -> Mask:
        """Cover of a filled polygon, its corners rounded to about `rounding` meters."""
        drawn = np.zeros((self.height, self.width), np.uint8)
        pixels = self.pixels(points)
        cv2.fillPoly(drawn, [pixels], 255, cv2.LINE_AA, 4)
        cover = np.zeros((self.height, self.width), np.float32)
        window = self._window(pixels / 16, rounding * DENSITY * 2 + 2)
        if rounding > 0:
            soft = cv2.GaussianBlur(drawn[window], (0, 0), rounding * DENSITY / 2)
            cover[window] = np.clip((soft.astype(np.float32) - 127.5) / 24 + 0.5, 0, 1)
        else:
            cover[window] = drawn[window].astype(np.float32) / 255
        return np.asarray(cover, np.float32)

    def _window(self, pixels: NDArray[np.floating], margin: float) -> tuple[slice, slice]:
        """Give the part of the picture that holds the pixels (x, y) and a margin."""
        low = np.floor(pixels.min(axis=0) - margin).astype(int)
        high = np.ceil(pixels.max(axis=0) + margin).astype(int) + 1
        across = slice(int(np.clip(low[0], 0, self.width)), int(np.clip(high[0], 0, self.width)))
        return slice(int(np.clip(low[1], 0, self.height)), int(np.clip(high[1], 0, self.height))), across

    def line(self, points: Sequence[Point] | NDArray[np.floating], wide: float) -> Mask:
        """Cover of a line `wide` meters thick."""
        drawn = np.zeros((self.height, self.width), np.uint8)
        thick = max(round(wide * DENSITY), 1)
        cv2.polylines(drawn, [self.pixels(points)], False, 255, thick, cv2.LINE_AA, 4)
        return np.asarray(drawn / np.float32(255), np.float32)

    def oval(self, center: Point, radii: Point) -> Mask:
        """Cover of an ellipse."""
        corners = [(center[0] - radii[0], center[1] - radii[1]), (center[0] + radii[0], center[1] + radii[1])]
        window = self._window(self.pixels(corners) / 16, 3)
        distance = np.hypot((self.x[window] - center[0]) / radii[0], (self.y[window] - center[1]) / radii[1])
        cover = np.zeros((self.height, self.width), np.float32)
        cover[window] = np.clip((1 - distance) * min(radii) * DENSITY + 0.5, 0, 1)
        return np.asarray(cover, np.float32)

    def lay(self, mask: Mask, surface: Surface, *, depth: float = 0.0, edge: float = 0.006) -> None:
        """Cover with a surface that lies `depth` meters further in, over an edge of that width."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return
        margin = int(edge * DENSITY * 4) + 1
        window = (
            slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin),
            slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin),
        )
        share = mask[window][..., None]
        self.color[window] += share * (np.array(surface.color, np.float32) - self.color[window])
        finish = np.array([surface.coat, surface.mirror, surface.lamp, surface.retro], np.float32)
        self.finish[window] += share * (finish - self.finish[window])
        if depth:
            self.relief[window] -= depth * cv2.GaussianBlur(mask[window], (0, 0), edge * DENSITY)

    def shade(self, mask: Mask, factor: float) -> None:
        """Darken (factor < 1) or lighten what is there."""
        self.color *= 1 + (factor - 1) * mask[..., None]

    def crease(self, points: Sequence[Point] | NDArray[np.floating], *, height: float, wide: float) -> None:
        """Make a pressed line that stands out by `height`."""
        line = self.line(points, wide)
        window = self._window(self.pixels(points) / 16, wide * DENSITY * 5)
        self.relief[window] += height * cv2.GaussianBlur(line[window], (0, 0), wide * DENSITY)

    def normals(self) -> NDArray[np.uint8]:
        """Give the relief's slopes as bytes (128 = flat, 127 = a slope of 1)."""
        soft = cv2.GaussianBlur(self.relief, (0, 0), 1.2)
        slope_x = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.125) * DENSITY
        slope_y = -cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.125) * DENSITY
        both = np.clip(np.stack([slope_x, slope_y], axis=2), -1, 1)
        return np.asarray(np.round(128 + 127 * both), np.uint8)

    def bytes_color(self) -> NDArray[np.uint8]:
        """Give the color as square roots in bytes, which the shader squares again."""
        return np.asarray(np.round(255 * np.sqrt(np.clip(self.color, 0, 1))), np.uint8)

    def bytes_finish(self) -> NDArray[np.uint8]:
        """Coat, mirror, lamp and retro in bytes."""
        return np.asarray(np.round(255 * np.clip(self.finish, 0, 1)), np.uint8)


def mirrored(points: Sequence[Point]) -> list[Point]:
    """Give the same points on the other side of the vehicle."""
    return [(-x, y) for x, y in points]
