"""The designs that the generator knows: what a plate of each looks like and what may stand on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from platepost.models.plates import texts
from platepost.models.plates.texts import EUROPEAN_PATTERNS, SLOGANS, STATES, US_PATTERNS

Color = tuple[int, int, int]
"""Blue, green, red."""
Writer = Callable[[np.random.Generator], str]


@dataclass(frozen=True)
class Design:
    """How to make plates of one kind; what is a tuple is drawn from."""

    name: str
    writer: Writer
    colors: tuple[tuple[Color, Color], ...]
    """Pairs of ground and ink."""
    grounds: tuple[str, ...] = ("plain",)
    """Painters of the ground, see `platepost.models.plates.paint`."""
    headings: tuple[str, ...] = ()
    footings: tuple[str, ...] = ()
    aspect: float = 2.0
    """Width by height of the plate."""
    splits: tuple[int, ...] = ()
    """Where a separator may stand, counted in characters from the left; none: no separator."""
    separators: tuple[str, ...] = (" ",)
    """Space, `_` (one as wide as a character, for what is printed there), `-`, `.`, `*` (a picture), `o` (a larger one
    that characters overlap), `y` (a year's sticker) or `k` (a symbol of the Kids plates, as large as a character)."""
    second: float = 0.0
    """How likely a second separator stands further right (a dot two places from the end, or a space)."""
    band: tuple[float, float] = (0.27, 0.80)
    """Top and bottom of the serial, by the plate's height."""
    stickers: float = 0.5
    """How likely each upper corner carries a sticker."""
    stacked: float = 0.0
    """How likely small stacked letters, which do not belong to the serial, stand beside it."""
    picture: float = 0.0
    """How likely a picture stands left of the serial."""
    dies: float = 0.7
    """How likely the serial is pressed by dies rather than set in a font."""
    blue_band: float = 0.0
    """How likely a European blue band stands at the left."""
    faces: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Families of fonts (`platepost.models.plates.fonts.FAMILIES`) of the heading and of the footing; empty: any."""
    inks: tuple[Color, ...] = ()
    """What the heading is printed with; none: the serial's ink or another that shows."""
    bars: tuple[Color | None, Color | None] = (None, None)
    """Bars behind the heading and the footing."""
    logos: tuple[str, ...] = ()
    """Pictures beside and between the characters (`platepost.models.plates.logos.LOGOS`); none: any."""
    layers: tuple[tuple[Any, ...], ...] = ()
    """What is printed, see `platepost.models.plates.scenery`; heading, footing, bars and grounds count only without."""
    place: tuple[float, float, float, float] | None = None
    """Where the serial stands on a plate with layers: left, top, right, bottom, by the plate's width and height."""
    retroreflective: bool = True
    weight: float = 1.0
    """How often a random plate is of this design."""


def color_of(digits: str) -> Color:
    """Return a color, blue first, from six hexadecimal digits, red first."""
    red = int(digits[0:2], 16)
    green = int(digits[2:4], 16)
    blue = int(digits[4:6], 16)
    return blue, green, red


WHITE: Final[Color] = (236, 238, 238)
NAVY: Final[Color] = (95, 40, 25)
BLACK: Final[Color] = (32, 30, 30)
GOLD: Final[Color] = (40, 190, 245)
RED: Final[Color] = (45, 35, 165)
GREEN: Final[Color] = (60, 85, 25)
DARK_BLUE: Final[Color] = (110, 55, 20)

_US_COLORS: Final[tuple[tuple[Color, Color], ...]] = (
    (WHITE, NAVY), (WHITE, BLACK), (WHITE, RED), (WHITE, GREEN), (WHITE, (140, 70, 20)), ((245, 225, 190), DARK_BLUE),
    ((240, 210, 170), BLACK), ((150, 215, 245), BLACK), ((90, 220, 245), NAVY), (GOLD, NAVY), (GOLD, BLACK),
    (DARK_BLUE, WHITE), (DARK_BLUE, GOLD), ((70, 95, 25), WHITE), ((170, 150, 30), (60, 220, 240)),
    ((205, 215, 220), NAVY), ((200, 205, 210), (150, 90, 40)),
    ((225, 200, 150), NAVY), (BLACK, WHITE), (BLACK, GOLD), (RED, WHITE),
)  # fmt: skip


def _any_of(rng: np.random.Generator, patterns: tuple[str, ...]) -> str:
    return texts.from_pattern(rng, patterns[int(rng.integers(len(patterns)))])


def _pattern(*patterns: str) -> Writer:
    return lambda rng: _any_of(rng, patterns)


def _american(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.5:
        return _any_of(rng, US_PATTERNS)
    return texts.anything(rng) if kind < 0.85 else texts.personalised(rng)


def _european(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.35:
        return _any_of(rng, ("99A99999", "99A99999", "99A99999", "99A9999"))
    return _any_of(rng, EUROPEAN_PATTERNS) if kind < 0.8 else texts.anything(rng, 5, 8)


def _legacy(rng: np.random.Generator) -> str:
    """Choose a serial as the legacy plates carry: the car's own, a chosen one, an old one, their own series."""
    kind = rng.random()
    if kind < 0.3:
        return texts.california_passenger(rng)
    return texts.personalised(rng) if kind < 0.5 else _any_of(rng, ("AAA999", "A999A9"))


_CALIFORNIA: Final[dict[str, tuple[str, ...]]] = {
    "headings": ("California", "California", "California", "CALIFORNIA"),
    "footings": ("", "", "dmv.ca.gov", "www.dmv.ca.gov"),
}


def _american_design(name: str, writer: Writer, **more: Any) -> Design:
    return Design(name, writer, _US_COLORS, headings=STATES, footings=SLOGANS, **more)


DESIGNS: Final[dict[str, Design]] = {
    design.name: design
    for design in (
        Design(
            "california_passenger",
            texts.california_passenger,
            ((WHITE, NAVY), (WHITE, (120, 50, 20))),
            headings=("California",),
            footings=_CALIFORNIA["footings"],
            band=(0.30, 0.83),
            weight=3.4,
        ),
        Design(
            "california_commercial",
            _pattern("9A99999", "99999A9"),
            ((WHITE, NAVY),),
            headings=("California",),
            footings=_CALIFORNIA["footings"],
            band=(0.30, 0.83),
            weight=0.8,
        ),
        Design(
            "california_trailer",
            _pattern("4AA9999", "4AA9999", "1AA9999"),
            ((WHITE, NAVY),),
            headings=("California",),
            footings=_CALIFORNIA["footings"],
            band=(0.30, 0.83),
            stickers=0.2,
            weight=0.4,
        ),
        Design(
            "california_apportioned",
            _pattern("AP99999"),
            ((WHITE, NAVY),),
            headings=("California",),
            footings=("APPORTIONED",),
            band=(0.30, 0.80),
            stickers=0.7,
            weight=0.3,
        ),
        Design(
            "california_exempt",
            _pattern("9999999", "1999999"),
            ((WHITE, NAVY),),
            headings=("CA EXEMPT", "California", "E  CALIFORNIA"),
            band=(0.32, 0.84),
            stickers=0.1,
            weight=0.7,
        ),
        Design(
            "california_personalised",
            texts.personalised,
            ((WHITE, NAVY),),
            splits=(1, 2, 3, 4, 5),
            separators=(" ",),
            headings=_CALIFORNIA["headings"],
            footings=_CALIFORNIA["footings"],
            band=(0.30, 0.83),
            weight=1.1,
        ),
        Design(
            "california_picture",
            _pattern("99999", "A9999A", "AAAA9", "AA999A"),
            ((WHITE, NAVY), (WHITE, RED)),
            grounds=("plain", "hills", "wash", "wash"),
            headings=_CALIFORNIA["headings"],
            footings=("YOSEMITE", "THE ARTS", "KIDS", "COASTAL"),
            stacked=0.4,
            picture=0.7,
            weight=0.6,
        ),
        Design(
            "california_kids",
            _pattern("AAA99A", "A99AAA", "999AAA", "AA9999"),
            ((WHITE, NAVY), (WHITE, (150, 80, 30))),
            grounds=("plain", "wash"),
            headings=_CALIFORNIA["headings"],
            footings=("KIDS", "Have a heart, be a star"),
            splits=(1, 2, 3, 4, 5),
            separators=("k",),
            weight=0.4,
        ),
        Design(
            "california_legacy",
            _legacy,
            ((BLACK, (40, 185, 240)), (BLACK, (40, 185, 240)), ((40, 190, 240), BLACK)),
            headings=("CALIFORNIA",),
            splits=(3,),
            separators=("", " "),
            band=(0.30, 0.84),
            stickers=0.4,
            retroreflective=False,
            weight=0.8,
        ),
        Design(
            "california_blue",
            _pattern("999AAA", "9AAA999", "9A99999"),
            (((115, 55, 15), (60, 200, 245)),),
            headings=("CALIFORNIA",),
            splits=(3,),
            separators=("", " "),
            band=(0.30, 0.84),
            retroreflective=False,
            weight=0.5,
        ),
        Design(
            "california_motorcycle",
            _pattern("99A9999", "9A99999", "99A999", "AA9999"),
            ((WHITE, NAVY),),
            headings=("California", "CALIFORNIA"),
            aspect=1.75,
            band=(0.36, 0.86),
            weight=0.3,
        ),
        Design(
            "california_temporary",
            _pattern("AA99A99", "AA99A99", "A99A999"),
            (((245, 245, 245), BLACK),),
            headings=("CALIFORNIA", "TEMPORARY", "CALIFORNIA TEMPORARY"),
            footings=("EXPIRES 01-15", "VALID 90 DAYS", ""),
            band=(0.34, 0.74),
            stickers=0.1,
            dies=0.15,
            retroreflective=False,
            weight=0.5,
        ),
        _american_design(
            "us_plain",
            _american,
            grounds=("plain", "plain", "wash"),
            splits=(2, 3, 3, 3, 4),
            separators=("", " ", " ", "-", "."),
            second=0.05,
            weight=3.0,
        ),
        _american_design(
            "us_graphic",
            _american,
            grounds=("hills", "wash", "wash", "blobs", "bands", "ghost", "ghost"),
            splits=(2, 3, 3, 3, 4),
            separators=("", " ", "-", "."),
            weight=2.4,
        ),
        _american_design(
            "us_logo",
            _american,
            grounds=("plain", "plain", "wash", "wash"),
            splits=(2, 3, 3, 3, 4),
            separators=("*", "*", "o"),
            weight=2.8,
        ),
        _american_design(
            "us_year_sticker",
            _pattern("AA9A9A", "AA9A9A", "9AA999", "AAA999", "9A9A99", "??????"),
            grounds=("plain", "wash", "ghost"),
            splits=(3,),
            separators=("y",),
            stickers=0.15,
            weight=2.0,
        ),
        _american_design(
            "us_stacked",
            _american,
            grounds=("plain", "wash", "blobs"),
            splits=(2, 3, 4),
            separators=("", "", " ", "*"),
            stacked=1.0,
            picture=0.4,
            weight=1.8,
        ),
        _american_design(
            "us_picture",
            _american,
            grounds=("plain", "wash", "hills", "ghost"),
            splits=(2, 3),
            separators=("", "", " "),
            picture=1.0,
            weight=1.1,
        ),
        _american_design(
            "us_personalised",
            texts.personalised,
            grounds=("plain", "wash", "hills", "ghost"),
            splits=(1, 2, 3, 4, 5),
            separators=("", "", " "),
            weight=1.5,
        ),
        Design(
            "us_temporary",
            lambda r: texts.anything(r, 5, 8),
            (((245, 245, 245), BLACK), ((245, 245, 245), RED)),
            headings=STATES,
            footings=("TEMPORARY", "EXPIRES 12/30"),
            band=(0.3, 0.72),
            stickers=0.1,
            dies=0.1,
            retroreflective=False,
            weight=0.4,
        ),
        Design(
            "european",
            _european,
            ((WHITE, BLACK), ((240, 242, 242), (30, 25, 20)), ((40, 205, 245), BLACK)),
            aspect=4.5,
            splits=(1, 2, 3),
            separators=(" ", " ", "-", "*", ""),
            band=(0.14, 0.86),
            stickers=0.0,
            dies=0.3,
            blue_band=0.55,
            second=0.35,
            weight=0.8,
        ),
        Design(
            "asian_long",
            _pattern("99A99999", "99A99999", "99AA9999", "99A9999"),
            ((WHITE, BLACK), ((40, 205, 245), BLACK), (DARK_BLUE, WHITE)),
            aspect=4.3,
            splits=(3,),
            separators=("-", "-", " "),
            band=(0.14, 0.86),
            stickers=0.0,
            dies=0.5,
            second=0.7,
            weight=0.6,
        ),
    )
}
"""Every design by name."""

_NAMES: Final = tuple(DESIGNS)
_WEIGHTS: Final = np.array([DESIGNS[name].weight for name in _NAMES]) / sum(d.weight for d in DESIGNS.values())


def draw_design(rng: np.random.Generator) -> Design:
    """Draw a design, each as often as its weight says."""
    return DESIGNS[_NAMES[int(rng.choice(len(_NAMES), p=_WEIGHTS))]]
