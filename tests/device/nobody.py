"""A unit's own user, who is not root: what root's commands make must be of use to him."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root is missing: run the tests as root")


@contextmanager
def place_of_nobody() -> Iterator[Path]:
    """Make a folder `state` that is his only, where the way is open to everyone."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        state = Path(place) / "state"
        state.mkdir(mode=0o700)
        os.chown(state, NOBODY, NOBODY)
        yield state


@contextmanager
def nobody() -> Iterator[None]:
    """Be him; whatever is imported or loaded lazily must be there already, for the interpreter may be root's only."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
