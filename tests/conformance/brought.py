"""Cameras, boards and brokers of somebody else, held to the same suites: `make conformance CAMERA=module:stand`."""

import importlib
import os
from typing import Any


def brought(kind: str) -> tuple[str, ...]:
    """Return what is to be tried instead of ours, `module:function`; nothing where that is not asked for."""
    name = os.environ.get(f"PLATEPOST_{kind}", "")
    return (name,) if name else ()


def load(name: str) -> Any:  # noqa: ANN401 - a function or class of somebody else
    """Return what makes its stand."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
