"""The vehicle around a plate: what kind it is, its color by day, and whether its front or its rear is seen.

An officer compares the vehicle too. A network looks once a passage at the best look's frame around the plate; what it
is not sure of is not said.
"""

from dataclasses import dataclass, fields
from math import sqrt
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.calibration import CAUTIOUS, Coefficients
from platepost.device.vision.ctc import softmax
from platepost.device.vision.geometry import Corners, plate_size, shrink
from platepost.device.vision.interpreter import Network
from platepost.wire.records.vehicles import COLORS, KINDS, Color, Kind

Side = Literal["front", "rear"]
SIDES: Final[tuple[Side, ...]] = get_args(Side)
WIDTH, HEIGHT = 80, 64
"""Pixels of the picture that the network looks at."""
ACROSS = 8.0
"""Plates of the United States side by side that the picture is wide; the plate's middle is in that of its width."""
BELOW = 1.6
"""Such plates that it reaches below the plate's middle."""
EMPTY = 114
"""Value of what lies outside of the frame, in all channels."""
ANSWERS: Final = (len(KINDS), len(COLORS) + 1, len(SIDES))
"""Logits of the kinds, of the colors and none that can be named, of front and rear."""

_COMMON = ("car", "bus")
_SHADES: Final = (
    {"white", "gray"}, {"gray", "black"}, {"gray", "brown"}, {"black", "blue"}, {"red", "orange"},
)  # fmt: skip
"""Colors of which one is taken for the other by another light. Any other two help no one who looks for a vehicle."""
_SHAPES = (1.2, 4.7)
"""Widths by height between which plates lie: 2 in the United States, of a motorcycle 1.7, in Europe 4.7."""
_TINTED = 4.0
"""Mean difference between a pixel's channels from which on a picture has colors."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """What is said of a vehicle; kind and side are None where they are too doubtful."""

    kind: Kind | None = None
    colors: tuple[Color, ...] = ()
    """It has one of these, the likeliest first; one or two, or none where that is too doubtful."""
    side: Side | None = None
    """Which one is seen."""

    def as_json(self) -> dict[str, Any] | None:
        """Return kind and colors in JSON's types, as records have them; None where neither is said."""
        if not self.kind and not self.colors:
            return None
        return {"kind": self.kind, "colors": list(self.colors)}


@dataclass(frozen=True, slots=True)
class Sure:
    """Probabilities from which on an answer is claimed; those of the shipped network are in vehicle.json."""

    kind: float = CAUTIOUS
    """Of a kind."""
    rare: float = CAUTIOUS
    """The same for kinds of which few were learned from, and which cars are taken for."""
    color: float = CAUTIOUS
    two_colors: float = CAUTIOUS
    """The same for two together that are shades of one another, such as white and silver, black and dark blue."""
    side: float = CAUTIOUS
    """The same for what is seen of it."""

    @classmethod
    def beside(cls, model: Path, *, digest: str) -> Self:
        """Load what was fitted to the network at `model`; raises ModelError as `Coefficients.beside` does."""
        fitted = Coefficients.beside(model, network="vehicle", digest=digest)
        return cls() if fitted is None else cls(**{field.name: fitted.probability(field.name) for field in fields(cls)})


NOTHING: Final = Appearance()
"""Where nothing can be said."""


class VehicleNet:
    """Tells vehicles with an int8 convolutional network. Not safe to share between threads."""

    def __init__(self, path: Path, *, runtime: str | None = None) -> None:
        """Load the network of `path`.

        Raises:
            BackendError: no TFLite runtime.
            ModelError: the file is missing, damaged or of another shape, or what lies beside it was fitted to another.

        """
        self.model = Network(path, runtime=runtime)
        self.model.expect(input_shape=(1, HEIGHT, WIDTH, 3), output_shapes=[(1, sum(ANSWERS))])
        self.sure = Sure.beside(path, digest=self.model.digest)

    def logits(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits of `ANSWERS` of a picture as `around` gives it."""
        (answer,) = self.model.run((picture ^ 0x80).view(np.int8)[None])
        logits: NDArray[np.float32] = self.model.outputs[0].real(answer)[0]
        return logits

    def observe(self, frame: NDArray[np.uint8], corners: Corners) -> Appearance:
        """Return what can be said of the vehicle around a plate in an H x W x 3 uint8 BGR frame."""
        picture = around(frame, corners)
        return claimed(self.logits(picture), self.sure, colored=tinted(picture))


def around(frame: NDArray[np.uint8], corners: Corners) -> NDArray[np.uint8]:
    """Cut the surroundings of a plate out of an H x W x 3 uint8 frame: 64 x 80 x 3, the plate low in the middle."""
    plate, (x, y) = plate_width(*plate_size(corners)), corners.mean(axis=0)
    scale = WIDTH / (ACROSS * plate)
    left, top = float(x) - ACROSS / 2 * plate, float(y) + BELOW * plate - HEIGHT / scale
    ends = []
    for start, pixels, size in ((left, WIDTH, frame.shape[1]), (top, HEIGHT, frame.shape[0])):
        low, high = max(0, round(start)), min(size, round(start + pixels / scale))
        to = round((low - start) * scale)
        ends.append((low, high, max(0, to), min(pixels, to + max(1, round((high - low) * scale)))))
    (x0, x1, u0, u1), (y0, y1, v0, v1) = ends
    picture = np.full((HEIGHT, WIDTH, 3), EMPTY, np.uint8)
    picture[v0:v1, u0:u1] = shrink(frame[y0:y1, x0:x1], u1 - u0, v1 - v0)
    return picture


def plate_width(width: float, height: float) -> float:
    """Return how many pixels wide a plate of the United States would be where one of this size is."""
    return max(width, 8.0) * sqrt(2 / float(np.clip(width / max(height, 1.0), *_SHAPES)))


def tinted(picture: NDArray[np.uint8]) -> bool:
    """Whether a picture has colors: by infrared light it has none."""
    blue, green, red = cv2.split(picture)
    spread = cv2.max(cv2.max(blue, green), red) - cv2.min(cv2.min(blue, green), red)
    return float(spread.mean()) >= _TINTED


def claimed(logits: NDArray[np.floating], least: Sure, *, colored: bool = True) -> Appearance:
    """Return what is claimed of a vehicle with such logits; its color only where the picture is `colored`."""
    one_or_two = (least.color, least.two_colors)
    kinds, colors, sides = (softmax(part) for part in np.split(logits, np.cumsum(ANSWERS)[:-1]))
    kind, side = int(kinds.argmax()), int(sides.argmax())
    likeliest = np.argsort(-colors[: len(COLORS)])[: len(one_or_two)].tolist()
    shades = [True, {COLORS[color] for color in likeliest} in _SHADES]
    sure = np.flatnonzero((np.cumsum(colors[likeliest]) >= one_or_two) & shades).tolist()
    return Appearance(
        KINDS[kind] if kinds[kind] >= (least.kind if KINDS[kind] in _COMMON else least.rare) else None,
        tuple(COLORS[color] for color in likeliest[: sure[0] + 1]) if colored and sure else (),
        SIDES[side] if sides[side] >= least.side else None,
    )
