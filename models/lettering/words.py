"""Lettering that is no plate's: on signs, vehicles, stickers and shirts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from platepost.models.plates import fonts as faces
from platepost.models.plates.logos import draw_logo
from platepost.models.plates.texts import anything
from platepost.models.scenes.distractors import WORDS, find_fonts

_PIXELS: Final = 64
_MORE: Final = (
    "ACADEMY", "ADVENTURE", "AIRPORT", "ALPHA", "AMERICAN", "ANGELS", "ARENA", "ATLAS", "AUTO", "BAKERY", "BANK", "BAY",
    "BEAR", "BEST", "BIKES", "BLUE", "BOATS", "BRAVO", "BRIDGE", "BUILDERS", "CAB", "CAFE", "CANYON", "CARE", "CARGO",
    "CHICAGO", "CHURCH", "CITY", "CLEAN", "CLUB", "COACH", "COAST", "COFFEE", "COUNTY", "CROSSING", "DAIRY", "DENTAL",
    "DENVER", "DETOUR", "DIVE", "DOCK", "DREAM", "DRIVE", "EAGLES", "EAST", "ELM", "ENGINE", "EXPRESS", "FALLS",
    "FAMILY", "FARMS", "FAST", "FISH", "FLEET", "FLOORS", "FOOD", "FOREST", "FREE", "FREIGHT", "FRESH", "GARAGE",
    "GARDEN", "GATE", "GLASS", "GOLD", "GREEN", "GYM", "HARBOR", "HAUL", "HEAVY", "HOSPITAL", "HOTEL", "HOUSTON", "ICE",
    "INN", "JAZZ", "JUNCTION", "KEEP", "KITCHEN", "LAKE", "LAUNDRY", "LEFT", "LIBRARY", "LOADING", "LODGE", "LOGISTICS",
    "LOVE", "MAIN", "MARATHON", "MARINA", "MARKET", "MAX", "MEDICAL", "MERGE", "METRO", "MIAMI", "MILK", "MOTEL",
    "MOTORS", "MOUNTAIN", "MOVERS", "MUSIC", "NAVY", "NORTH", "OAK", "OIL", "PAINT", "PARK", "PEACE", "PEST", "PHONE",
    "PINE", "PIPE", "PLAZA", "POOL", "PORT", "POWER", "PRESS", "PUBLIC", "RACING", "RADIO", "RAIL", "RANCH", "RENTAL",
    "RESCUE", "RIDGE", "RIGHT", "RIVER", "ROAD", "ROOFING", "RUNNER", "SAFETY", "SEATTLE", "SERVICE", "SHOP", "SKATE",
    "SLOW", "SOLAR", "SOUTH", "SPRINGS", "STATE", "STEEL", "STORE", "STREET", "SUN", "SUPPLY", "SUPPORT", "TEAMS",
    "TECH", "TEXAS", "TIGERS", "TIRES", "TITAN", "TOURS", "TOWING", "TRAIL", "TRANSIT", "TRUE", "UNION", "USA",
    "VALLEY", "VAN", "VIEW", "WATER", "WELDING", "WHALES", "WIDE", "WILD", "WINE", "WOLF", "WORKS", "YARD", "ZONE",
)  # fmt: skip
_MARKS: Final = ("#{}", "No {}", "{}", "{}", "{}", "{}A", "{}-B", "{}%", "${}", "{}TH", "{}LB", "{}/7", "{} FT", "{}.5")


def _number(rng: np.random.Generator) -> str:
    """Write a number as signs and vehicles do: of a house, a wagon, a telephone, a price, a year."""
    kind = rng.random()
    if kind < 0.15:
        return "-".join("".join(rng.choice(list("0123456789"), n)) for n in ((3, 4), (3, 3, 4))[rng.integers(2)])
    if kind < 0.25:
        return str(rng.integers(1900, 2040))
    digits = str(rng.integers(1, 10 ** int(rng.integers(1, 7))))
    return str(rng.choice(_MARKS)).format(digits)


def write_words(rng: np.random.Generator) -> list[str]:
    """Draw one to three lines: words, numbers, both; now and then what a plate might say."""
    lines = []
    for _ in range(int(rng.choice([1, 2, 3], p=[0.72, 0.22, 0.06]))):
        kind = rng.random()
        words = [str(word) for word in rng.choice((*WORDS, *_MORE), int(rng.integers(1, 4)))]
        if kind < 0.45:
            line = " ".join(words)
        elif kind < 0.75:
            parts = [words[0][: int(rng.integers(2, 9))], _number(rng)]
            line = str(rng.choice([" ", " ", ""])).join(parts if rng.random() < 0.75 else reversed(parts))
        elif kind < 0.88:
            line = _number(rng)
        else:
            line = anything(rng)
        lines.append(line if rng.random() < 0.85 else line.title())
    return lines


def all_faces() -> list[Path]:
    """Return every font that the machine has, those of plates' small print among them."""
    packaged = {path for family in faces.FAMILIES for path in faces.of_family(family)} | set(faces.installed())
    return [*find_fonts(), *sorted(packaged)]


def render_lettering(rng: np.random.Generator, fonts: Sequence[Path]) -> NDArray[np.uint8]:
    """Draw lettering as BGRA: on a ground of its own, or the letters alone, as on a door or a shirt."""
    lines = write_words(rng)
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    if fonts:
        font = ImageFont.truetype(str(fonts[int(rng.integers(len(fonts)))]), _PIXELS)
    else:
        font = ImageFont.load_default(_PIXELS)
    gap = max(0.0, float(rng.normal(0, 0.08))) * _PIXELS
    weight = int(rng.choice([0, 0, 1, 2, 4]))
    wide = [sum(font.getlength(letter) + gap for letter in line) for line in lines]
    edge, step = (float(rng.uniform(0.08, 0.8)) * _PIXELS, float(rng.uniform(1.0, 1.35)) * _PIXELS)
    size = (max(24, round(max(wide) + 2 * edge)), max(24, round(step * len(lines) + edge)))
    back, ink = _colors(rng)
    ground = rng.random() < 0.6
    drawn = Image.new("RGBA", size, (*(back if ground else ink), 255 if ground else 0))
    pen = ImageDraw.Draw(drawn)
    for number, (line, reach) in enumerate(zip(lines, wide, strict=True)):
        x, y = (size[0] - reach) / 2, edge / 2 + step * number - 0.1 * _PIXELS
        for letter in line:
            pen.text((x, y), letter, (*ink, 255), font, stroke_width=weight)
            x += font.getlength(letter) + gap
    if ground and rng.random() < 0.35:
        inset = int(rng.integers(1, 6))
        box = (inset, inset, size[0] - 1 - inset, size[1] - 1 - inset)
        pen.rounded_rectangle(box, int(rng.integers(0, 16)), outline=(*ink, 255), width=int(rng.integers(1, 5)))
    picture = np.ascontiguousarray(np.array(drawn, np.uint8)[..., [2, 1, 0, 3]])
    if ground and rng.random() < 0.2:
        picture = _with_emblem(picture, rng)
    return _bent(picture, rng) if rng.random() < 0.25 else picture


def _colors(rng: np.random.Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    back = rng.integers(0, 256, 3)
    if rng.random() < 0.5:
        back[:] = rng.choice([235, 25, int(back[0])])
    front = np.clip(back + (1 if back.mean() < 120 else -1) * rng.integers(90, 255), 0, 255)
    return tuple(int(v) for v in back), tuple(int(v) for v in front)  # type: ignore[return-value]


def _with_emblem(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Put a small picture on one side of a sign."""
    height = len(picture)
    flat = np.empty((height, height, 3), np.uint8)
    flat[:] = picture[0, 0, :3]
    draw_logo(flat, (2, 2, height - 4, height - 4), rng)
    emblem = np.dstack([flat, np.full((height, height), 255, np.uint8)])
    return np.ascontiguousarray(np.hstack([emblem, picture] if rng.random() < 0.6 else [picture, emblem]))


def _bent(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Bend lettering as on cloth or a round fender."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    phase, bow = rng.uniform(0, 2 * np.pi), float(rng.normal(0, 0.12))
    wave = np.sin(x / width * rng.uniform(1, 5) * np.pi + phase) * rng.uniform(0, 0.06)
    along = (x / width * 2 - 1) ** 2 * bow
    moved = y + ((wave + along) * height).astype(np.float32)
    return np.asarray(cv2.remap(picture, x, moved, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
