"""How the plates of each issuer look: what the states have issued since about 1990, drawn from description.

A design says what stands where, what is behind it and what its pictures show; `platepost.models.plates` paints it.
Beside its own designs each state has special ones (universities, veterans, animals), of which there are hundreds: they
share the name.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from platepost.models.plates import texts
from platepost.models.plates.designs import (
    BLACK,
    DARK_BLUE,
    DESIGNS,
    NAVY,
    RED,
    WHITE,
    Color,
    Design,
    Writer,
    color_of,
)
from platepost.models.plates.texts import US_PATTERNS
from platepost.wire.records.regions import OTHER, STATES

ISSUERS: Final = (*STATES, OTHER)
_WEIGHTS: Final = {"CA": 6.0, OTHER: 5.0}
"""How often an issuer comes, where a usual state counts 1."""
_OFTEN: Final = np.array([_WEIGHTS.get(issuer, 1.0) for issuer in ISSUERS])
SHARES: Final = _OFTEN / _OFTEN.sum()
"""The same as shares of all plates, by class."""
_SERIF: Final = ("serif", "serif", "slab")
_SANS: Final = ("sans", "sans", "sans", "")
_SCRIPT: Final = ("script", "script", "round")
_ROUND: Final = ("round", "round", "script")

_NAMES: Final = (
    "Alaska|Alabama|Arkansas|Arizona|California|Colorado|Connecticut|Washington DC|Delaware|Florida|Georgia|"
    "Hawaii|Iowa|Idaho|Illinois|Indiana|Kansas|Kentucky|Louisiana|Massachusetts|Maryland|Maine|Michigan|"
    "Minnesota|Missouri|Mississippi|Montana|North Carolina|North Dakota|Nebraska|New Hampshire|New Jersey|"
    "New Mexico|Nevada|New York|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|"
    "Tennessee|Texas|Utah|Virginia|Vermont|Washington|Wisconsin|West Virginia|Wyoming"
)
NAMES: Final = dict(zip(STATES, _NAMES.split("|"), strict=True))
"""Of the states, by ISO 3166-2."""

_FORMATS: Final = {
    "AK": "AAA999", "AL": "99A999A 9A9999A 99999AA 9AA9999", "AR": "999AAA AAA99A", "AZ": "AAA9999 999AAA",
    "CA": "9AAA999 9AAA999 9AAA999 9A99999 999AAA9 9999999",
    "CO": "999AAA AAA999", "CT": "999AAA AA99999 9AAAA9", "DC": "AA9999", "DE": "999999 99999",
    "FL": "A999AA AAAA99 999AAA A99AAA 999999A", "GA": "AAA9999 9999AAA", "HI": "AAA999", "IA": "AAA999 999AAA",
    "ID": "9A99999 A999999 9AA999", "IL": "A999999 9999999 999999 AA99999", "IN": "999AAA 99A9999 999A",
    "KS": "999AAA", "KY": "999AAA", "LA": "AAA999 999AAA", "MA": "999AAA 9999AA 99AA99 9AAA99",
    "MD": "AAA999 9AA9999 A999999", "ME": "9999AA", "MI": "AAA9999 9AAA99 AAA999", "MN": "AAA999 999AAA",
    "MO": "AA9A9A 999AAA", "MS": "AAA999 999AAA", "MT": "999999A 99A9999 AAA999", "NC": "AAA9999",
    "ND": "AAA999 999AAA", "NE": "AAA999 99A999 9A9999", "NH": "9999999 999999", "NJ": "A99AAA AAA99A AA999A",
    "NM": "999AAA AAA999", "NV": "999AAA 99A999", "NY": "AAA9999 AAA999 A999AA", "OH": "AAA9999 AA99AA",
    "OK": "999AAA AAA999", "OR": "999AAA AAA999", "PA": "AAA9999 AA99999", "RI": "AA999 999999", "SC": "999AAA AAA999",
    "SD": "99A999 9AA999 9A9999", "TN": "999AAA A9999A AAA9999", "TX": "AA9A999 AAA9999 A99AAA 999AAA AA9AA9",
    "UT": "A999AA 999AAA 9A9AA", "VA": "AAA9999 AAA999", "VT": "AAA999", "WA": "AAA9999 999AAA",
    "WI": "999AAA AAA9999", "WV": "9AA999 AAA999 AA9999", "WY": "999999 9999AA 99999",
}  # fmt: skip

_SPECIAL: Final = (
    "UNIVERSITY", "VETERAN", "DISABLED VETERAN", "STATE COLLEGE", "WILDLIFE", "CONSERVATION", "FIREFIGHTER",
    "IN GOD WE TRUST", "ALUMNI", "NATIONAL GUARD", "DEALER", "TRUCK", "APPORTIONED", "ANTIQUE", "EDUCATION",
    "Choose Life", "Protect Wildlife", "STATE PARKS", "AGRICULTURE", "PERMANENT TRAILER", "Share the Road",
    "PURPLE HEART", "GOLD STAR FAMILY", "COMMERCIAL", "", "", "",
)  # fmt: skip


def _like(
    top: str,
    foot: str,
    ink: Color,
    ground: Color = WHITE,
    painted: str = "plain",
    **more: Any,
) -> dict[str, Any]:
    """Describe one design: words above and below (alternatives parted by a bar), ink, ground and its painter."""
    return {"headings": tuple(top.split("|")), "footings": tuple(foot.split("|")), "colors": ((ground, ink),),
            "grounds": (painted, painted, "plain")} | more  # fmt: skip


_DESCRIPTIONS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = tomllib.loads(
    Path(__file__).with_name("states.toml").read_text(encoding="utf-8")
)
_USUAL_PLACE: Final = (0.05, 0.28, 0.95, 0.78)
_HIGH: Final = 0.12
_LOW: Final = 0.89
"""Middle of a line above and below the serial."""
_SPECIAL_GROUNDS: Final = ("plain", "plain", "wash", "hills", "ghost", "bands")
_SPECIAL_COLORS: Final = (
    ("eeeeec", "19285f"), ("eeeeec", "1e1e20"), ("eeeeec", "a5232d"), ("1e1e20", "eeeeec"), ("14376e", "eeeeec"),
    ("f5ebcd", "a5232d"), ("f5be28", "1e1e20"),
)  # fmt: skip
"""Ground and ink."""

_CALIFORNIAN: Final = "california_"
"""How the names of California's designs begin in `platepost.models.plates.DESIGNS`."""
_BRUSHED: Final = {
    "california_passenger": 4, "california_commercial": 4, "california_trailer": 4, "california_apportioned": 4,
    "california_personalised": 3, "california_picture": 2, "california_kids": 2, "california_motorcycle": 1,
}  # fmt: skip
"""Of five plates of the modern designs, how many have the name as written with a brush."""

_ABROAD: Final = (
    _like("ONTARIO", "YOURS TO DISCOVER|A PLACE TO GROW", DARK_BLUE, WHITE, separators=("*",), logos=("seal",),
          weight=1),
    _like("Beautiful|BRITISH COLUMBIA", "British Columbia|Beautiful British Columbia", DARK_BLUE, WHITE, "wash",
          separators=("*", " "), logos=("flag",), faces=(_SANS, _SANS), weight=1),
    _like("Québec", "Je me souviens", DARK_BLUE, WHITE, separators=(" ", "*"), weight=0.5),
    _like("Alberta|MANITOBA|SASKATCHEWAN|NOVA SCOTIA|NEW BRUNSWICK|YUKON",
          "Wild Rose Country|FRIENDLY|LAND OF LIVING SKIES|CANADA'S OCEAN PLAYGROUND", RED, WHITE, "wash", weight=1),
    _like("U.S. GOVERNMENT", "FOR OFFICIAL USE ONLY", BLACK, WHITE, faces=(_SANS, _SANS), weight=0.6),
    _like("BAJA CALIFORNIA|SONORA|CHIHUAHUA|MEXICO|JALISCO", "MEXICO|MEX|FRONT", BLACK, WHITE, "bands", weight=0.8),
)  # fmt: skip
_ABROAD_LONG: Final = ("european", "asian_long")


def draw_look(state: str, rng: np.random.Generator) -> Design:
    """Draw a design of one of `platepost.wire.records.regions.STATES`, such as CA, or of `OTHER`."""
    looks, shares = _observe(state)
    return looks[int(rng.choice(len(looks), p=shares))]


@cache
def _observe(state: str) -> tuple[tuple[Design, ...], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    looks = tuple(_californian() if state == "CA" else _abroad() if state == OTHER else _american(state))
    weights = np.array([look.weight for look in looks])
    return looks, weights / weights.sum()


def _californian() -> Iterator[Design]:
    for name, look in DESIGNS.items():
        if name.startswith(_CALIFORNIAN):
            brushed = _BRUSHED.get(name, 0)
            yield replace(look, faces=(("script",) * brushed + ("sans",) * (5 - brushed), ()))
    yield from (_described("CA", description) for description in _DESCRIPTIONS["CA"])
    grounds = ("plain", "wash", "hills", "ghost")
    special = _like("California|CALIFORNIA|California", "|".join(_SPECIAL), NAVY, WHITE, grounds=grounds)
    yield Design("CA special", _writer(""), picture=0.6, stacked=0.3, faces=(_SCRIPT, ()), **special)


def _american(state: str) -> Iterator[Design]:
    own = [_described(state, description) for description in _DESCRIPTIONS[state]]
    yield from own
    share = sum(look.weight for look in own)
    names = [layer for look in own for layer in look.layers if _is_name(layer)]
    for ground, ink in _SPECIAL_COLORS:
        layers = (
            ("one", *(("ground", kind, ground) for kind in _SPECIAL_GROUNDS)),
            ("one", *(("all", name, ("words", "|".join(_SPECIAL), 0.5, _across(name), 0.1, ink)) for name in names)),
        )
        yield Design(
            f"{state} special",
            _writer(_FORMATS.get(state, "")),
            ((color_of(ground), color_of(ink)),),
            splits=(2, 3, 3, 3, 4),
            separators=(" ", "", "-"),
            stacked=0.5,
            picture=0.6,
            layers=layers,
            place=(0.04, 0.28, 0.96, 0.77),
            weight=share * 0.35 / len(_SPECIAL_COLORS),
        )


def _described(state: str, description: Mapping[str, Any]) -> Design:
    """Make a design of a table of states.toml."""
    number = _DESCRIPTIONS[state].index(description)
    return Design(
        f"{state} {number}",
        _writer(description.get("formats", _FORMATS.get(state, ""))),
        ((color_of(description["on"]), color_of(description["ink"])),),
        splits=tuple(description.get("splits", ())),
        separators=tuple(description.get("separators", (" ",))),
        stickers=0.12,  # where they belong, the layers have them
        layers=tuple(tuple(layer) for layer in description["layers"]),
        place=tuple(description.get("place", _USUAL_PLACE)),
        weight=description.get("weight", 1.0),
    )


def _is_name(layer: Sequence[Any]) -> bool:
    kind, *details = layer
    return kind == "name" or (kind == "one" and all(_is_name(one) for one in details))


def _across(name: Sequence[Any]) -> float:
    """Height at which other words stand on a plate whose name is where this layer has it."""
    kind, *details = name
    return _across(details[0]) if kind == "one" else _LOW if details[2] < 0.5 else _HIGH


def _abroad() -> Iterator[Design]:
    for number, own in enumerate(_ABROAD):
        yield Design(f"abroad {number}", _writer(""), splits=(3, 4), **{"separators": (" ",)} | own)
    yield from (DESIGNS[name] for name in _ABROAD_LONG)


def _writer(formats: str) -> Writer:
    """Write serials of formats parted by spaces, as often those of all states, and now and then chosen ones."""
    own = tuple(formats.split()) or US_PATTERNS

    def write(rng: np.random.Generator) -> str:
        kind = rng.random()
        patterns = own if kind < 0.5 else US_PATTERNS
        if kind >= 0.85:
            return texts.personalised(rng)
        return texts.from_pattern(rng, patterns[int(rng.integers(len(patterns)))])

    return write
