"""Vehicle bodies as meshes: a sheet over bumper, bonnet, screen, roof and tail, two flanks, wheels, mirrors.

A vehicle's own axes: x to the right as the post sees it, y up, z away from the post; the end that the post sees (the
front of an approaching vehicle, the rear of a receding one) lies at z = 0. Lengths in meters.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What the shader makes of a triangle, beside the two painted skins.
SKIN, FLANK, RUBBER, PAINT, BLACK, METAL = range(6)


@dataclass(frozen=True)
class Shape:
    """The measures of one body, seen from one end.

    `outline` runs as (z, y, rounding of its edges) from the near lip over the roof to the far one.
    """

    name: str
    half_width: float
    height: float
    nose: float
    cowl: float
    header: float
    outline: tuple[tuple[float, float, float], ...]
    tire: float
    axles: tuple[float, float]
    mirrors: float
    tuck: float

    @property
    def length(self) -> float:
        """From the near end to the far one."""
        return max(point[0] for point in self.outline)

    def silhouette(self, heights: Floats) -> Floats:
        """Half the width that the body shows at each height."""
        belt, wide = self.cowl, self.half_width
        ys = [0.12, 0.22, 0.45, belt - 0.25, belt - 0.02, belt + 0.06, self.height - 0.10, self.height]
        ws = [0.86, 0.955, 0.995, 1.0, 0.965, 0.92, 1 - self.tuck, 0.93 - self.tuck]
        return np.interp(heights, ys, np.array(ws) * wide)


@dataclass(frozen=True)
class Mesh:
    """Vertices (N x 9: position, normal, skin coordinates, material) and triangles (M x 3)."""

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]


def _front(name: str, **measures: float) -> Shape:
    """Approaching: nose, bonnet, screen, roof, tail."""
    nose, cowl, top, long = measures["nose"], measures["cowl"], measures["height"], measures["length"]
    bonnet, rake, tail = measures["bonnet"], measures["rake"], measures["tail"]
    outline = (
        (0.16, 0.17, 0.40),
        (0.03, 0.24, 0.46),
        (0.00, nose - 0.28, 0.46),
        (0.05, nose - 0.08, 0.42),
        (0.13, nose + 0.005, 0.28),
        (0.30, nose + 0.055, 0.17),
        (bonnet * 0.6, nose + (cowl - nose) * 0.62, 0.15),
        (bonnet, cowl - 0.015, 0.12),
        (bonnet + 0.10, cowl + 0.02, 0.24),
        (bonnet + rake, top - 0.07, 0.22),
        (bonnet + rake + 0.30, top, 0.07),
        (long - tail - 0.3, top - 0.01, 0.07),
        (long - tail, top - 0.06, 0.10),
        (long - 0.15, cowl + 0.02, 0.2),
        (long, 0.6, 0.3),
        (long - 0.1, 0.25, 0.3),
    )
    return Shape(
        name, measures["width"] / 2, top, nose, cowl, top - 0.075, outline, measures["tire"],
        (measures["axle"], long - 0.9), bonnet + 0.35, measures["tuck"],
    )  # fmt: skip


def _rear(name: str, **measures: float) -> Shape:
    """Receding: bumper, boot or tailgate, rear window, roof, bonnet."""
    deck, cowl, top, long = measures["nose"], measures["cowl"], measures["height"], measures["length"]
    boot, rake = measures["boot"], measures["rake"]
    outline = (
        (0.14, 0.22, 0.30),
        (0.02, 0.30, 0.34),
        (0.00, 0.52, 0.34),
        (0.06, 0.60, 0.28),
        (0.09, deck - 0.12, 0.24),
        (0.12, deck, 0.20),
        (0.18 + boot * 0.3, deck + (cowl - deck) * 0.45, 0.10),
        (0.20 + boot, cowl, 0.12),
        (0.26 + boot, cowl + 0.03, 0.20),
        (0.26 + boot + rake, top - 0.07, 0.18),
        (0.26 + boot + rake + 0.25, top, 0.07),
        (long - 2.4, top - 0.01, 0.07),
        (long - 1.4, cowl + 0.02, 0.12),
        (long - 0.2, 0.75, 0.2),
        (long, 0.5, 0.3),
        (long - 0.1, 0.25, 0.3),
    )
    return Shape(
        name, measures["width"] / 2, top, deck, cowl, top - 0.075, outline, measures["tire"],
        (0.95, long - measures["axle"]), long - 1.75, measures["tuck"],
    )  # fmt: skip


_MEASURES: dict[str, dict[str, float]] = {
    "saloon": {"width": 1.83, "height": 1.45, "nose": 0.74, "cowl": 0.98, "length": 4.75, "bonnet": 1.20, "rake": 0.85,
               "tail": 1.2, "tire": 0.215, "axle": 0.92, "tuck": 0.31},
    "compact": {"width": 1.76, "height": 1.50, "nose": 0.76, "cowl": 1.00, "length": 4.20, "bonnet": 1.00, "rake": 0.90,
                "tail": 0.5, "tire": 0.205, "axle": 0.85, "tuck": 0.29},
    "suv": {"width": 1.90, "height": 1.70, "nose": 0.94, "cowl": 1.13, "length": 4.70, "bonnet": 1.10, "rake": 0.75,
            "tail": 0.4, "tire": 0.235, "axle": 0.92, "tuck": 0.26},
    "pickup": {"width": 2.03, "height": 1.90, "nose": 1.09, "cowl": 1.27, "length": 5.70, "bonnet": 1.35, "rake": 0.60,
               "tail": 2.0, "tire": 0.265, "axle": 0.95, "tuck": 0.22},
    "van": {"width": 1.99, "height": 1.76, "nose": 0.86, "cowl": 1.10, "length": 5.10, "bonnet": 0.85, "rake": 1.10,
            "tail": 0.3, "tire": 0.225, "axle": 0.95, "tuck": 0.25},
}  # fmt: skip
_REARS: dict[str, dict[str, float]] = {
    "saloon": {"nose": 1.00, "cowl": 1.06, "boot": 0.55, "rake": 0.75},
    "compact": {"nose": 0.92, "cowl": 0.97, "boot": 0.04, "rake": 0.35},
    "suv": {"nose": 1.08, "cowl": 1.12, "boot": 0.03, "rake": 0.28},
    "pickup": {"nose": 1.08, "cowl": 1.12, "boot": 1.70, "rake": 0.10},
    "van": {"nose": 1.05, "cowl": 1.09, "boot": 0.03, "rake": 0.20},
}
BODIES = tuple(_MEASURES)


def shape(body: str, *, receding: bool) -> Shape:
    """Give the measures of a body of `BODIES`, seen from the front, or from the rear if it recedes."""
    measures = _MEASURES[body]
    return _rear(body, **{**measures, **_REARS[body]}) if receding else _front(body, **measures)


def _spine(outline: Floats, *, spacing: float = 0.055, radius: float = 0.045) -> Floats:
    """Give the outline with its corners rounded to about `radius`, resampled evenly."""
    steps = np.r_[0, np.cumsum(np.hypot(*np.diff(outline[:, :2], axis=0).T))]
    fine = np.arange(0, steps[-1], 0.01)
    dense = np.stack([np.interp(fine, steps, column) for column in outline.T], axis=1)
    reach = int(radius * 3 / 0.01)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * 0.01 / radius) ** 2)
    padded = np.concatenate([np.repeat(dense[:1], reach, 0), dense, np.repeat(dense[-1:], reach, 0)])
    rounded = np.stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T], axis=1)
    picks = np.linspace(0, len(rounded) - 1, int(steps[-1] / spacing)).astype(int)
    return np.asarray(rounded[picks])


def _grid(points: Floats, uv: Floats, material: int, *, flip: bool = False) -> Mesh:
    """Make a mesh of a grid of points (rows x columns x 3) with smooth normals."""
    rows, columns = points.shape[:2]
    down, across = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normals = np.cross(down, across) if flip else np.cross(across, down)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True) + 1e-12
    kind = np.full((rows, columns, 1), material)
    vertices = np.concatenate([points, normals, uv, kind], axis=2).reshape(-1, 9)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32))


def join(meshes: list[Mesh]) -> Mesh:
    """All meshes as one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]).astype(np.int32),
    )


def _sheet(body: Shape, spine: Floats) -> tuple[Mesh, Floats]:
    """Everything from lip to lip, and the edge (z, y) that the flanks hang from."""
    tangent = np.gradient(spine[:, :2], axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    outward = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)  # (z, y), left of the way up and over
    spread = np.linspace(-1, 1, 45)
    across = np.sign(spread) * (1 - (1 - np.abs(spread)) ** 1.8)
    drop = 1 - (1 - np.minimum(np.abs(across), 1) ** 2.6) ** (1 / 2.6)
    offset = spine[:, 2:3] * drop
    z = spine[:, :1] - outward[:, :1] * offset
    y = spine[:, 1:2] - outward[:, 1:] * offset
    x = body.silhouette(y[:, -1])[:, None] * across
    points = np.stack([x, y, z], axis=2)
    return _grid(points, np.stack([x, y], axis=2), SKIN), np.stack([z[:, -1], y[:, -1]], axis=1)


def _flanks(body: Shape, edge: Floats) -> list[Mesh]:
    """Give the two sides: the silhouette drawn out along the body below the sheet's edge."""
    stations = np.linspace(edge[:, 0].min() + 0.02, edge[:, 0].max() - 0.02, 64)
    fine = np.linspace(0, len(edge) - 1, 2000)
    along, high = (np.interp(fine, np.arange(len(edge)), column) for column in edge.T)
    # The sheet's edge turns back on itself at bumpers: the flank hangs from the upper branch.
    tops = np.array([high[np.abs(along - station) < 0.03].max(initial=0.25) for station in stations])
    share = np.linspace(0, 1, 16)
    y = 0.2 + (tops[:, None] - 0.2) * share
    x = body.silhouette(y)
    z = np.repeat(stations[:, None], len(share), axis=1)
    uv = np.stack([z, y], axis=2)
    return [
        _grid(np.stack([-x, y, z], axis=2), uv, FLANK, flip=True),
        _grid(np.stack([x, y, z], axis=2), uv, FLANK),
    ]


def _wheel(x: float, z: float, *, radius: float, half: float) -> Mesh:
    """Make a tire across x: a barrel with rounded shoulders and a flat face."""
    turns = np.linspace(0, 2 * np.pi, 37)
    profile = np.array(
        [(-half, 0.0), (-half, 0.8), (-0.8 * half, 0.97), (0, 1.0), (0.8 * half, 0.97), (half, 0.8), (half, 0.0)]
    )
    points = np.stack(
        [
            np.repeat(x + profile[None, :, 0], len(turns), 0),
            radius + np.cos(turns)[:, None] * profile[None, :, 1] * radius,
            z + np.sin(turns)[:, None] * profile[None, :, 1] * radius,
        ],
        axis=2,
    )
    return _grid(points, np.zeros((*points.shape[:2], 2)), RUBBER, flip=True)


def pod(center: tuple[float, float, float], radii: tuple[float, float, float], material: int) -> Mesh:
    """Make a rounded pod: a mirror's housing."""
    around, over = np.meshgrid(np.linspace(0, 2 * np.pi, 21), np.linspace(0, np.pi, 11))

    def rounded(wave: Floats) -> Floats:
        return np.sign(wave) * np.abs(wave) ** 0.7

    x = center[0] + radii[0] * rounded(np.cos(around)) * rounded(np.sin(over))
    y = center[1] + radii[1] * rounded(np.cos(over))
    z = center[2] + radii[2] * rounded(np.sin(around)) * rounded(np.sin(over))
    return _grid(np.stack([x, y, z], axis=2), np.zeros((*x.shape, 2)), material, flip=True)


def box(low: tuple[float, float, float], high: tuple[float, float, float], material: int) -> Mesh:
    """Give the near face and the underside of a box: what is dark beneath a body."""
    x, y = np.meshgrid([low[0], high[0]], [low[1], high[1]])
    face = np.stack([x, y, np.full_like(x, low[2])], axis=2)
    return _grid(face, np.zeros((2, 2, 2)), material)


def build(body: Shape) -> Mesh:
    """Give the whole vehicle without its plate."""
    spine = _spine(np.array(body.outline))
    sheet, edge = _sheet(body, spine)
    parts = [sheet, *_flanks(body, edge)]
    radius = body.tire + 0.105
    for axle in body.axles:
        middle = body.half_width - body.tire * 0.55
        parts.extend(_wheel(side * middle, axle, radius=radius, half=body.tire * 0.5) for side in (-1, 1))
    parts.append(box((-body.half_width * 0.9, 0.2, 0.5), (body.half_width * 0.9, 0.5, 0.5), BLACK))
    for side in (-1, 1):
        center = (side * (body.half_width + 0.09), body.cowl + 0.06, body.mirrors)
        parts.append(pod(center, (0.12, 0.075, 0.06), PAINT))
    return join(parts)
