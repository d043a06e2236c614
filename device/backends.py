"""Backends chosen by name and loaded when they are first needed.

A post's camera and board are named in its configuration. The device's own backends stand in the tables here; other
packages, such as the simulator, announce theirs by entry point, so that nothing of theirs is imported on a post, nor
anything of a post's hardware on a desktop.
"""

import importlib
import inspect
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from platepost.common.errors import BackendError, ConfigurationError, installing
from platepost.common.settings import checked
from platepost.device.board.base import Board
from platepost.device.camera.base import Camera

CAMERAS: Mapping[str, str] = {
    "footage": "platepost.device.camera.footage.camera:FootageCamera",
    "picamera2": "platepost.device.camera.picamera2.camera:Picamera2Camera",
    "rtsp": "platepost.device.camera.rtsp.camera:RtspCamera",
}
BOARDS: Mapping[str, str] = {
    "none": "platepost.device.board.null:NullBoard",
    "rpi": "platepost.device.board.rpi:RpiBoard",
}
"""The device's own backends: name -> module:class."""
_EXTRAS: Mapping[str, str] = {"footage": "clips", "picamera2": "pi", "rpi": "pi", "rtsp": "rtsp"}
"""What installs what a backend needs: name -> extra of this package."""


def camera(name: str, settings: Mapping[str, Any]) -> Camera:
    """Make the camera called `name` with its own settings; it is not opened yet.

    Raises:
        BackendError: there is no such camera, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    made = _make("camera", name, settings, own=CAMERAS, group="platepost.cameras")
    if not isinstance(made, Camera):
        raise BackendError(f"camera {name!r} is a {type(made).__name__}, which is not a Camera")
    return made


def board(name: str, settings: Mapping[str, Any]) -> Board:
    """Make the board called `name` with its own settings.

    Raises:
        BackendError: there is no such board, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    made = _make("board", name, settings, own=BOARDS, group="platepost.boards")
    if not isinstance(made, Board):
        raise BackendError(f"board {name!r} is a {type(made).__name__}, which is not a Board")
    return made


def check_camera(name: str, settings: Mapping[str, Any]) -> None:
    """Check the settings of a camera as far as that can be done without its hardware.

    Raises:
        BackendError: there is no such camera.
        ConfigurationError: a setting is not known, or has a value that cannot be.

    """
    _check("camera", name, settings, own=CAMERAS, group="platepost.cameras")


def check_board(name: str, settings: Mapping[str, Any]) -> None:
    """Check the settings of a board likewise.

    Raises:
        BackendError: there is no such board.
        ConfigurationError: a setting is not known, or has a value that cannot be.

    """
    _check("board", name, settings, own=BOARDS, group="platepost.boards")


def _check(kind: str, name: str, settings: Mapping[str, Any], *, own: Mapping[str, str], group: str) -> None:
    factory = _factory(kind, name, own=own, group=group)
    model = getattr(factory, "settings_model", None)
    if model is not None:
        checked(model, settings, table=f"{kind}.{name}")
        return
    try:  # a backend without a model says by its arguments at least which settings it knows
        inspect.signature(factory).bind(**settings)
    except TypeError as error:
        raise ConfigurationError(f"[{kind}.{name}] {error}") from error


def _make(kind: str, name: str, settings: Mapping[str, Any], *, own: Mapping[str, str], group: str) -> object:
    factory = _factory(kind, name, own=own, group=group)
    try:
        return factory(**settings)
    except ImportError as error:  # of a library that is imported only for those who use it
        raise BackendError(_lacks(kind, name, error)) from error
    except TypeError as error:
        raise ConfigurationError(f"[{kind}.{name}] {error}") from error


def _factory(kind: str, name: str, *, own: Mapping[str, str], group: str) -> Any:  # noqa: ANN401 - a class, or what makes one
    try:
        if name in own:
            module, _, attribute = own[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        brought = {entry.name: entry for entry in entry_points(group=group)}
        if name not in brought:
            known = ", ".join(sorted({*own, *brought})) or "none"
            raise BackendError(f"no {kind} is called {name!r}; installed: {known}")
        return brought[name].load()
    except ImportError as error:
        raise BackendError(_lacks(kind, name, error)) from error


def _lacks(kind: str, name: str, error: ImportError) -> str:
    """Say what a backend needs that is not installed, and what installs it if that is known."""
    extra = _EXTRAS.get(name)
    return f"{kind} {name!r} needs {error.name}, which is not installed{f': {installing(extra)}' if extra else ''}"
