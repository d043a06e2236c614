"""Lettering that looks like a plate and is none: badges, signs, clock overlays. `panels` are without letters."""

import string
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from platepost.models.scenes.panels import render_panel

LETTER_HEIGHT = 28

WORDS = (
    "CHEVROLET", "TOYOTA", "FORD", "HYBRID", "TURBO", "4x4", "LIMITED", "RENT", "TRUCKS", "FIRE", "POLICE", "TAXI",
    "EXIT", "STOP", "YIELD", "ONE", "WAY", "SPEED", "LIMIT", "FOR", "SALE", "CALL", "PLUMBING", "ELECTRIC",
    "DELIVERY", "SCHOOL", "BUS", "AMBULANCE", "SHERIFF", "CAMRY", "ACCORD", "SILVERADO", "RAM", "F-150", "TUNDRA",
    "V6", "V8", "AWD", "DIESEL", "GAS", "OPEN", "PARKING", "NO", "ENTRY", "LANE", "CASH", "ONLY", "ENTER", "HERE",
    "CLOSED", "CAUTION", "www.example.com",
)  # fmt: skip


def find_fonts(folder: Path = Path("/usr/share/fonts")) -> list[Path]:
    """Return the outline fonts below a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix in {".ttf", ".otf"})


def _text(rng: np.random.Generator, *, alone: bool) -> str:
    """Words, a clock, a telephone number. Alone on a panel nothing short and mixed, which a plate might well carry."""
    kind = rng.integers(2, 5) if alone else rng.integers(5)
    if kind == 0:
        return str(rng.integers(1, 100))
    if kind == 1:
        return "-".join("".join(rng.choice(list(string.digits), size=n)) for n in ((3, 3, 4), (3, 4))[rng.integers(2)])
    if kind == 2:
        day = f"{rng.integers(2005, 2027)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
        return f"{day} {rng.integers(24):02}:{rng.integers(60):02}:{rng.integers(60):02}"
    return " ".join(rng.choice(WORDS, size=rng.integers(1, 4)))


def render_sign(rng: np.random.Generator, fonts: Sequence[Path]) -> NDArray[np.uint8]:
    """Draw 1 to 4 lines of lettering on a panel, BGR [h, w, 3]; without fonts, in Pillow's own."""
    colors = _colors(rng)
    count = int(rng.choice([1, 1, 1, 2, 3, 4]))
    lines = [_text(rng, alone=count == 1) for _ in range(count)]
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    if fonts:
        font = ImageFont.truetype(str(fonts[int(rng.integers(len(fonts)))]), LETTER_HEIGHT)
    else:
        font = ImageFont.load_default(LETTER_HEIGHT)
    boxes = [font.getbbox(line) for line in lines]
    width = int(max(box[2] for box in boxes) + rng.uniform(4, 40))
    step = int(LETTER_HEIGHT * rng.uniform(1.0, 1.5))
    image = Image.new("RGB", (max(width, 8), step * len(lines) + int(rng.uniform(2, 30))), colors[0])
    draw = ImageDraw.Draw(image)
    for number, (line, box) in enumerate(zip(lines, boxes, strict=True)):
        draw.text(((width - box[2]) / 2, step * number + rng.uniform(-2, 6)), line, font=font, fill=colors[1])
    if rng.random() < 0.2:
        draw.rectangle((1, 1, image.width - 2, image.height - 2), outline=colors[1], width=2)
    return np.ascontiguousarray(np.asarray(image)[..., ::-1])


def render_distractor(rng: np.random.Generator, fonts: Sequence[Path]) -> NDArray[np.uint8]:
    """Draw a sign or a panel, BGR."""
    return render_sign(rng, fonts) if rng.random() < 0.5 else render_panel(rng)


def overlay_caption(window: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Write a camera's clock or name into the picture [H, W, 3] in place, near the upper or lower edge."""
    height, width = window.shape[:2]
    scale = float(rng.uniform(0.25, 0.7))
    text = _text(rng, alone=True) + (" " + _text(rng, alone=False) if rng.random() < 0.5 else "")
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX]))
    (text_width, text_height), base = cv2.getTextSize(text, font, scale, 1)
    x = int(rng.integers(0, max(1, width - text_width)))
    y = int(rng.choice([text_height + rng.integers(0, 12), height - base - rng.integers(0, 12)]))
    light = rng.random() < 0.7
    if rng.random() < 0.6:
        panel = (0, 0, 0) if light else (255, 255, 255)
        cv2.rectangle(window, (x - 2, y - text_height - 3), (x + text_width + 2, y + base), panel, -1)
    cv2.putText(window, text, (x, y), font, scale, (255, 255, 255) if light else (0, 0, 0), 1, cv2.LINE_AA)


def _colors(rng: np.random.Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    back = rng.integers(0, 256, 3)
    if rng.random() < 0.5:
        back[:] = back[0]
    front = np.clip(back + rng.choice([-1, 1]) * rng.integers(60, 220), 0, 255)
    return tuple(int(v) for v in back), tuple(int(v) for v in front)  # type: ignore[return-value]
