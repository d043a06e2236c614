"""Type faces for what dies do not press: slogans, state names, painted and European serials.

All come by package, none lies in the repository: Debian's fonts-routed-gothic, fonts-roadgeek and fonts-opendin, and
npm's @fontsource packages, fetched into a cache directory on demand. The generator works without any of them.
"""

import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from platepost.models.plates.glyphs import CHARACTERS, Mask, trimmed

logger = logging.getLogger(__name__)

FONTSOURCE: Final[dict[str, tuple[int, ...]]] = {
    "benchnine": (700,),
    "share-tech": (400,),
    "dosis": (600,),
    "saira-condensed": (500, 600),
    "rajdhani": (600,),
    "barlow-condensed": (500, 600),
    "antonio": (400, 600),
    "big-shoulders-display": (600,),
    "overpass": (700,),
}
"""npm packages (all OFL) and the weights of them that resemble serials."""
FAMILIES: Final[dict[str, dict[str, tuple[int, ...]]]] = {
    "script": {"damion": (400,), "kaushan-script": (400,), "satisfy": (400,), "yellowtail": (400,)},
    "round": {"great-vibes": (400,), "lobster": (400,), "pacifico": (400,)},
    "serif": {"libre-baskerville": (700,), "playfair-display": (700,), "cinzel": (700,), "cormorant-garamond": (700,)},
    "slab": {"alfa-slab-one": (400,), "arvo": (700,), "bitter": (700,), "rokkitt": (700,), "roboto-slab": (700,)},
    "sans": {"montserrat": (700,), "archivo-black": (400,), "josefin-sans": (700,), "roboto": (700,),
             "overpass": (700,), "fjalla-one": (400,), "oswald": (600,)},
    "sign": {"abril-fatface": (400,), "anton": (400,), "bangers": (400,), "bebas-neue": (400,), "black-ops-one": (400,),
             "comic-neue": (700,), "courier-prime": (700,), "exo-2": (500,), "graduate": (400,),
             "ibm-plex-sans": (600,),
             "inter": (500,), "lato": (400, 700), "lora": (600,), "merriweather": (700,), "nunito": (700,),
             "open-sans": (400, 700), "permanent-marker": (400,), "poppins": (500,), "pt-sans": (700,),
             "public-sans": (600,), "raleway": (600,), "righteous": (400,), "russo-one": (400,),
             "saira-stencil-one": (400,), "source-sans-3": (400, 700), "staatliches": (400,), "stardos-stencil": (700,),
             "teko": (500,), "titillium-web": (600,), "ubuntu": (500,), "work-sans": (500,)},
}  # fmt: skip
"""The same for what is printed, such as states' names: `script` is as with a brush, `round` as with a pen.

`sign` is for lettering that is no plate's.
"""
SYSTEM_PATTERNS: Final = ("roadgeek/RG2014B.ttf", "roadgeek/RG2014C.ttf", "routed-gothic/routed-gothic-narrow.ttf",
                          "routed-gothic/routed-gothic.ttf", "opendin/OSP-DIN.ttf")  # fmt: skip
SYSTEM_FOLDER: Final = Path("/usr/share/fonts/truetype")
_CAPITAL_PIXELS: Final = 130


def cache_folder() -> Path:
    """Folder of the fetched fonts: `$PLATEPOST_FONTS`, else below the user's cache folder."""
    own = os.environ.get("PLATEPOST_FONTS")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "platepost" / "fonts"


def fetch(folder: Path | None = None) -> list[Path]:
    """Fetch the @fontsource fonts that the cache lacks, with `npm pack`.

    Args:
        folder: cache to fill; `cache_folder()` by default.

    Returns:
        The font files of the cache. What cannot be fetched is logged and left out.
    """
    folder = folder or cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    for package, weights in [*FONTSOURCE.items(), *(font for family in FAMILIES.values() for font in family.items())]:
        required = _files({package: weights})
        if all((folder / name).exists() for name in required):
            continue
        if npm is None:
            logger.warning("npm is not installed: the font %s cannot be fetched", package)
            continue
        with tempfile.TemporaryDirectory() as scratch:
            command = [npm, "pack", f"@fontsource/{package}", "--silent"]
            result = subprocess.run(command, cwd=scratch, check=False, capture_output=True, text=True)
            if result.returncode:
                logger.warning("the font %s could not be fetched: %s", package, result.stderr.strip())
                continue
            _unpack(next(Path(scratch).glob("*.tgz")), required, folder)
    return sorted(folder.glob("*.woff"))


def _unpack(archive: Path, wanted: Iterable[str], folder: Path) -> None:
    with tarfile.open(archive) as packed:
        for name in wanted:
            member = packed.extractfile(f"package/files/{name}")
            if member is not None:
                (folder / name).write_bytes(member.read())


@cache
def installed() -> tuple[Path, ...]:
    """Every font of the lists above that this machine has; says once which are missing."""
    system_fonts = [SYSTEM_FOLDER / pattern for pattern in SYSTEM_PATTERNS if (SYSTEM_FOLDER / pattern).exists()]
    required = _files(FONTSOURCE)
    folder = cache_folder()
    system_fonts += [folder / name for name in required if (folder / name).exists()]
    missing = len(SYSTEM_PATTERNS) + len(required) - len(system_fonts)
    if missing:
        logger.warning("%d of %d fonts are not installed: plates will vary less", missing, missing + len(system_fonts))
    return tuple(system_fonts)


@cache
def of_family(name: str) -> tuple[Path, ...]:
    """Every font of one of `FAMILIES` that this machine has.

    Raises:
        KeyError: no such family.
    """
    folder = cache_folder()
    return tuple(folder / name for name in _files(FAMILIES[name]) if (folder / name).exists())


def _files(packages: Mapping[str, Iterable[int]]) -> list[str]:
    return [f"{name}-latin-{weight}-normal.woff" for name, weights in packages.items() for weight in weights]


@cache
def font_masks(path: Path) -> dict[str, Mask]:
    """All 36 characters of a font as masks of one height.

    Args:
        path: a font file that FreeType reads (TrueType, OpenType, WOFF).
    """
    font = ImageFont.truetype(str(path), _CAPITAL_PIXELS)
    masks: dict[str, Mask] = {}
    for character in CHARACTERS:
        page = Image.new("L", (320, 320), 0)
        ImageDraw.Draw(page).text((80, 60), character, fill=255, font=font)
        masks[character] = trimmed(np.asarray(page, np.uint8))
    return masks


@cache
def _sized(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


def line_of_text(text: str, *, height: int, rng: np.random.Generator, family: str = "") -> Mask:
    """Set a line of small print (a slogan, a state's name, a dealer) as a mask, in a random face.

    Args:
        text: what it says.
        height: height of the mask in pixels.
        rng: draws the face.
        family: one of `FAMILIES` to set it in, where a font of it is installed; any other font without.
    """
    fonts = (family and of_family(family)) or installed()
    if fonts and rng.random() < 0.8:
        font = _sized(fonts[int(rng.integers(len(fonts)))], 40)
        box = font.getbbox(text)
        page = Image.new("L", (max(1, int(box[2] - box[0])), max(1, int(box[3] - box[1]))), 0)
        ImageDraw.Draw(page).text((-box[0], -box[1]), text, fill=255, font=font)
        mask = np.asarray(page, np.uint8)
    else:
        faces = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
                 cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)  # fmt: skip
        face = faces[int(rng.integers(len(faces)))]
        thickness = int(rng.integers(1, 4))
        (width, tall), below = cv2.getTextSize(text, face, 1.0, thickness)
        mask = np.zeros((tall + below + 2, width + 2), np.uint8)
        cv2.putText(mask, text, (1, tall), face, 1.0, 255, thickness, cv2.LINE_AA)
    width = max(1, round(mask.shape[1] * height / mask.shape[0]))
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
