"""Framed plates on disk: drawn once, degraded again each time they are used.

Drawing a plate costs five times what degrading it does. The pool is two memory-mapped arrays that one process fills
while another already trains on what is there.
"""

import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from platepost.common.errors import PlatepostError
from platepost.models.plates import PlateImage, framed, render_plate
from platepost.models.plates.issuers import ISSUERS, SHARES, draw_look
from platepost.models.plates.surroundings import FRAMED_SHAPE
from platepost.models.plates.texts import anything

LONGEST: Final = 10
_HEIGHT: Final = 96
"""Height that plates are drawn at: the framed picture's own resolution and a little more."""
_ISSUED: Final = 0.4
"""Share of plates that look like an issuer's own, with its emblems, pictures and stacked letters where they stand."""


def reserve(folder: Path, *, size: int, seed: int) -> None:
    """Note what a pool is to be made of, before any plate is drawn.

    Raises:
        PlatepostError: the folder's pool is of another size or seed. An old one may not say its seed.
    """
    note, pictures = folder / "made_of.json", folder / "pictures.npy"
    expected = {"size": size, "seed": seed}
    stored = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    if pictures.exists():
        stored["size"] = len(np.lib.format.open_memmap(pictures, mode="r"))
        if expected | stored != expected:
            summary = f"{folder} holds {stored['size']} plates of seed {stored.get('seed', 'unknown')}"
            message = f"{summary}, not {size} of seed {seed}: give --pool and --seed as then, or another folder"
            raise PlatepostError(message)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(expected), encoding="utf-8")


class Pool:
    """Pictures (N x 96 x 240) and texts (N x 10 bytes, zero-padded) in a folder."""

    def __init__(self, folder: Path, *, size: int | None = None) -> None:
        """Open a pool.

        Args:
            folder: where it lies.
            size: plates it shall hold; makes it when given and absent.
        """
        pictures, texts = folder / "pictures.npy", folder / "texts.npy"
        if size is not None and not pictures.exists():
            folder.mkdir(parents=True, exist_ok=True)
            np.lib.format.open_memmap(pictures, mode="w+", dtype=np.uint8, shape=(size, *FRAMED_SHAPE))
            np.lib.format.open_memmap(texts, mode="w+", dtype=np.uint8, shape=(size, LONGEST))
        mode = "r" if size is None else "r+"
        self.pictures: npt.NDArray[np.uint8] = np.lib.format.open_memmap(pictures, mode=mode)
        self.texts: npt.NDArray[np.uint8] = np.lib.format.open_memmap(texts, mode=mode)

    def __len__(self) -> int:
        """Plates drawn so far (they are drawn in order)."""
        return int(np.searchsorted(self.texts[:, 0] == 0, True))

    def get(self, index: int) -> tuple[npt.NDArray[np.uint8], str]:
        """One framed plate and its text."""
        return self.pictures[index], bytes(self.texts[index]).rstrip(b"\0").decode()

    def fill(self, seed: int) -> None:
        """Draw what is missing; plate i depends on the seed and i alone."""
        for index in range(len(self), len(self.pictures)):
            rng = np.random.default_rng([seed, index])
            plate = _draw(rng)
            self.pictures[index] = framed(plate, rng)
            self.texts[index] = np.frombuffer(plate.text[:LONGEST].encode().ljust(LONGEST, b"\0"), np.uint8)


def _draw(rng: np.random.Generator) -> PlateImage:
    """Draw one plate; with an issuer's look, its serial is of no format in every second case."""
    if rng.random() >= _ISSUED:
        return render_plate(rng, height=_HEIGHT)
    look = draw_look(ISSUERS[int(rng.choice(len(SHARES), p=SHARES))], rng)
    return render_plate(rng, text=anything(rng) if rng.random() < 0.5 else None, design=look, height=_HEIGHT)
