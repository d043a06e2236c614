"""What is printed on the plates of one design: its layers, from the ground up, each a few numbers and words.

A layer is a list whose first entry is its kind; places and sizes are shares of the plate's width and height, colors are
`rrggbb`, or `rrggbb/40` for 40% of it over what lies below. `models/plates/states.toml` has those of the states:

| layer | what it paints |
|---|---|
| `ground KIND COLOR` | a ground of `platepost.models.plates.grounds` |
| `fade Y COLOR Y COLOR ...` | colors that run into one another from top to bottom |
| `box X Y X Y COLOR` | a rectangle |
| `words TEXTS X Y HEIGHT COLOR FAMILY WIDTH` | one of the texts, parted by bars, around a middle; WIDTH may be absent |
| `name ...` | the same; the issuer's name, which its special plates have in the same place |
| `area COLOR X Y X Y ...` | a filled outline |
| `line COLOR THICKNESS X Y ...` | an open line |
| `disc COLOR X Y RADIUS RADIUS`, `ring COLOR THICKNESS X Y RADIUS RADIUS` | an ellipse |
| `figure NAME X Y WIDTH HEIGHT COLOR` | a silhouette of `platepost.models.plates.figures` in a box around a middle |
| `stars COLOR COUNT X Y X Y`, `trees COLOR X Y X Y` | small stars, a row of firs in a box |
| `logo X Y WIDTH HEIGHT` | any picture of `platepost.models.plates.logos` around a middle |
| `sticker X Y WIDTH HEIGHT` | a sticker of a month or year around a middle, on most plates |
| `maybe SHARE LAYER` | the layer on some plates |
| `one LAYER LAYER ...`, `all LAYER LAYER ...` | one of the layers, or all of them |
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.models.plates.designs import Color, color_of
from platepost.models.plates.figures import FIGURES
from platepost.models.plates.fonts import line_of_text
from platepost.models.plates.grounds import paint_ground
from platepost.models.plates.logos import draw_logo
from platepost.models.plates.paint import Box, Picture, ink, luminance, mixed, near, sticker

Layer = Sequence[Any]
_STUCK: Final = 0.65
"""Share of plates with a sticker where one goes."""
_LEAST_CONTRAST: Final = 45.0
"""Least distance of a text's luminance from that of what it stands on."""
_MIDDLE: Final = 110.0
_SUPER: Final = 4
"""Bits of a pixel in which outlines are drawn."""


def paint_layers(layers: Sequence[Layer], shape: tuple[int, int], base: Color, rng: np.random.Generator) -> Picture:
    """Paint a plate's layers, none exactly where and in the color that it is described.

    Args:
        layers: from the ground up, see above.
        shape: height and width in pixels.
        base: color of the ground, where no layer covers it.
        rng: draws what varies between plates of one design, and how they are printed and photographed.

    Raises:
        KeyError: no such kind of layer, figure or ground.
    """
    picture = np.empty((*shape, 3), np.uint8)
    picture[:] = base
    for layer in layers:
        _paint(picture, layer, rng)
    return picture


def _paint(picture: Picture, layer: Layer, rng: np.random.Generator) -> None:
    kind, *details = layer
    _LAYERS[kind](picture, rng, *details)


def _color(text: str, rng: np.random.Generator) -> tuple[Color, float]:
    """Return a color near the one that is written, and how much of it covers what lies below."""
    digits, _, share = text.partition("/")
    return near(color_of(digits), rng, 8), int(share or 100) / 100


def _pixels(picture: Picture, points: Sequence[float], rng: np.random.Generator) -> NDArray[np.float64]:
    """Places of points in pixels, all moved a little together and each a little for itself."""
    height, width = picture.shape[:2]
    places = np.array(points, np.float64).reshape(-1, 2) * (width, height)
    return places + rng.normal(0, 0.012 * height, 2) + rng.normal(0, 0.008 * height, places.shape)


def _filled(picture: Picture, points: NDArray[np.float64], color: str, rng: np.random.Generator) -> None:
    mask = np.zeros(picture.shape[:2], np.uint8)
    outline = (points * (1 << _SUPER)).round().astype(np.int32)
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, _SUPER)
    paint, share = _color(color, rng)
    ink(picture, mask, left=0, top=0, color=paint, strength=share)


def _ground(picture: Picture, rng: np.random.Generator, kind: str, color: str) -> None:
    picture[:] = paint_ground(kind, (picture.shape[0], picture.shape[1]), _color(color, rng)[0], rng)


def _fade(picture: Picture, rng: np.random.Generator, *stops: Any) -> None:
    rows = np.linspace(0, 1, len(picture)) + rng.normal(0, 0.015)
    colors = np.array([_color(color, rng)[0] for color in stops[1::2]], np.float64)
    shades = np.stack([np.interp(rows, stops[::2], colors[:, channel]) for channel in range(3)], 1)
    picture[:] = shades[:, None].astype(np.uint8)


def _box(  # noqa: PLR0917 - a layer's numbers
    picture: Picture, rng: np.random.Generator, left: float, top: float, right: float, bottom: float, color: str
) -> None:
    moved = float(rng.normal(0, 0.008))
    top, bottom = (y if y in {0, 1} else y + moved for y in (top, bottom))  # what ends at the plate's edge still does
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float) * picture.shape[1::-1]
    _filled(picture, corners, color, rng)


def _words(  # noqa: PLR0917 - a layer's numbers
    picture: Picture,
    rng: np.random.Generator,
    texts: str,
    x: float,
    y: float,
    tall: float,
    color: str,
    family: str = "",
    wide: float = 0.0,
) -> None:
    choices = texts.split("|")
    text = choices[int(rng.integers(len(choices)))]
    if not text:
        return
    height, width = picture.shape[:2]
    size = tall * float(rng.normal(1, 0.05))
    mask = line_of_text(text, height=max(4, round(size * height)), rng=rng, family=family)
    asked = (wide or min(mask.shape[1] / width, 0.92)) * float(rng.normal(1, 0.04))
    mask = np.asarray(
        cv2.resize(mask, (max(4, round(asked * width)), mask.shape[0]), interpolation=cv2.INTER_AREA), np.uint8
    )
    dx, dy = rng.normal(0, 0.012 * height, 2)
    left, top = round(x * width - mask.shape[1] / 2 + dx), round(y * height - mask.shape[0] / 2 + dy)
    shade, share = _color(color, rng)
    under = picture[max(top, 0) : max(top, 0) + mask.shape[0], max(left, 0) : max(left, 0) + mask.shape[1]]
    ink(picture, mask, left=left, top=top, color=_visible(shade, under), strength=share)


def _visible(color: Color, under: Picture) -> Color:
    """Return a color, or a darker or lighter one where it would not show: a name may come on any ground."""
    level = luminance(tuple(under.mean((0, 1))))
    if abs(luminance(color) - level) >= _LEAST_CONTRAST:
        return color
    return mixed(color, (0, 0, 0) if level > _MIDDLE else (255, 255, 255), 0.8)


def _area(picture: Picture, rng: np.random.Generator, color: str, *points: float) -> None:
    _filled(picture, _pixels(picture, points, rng), color, rng)


def _line(picture: Picture, rng: np.random.Generator, color: str, thickness: float, *points: float) -> None:
    mask = np.zeros(picture.shape[:2], np.uint8)
    places = (_pixels(picture, points, rng) * (1 << _SUPER)).round().astype(np.int32)
    thick = max(1, round(thickness * picture.shape[0]))
    cv2.polylines(mask, [places], isClosed=False, color=255, thickness=thick, lineType=cv2.LINE_AA, shift=_SUPER)
    shade, share = _color(color, rng)
    ink(picture, mask, left=0, top=0, color=shade, strength=share)


def _disc(picture: Picture, rng: np.random.Generator, color: str, *ellipse: float) -> None:
    _filled(picture, _ellipse(picture, ellipse, rng), color, rng)


def _ring(picture: Picture, rng: np.random.Generator, color: str, thickness: float, *ellipse: float) -> None:
    points = _ellipse(picture, ellipse, rng) / picture.shape[1::-1]
    _line(picture, rng, color, thickness, *points.ravel(), *points[0])


def _ellipse(picture: Picture, ellipse: Sequence[float], rng: np.random.Generator) -> NDArray[np.float64]:
    x, y, across, down = ellipse
    turn = np.linspace(0, 2 * np.pi, 48)
    height, width = picture.shape[:2]
    places = np.stack([(x + across * np.cos(turn)) * width, (y + down * np.sin(turn)) * height], 1)
    return places + rng.normal(0, 0.012 * height, 2)


def _figure(  # noqa: PLR0917 - a layer's numbers
    picture: Picture, rng: np.random.Generator, name: str, x: float, y: float, wide: float, tall: float, color: str
) -> None:
    size = np.array([wide, tall]) * rng.normal(1, 0.05)
    height, width = picture.shape[:2]
    moved = rng.normal(0, 0.012 * height, 2)
    for outline in FIGURES[name]:
        places = (np.array([x, y]) + (outline - 0.5) * size) * (width, height)
        _filled(picture, places + moved + rng.normal(0, 0.004 * height, places.shape), color, rng)


def _stars(  # noqa: PLR0917 - a layer's numbers
    picture: Picture,
    rng: np.random.Generator,
    color: str,
    count: int,
    left: float,
    top: float,
    right: float,
    bottom: float,
) -> None:
    for _ in range(count):
        size = float(rng.uniform(0.02, 0.05))
        place = float(rng.uniform(left, right)), float(rng.uniform(top, bottom))
        _figure(picture, rng, "star", *place, size * 0.5, size, color)


def _trees(  # noqa: PLR0917 - a layer's numbers
    picture: Picture, rng: np.random.Generator, color: str, left: float, top: float, right: float, bottom: float
) -> None:
    x = left
    while x < right:
        wide, tall = float(rng.uniform(0.02, 0.05)), (bottom - top) * float(rng.uniform(0.5, 1.0))
        _filled(
            picture,
            np.array([[x, bottom], [x + wide / 2, bottom - tall], [x + wide, bottom]]) * picture.shape[1::-1],
            color,
            rng,
        )
        x += wide * float(rng.uniform(0.5, 0.9))


def _boxed(picture: Picture, x: float, y: float, wide: float, tall: float) -> Box:
    height, width = picture.shape[:2]
    size = max(4, round(wide * width)), max(4, round(tall * height))
    return round(x * width - size[0] / 2), round(y * height - size[1] / 2), *size


def _logo(picture: Picture, rng: np.random.Generator, *box: float) -> None:
    draw_logo(picture, _boxed(picture, *box), rng)


def _sticker(picture: Picture, rng: np.random.Generator, *box: float) -> None:
    if rng.random() < _STUCK:
        x, y, wide, tall = np.array(box) * rng.normal(1, 0.03, 4)
        sticker(picture, _boxed(picture, x, y, wide, tall), rng)


def _maybe(picture: Picture, rng: np.random.Generator, share: float, layer: Layer) -> None:
    if rng.random() < share:
        _paint(picture, layer, rng)


def _one(picture: Picture, rng: np.random.Generator, *layers: Layer) -> None:
    _paint(picture, layers[int(rng.integers(len(layers)))], rng)


def _all(picture: Picture, rng: np.random.Generator, *layers: Layer) -> None:
    for layer in layers:
        _paint(picture, layer, rng)


_LAYERS: Final[dict[str, Callable[..., None]]] = {
    "ground": _ground, "fade": _fade, "box": _box, "words": _words, "name": _words, "area": _area, "line": _line,
    "disc": _disc, "ring": _ring, "figure": _figure, "stars": _stars, "trees": _trees, "logo": _logo,
    "sticker": _sticker, "maybe": _maybe, "one": _one, "all": _all,
}  # fmt: skip
