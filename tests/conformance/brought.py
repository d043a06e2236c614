"""Cameras, boards and brokers of someone else, held to the same suites: `make conformance CAMERA=module:stand`."""

import importlib
import os
from typing import Any

import pytest


def brought(kind: str, ours: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is to be tried: another's, `module:function` or an address, or one of ours; else all of ours.

    Raises:
        pytest.UsageError: what is asked for is neither.

    """
    name = os.environ.get(f"PLATEPOST_{kind}", "")
    if name and ":" not in name and not name.startswith("/dev/") and name not in ours:
        raise pytest.UsageError(f"{kind}={name}: expected module:function, or one of {', '.join(ours)}")
    return (name,) if name else ours


def load(name: str) -> Any:
    """Return what makes its stand."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
