"""Labels that contradict their pictures, put right by someone who looked at them.

The sets stay as they are: their manifests have the labels, and figures are given as labeled and as corrected. What a
picture shows is a vehicle's plate, which has no place in a repository. So a correction has only a digest over the
picture's file and the text: it tells whoever has the picture whether a read is right, and no one else anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from platepost.models.evaluate.spelling import fold

FILE: Final = Path(__file__).with_name("corrections.json")


@dataclass(frozen=True, slots=True)
class Correction:
    """What is known of one picture whose label is wrong."""

    shows: str | None
    """`digest_of` the text that the picture shows; None where no one can tell it."""
    why: str
    """What the picture shows and the label does not, without the text."""
    checked: str
    """Who looked, at what, and when."""

    def accepts(self, picture: bytes, text: str) -> bool | None:
        """Return whether `text` is what the picture shows, with O as 0 and I as 1; None where no one can tell."""
        return None if self.shows is None else digest_of(picture, text) == self.shows


@cache
def corrections() -> Mapping[str, Correction]:
    """Return the corrections by the SHA-256 of the picture's file, hexadecimal."""
    entries = json.loads(FILE.read_text(encoding="utf-8"))["pictures"]
    return MappingProxyType({picture: Correction(**entry) for picture, entry in entries.items()})


def correction_of(picture: bytes) -> Correction | None:
    """Return the correction of a picture, given as the bytes of its file; None where its label stands."""
    return corrections().get(sha256(picture).hexdigest())


def digest_of(picture: bytes, text: str) -> str:
    """Return the digest under which a picture's text is noted: SHA-256 over the picture's file and the folded text."""
    return sha256(picture + fold(text).encode("ascii")).hexdigest()
