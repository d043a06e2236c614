"""Keeps what a post and its department log off the terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Keep their warnings off the terminal, where the outcome tells what matters; `-v` shows them."""
    loggers = [logging.getLogger(name) for name in ("platepost.device", "platepost.department")]
    before = [logger.level for logger in loggers]
    if logging.getLogger().level >= logging.WARNING:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
