"""Where the .tflite files that ship lie."""

import importlib.util
from pathlib import Path

from platepost.common.errors import ModelError

SUMS = "SHA256SUMS"
"""Beside installed model files: their digests, in the form of sha256sum(1). A package brings it."""


def shipped(name: str) -> Path:
    """Path of the shipped model file `name`, such as "reader.tflite".

    They are in the package `platepost.models`, which is located and not imported: a post carries the files, and
    not the code that trained them.

    Raises:
        ModelError: the folder or the file is missing.

    """
    path = shipped_or_none(name)
    if path is None:
        raise ModelError(f"the model file {name} is not part of this installation; set its path in the configuration")
    return path


def shipped_or_none(name: str) -> Path | None:
    """Path of the shipped model file `name`, None where it is not there: for one that a post can do without."""
    specification = importlib.util.find_spec("platepost.models")
    for folder in (specification.submodule_search_locations if specification else None) or ():
        path = Path(folder) / name
        if path.is_file():
            return path
    return None


def check(path: Path, digest: str) -> None:
    """Compare a model file's SHA-256, hexadecimal, with the one that was installed, where that is known.

    The interpreter notices a file that is cut off; a flipped weight it runs.

    Raises:
        ModelError: they differ.

    """
    try:
        lines = (path.parent / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    known = {name.strip(" *"): known for known, _, name in (line.partition(" ") for line in lines)}
    if known.get(path.name, digest) != digest:
        raise ModelError(f"model file {path} is damaged: it is not what was installed")
