"""Sends the post's own log to a file during acceptance: beside the questions it would read like failure."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from platepost.common.language import Phrase
from platepost.provisioning.errors import ProvisioningError

FILE = "acceptance.log"
MOST_BYTES = 1_000_000
"""Of the file; as much again is kept of what came before."""


class _Aside(RotatingFileHandler):
    """Follows no link: root writes in a folder that is not root's."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding=self.encoding)


@contextmanager
def log_aside(folder: Path) -> Iterator[Path]:
    """Have everything logged into `acceptance.log` in the folder of the post's state, and nothing at the terminal.

    Raises:
        ProvisioningError: the file cannot be written.

    """
    path = folder / FILE
    try:
        aside = _Aside(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8")
    except OSError as error:
        raise ProvisioningError(
            Phrase("{path}: the log cannot be written: {why}", path=str(path), why=str(error.strerror))
        ) from error
    aside.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers[:] = [aside]
    try:
        yield path
    finally:
        root.handlers[:] = before
        aside.close()


def is_to_be_kept_aside(*, verbose: bool) -> bool:
    """Say whether the log would stand between the questions: at a terminal, unless a person wants to read it."""
    return sys.stderr.isatty() and not verbose
