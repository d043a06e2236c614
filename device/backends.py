"""Backends chosen by name and loaded when they are first needed.

A post's camera and board are named in its configuration. The device's own backends stand in the tables here; other
packages, such as the simulator, announce theirs by entry point, so that nothing of theirs is imported on a post, nor
anything of a post's hardware on a desktop.
"""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platepost.common.errors import BackendError, ConfigurationError, installing
from platepost.common.settings import checked
from platepost.device.board.base import Board
from platepost.device.camera.base import Camera

CAMERAS: Mapping[str, str] = {
    "footage": "platepost.device.camera.footage.camera:FootageCamera",
    "picamera2": "platepost.device.camera.picamera2.camera:Picamera2Camera",
    "rtsp": "platepost.device.camera.rtsp.camera:RtspCamera",
    "v4l2": "platepost.device.camera.v4l2.camera:V4l2Camera",
}
BOARDS: Mapping[str, str] = {
    "none": "platepost.device.board.base:NullBoard",
    "rpi": "platepost.device.board.rpi:RpiBoard",
}
"""The device's own backends: name -> module:class."""
_EXTRAS: Mapping[str, str] = {"footage": "clips", "picamera2": "pi", "rpi": "pi", "rtsp": "rtsp"}
"""What installs what a backend needs: name -> extra of this package."""


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """Where a camera is that is no post's: `rtsp://HOST/PATH`, `rtsps://HOST/PATH`, or a device such as `/dev/video0`.

    The password comes from a file: whatever is in an address is in the list of processes and in the shell's history.
    """

    address: str
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None

    @staticmethod
    def is_one(text: str) -> bool:
        """Report whether a text is the address of a camera rather than the path of a file."""
        return text.lower().startswith(("rtsp://", "rtsps://", "/dev/video", "/dev/v4l/"))

    def __str__(self) -> str:
        return self.address

    @property
    def backend(self) -> str:
        """What a post's configuration calls such a camera."""
        return "v4l2" if self.address.startswith("/dev/") else "rtsp"

    @property
    def place(self) -> str:
        """Return a name for it: the host of a camera of the network, or the device."""
        return self.address if self.backend == "v4l2" else urlsplit(self.address).hostname or "camera"

    @property
    def settings(self) -> dict[str, Any]:
        """What a post's configuration would have in its table."""
        if self.backend == "v4l2":
            return {"device": self.address}
        files = {"password_file": self.password_file, "ca_file": self.ca_file}
        options = {name: str(path.absolute()) for name, path in files.items() if path is not None}
        return {"url": self.address, **options, **({} if self.user is None else {"user": self.user})}

    def camera(self) -> Camera:
        """Make the camera; it is not opened yet.

        Raises:
            BackendError: what it needs is not installed.
            ConfigurationError: the address has a password, or is none.

        """
        return camera(self.backend, self.settings)


def camera(name: str, settings: Mapping[str, Any]) -> Camera:
    """Make the camera called `name` with its own settings; it is not opened yet.

    Raises:
        BackendError: there is no such camera, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    camera = _make("camera", name, settings, own=CAMERAS, group="platepost.cameras")
    if not isinstance(camera, Camera):
        raise BackendError(f"camera {name!r} is a {type(camera).__name__}, which is not a Camera")
    return camera


def board(name: str, settings: Mapping[str, Any]) -> Board:
    """Make the board called `name` with its own settings.

    Raises:
        BackendError: there is no such board, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    board = _make("board", name, settings, own=BOARDS, group="platepost.boards")
    if not isinstance(board, Board):
        raise BackendError(f"board {name!r} is a {type(board).__name__}, which is not a Board")
    return board


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


def _factory(kind: str, name: str, *, own: Mapping[str, str], group: str) -> Any:
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
