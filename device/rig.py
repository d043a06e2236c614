"""What a post looks through and hangs on, and who looks over its shoulder: on a unit as its configuration names it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device import assembly, backends
from device.board.base import Board
from device.board.none import LostBoard
from device.camera.base import Camera
from device.config import BackendSection, Configuration
from device.errors import BoardError
from device.frame import Frame
from device.outbox import Outbox
from device.vision.passages import Passage
from device.vision.pipeline import Look

log = logging.getLogger(__name__)

Onlooker = Callable[[Frame, Look, Sequence[Passage]], None]
"""Is shown each frame that was evaluated, what it brought, and the open passages; it must be quick and keep nothing."""


def camera(section: BackendSection) -> Camera:
    """Make the camera that a configuration names; it is not opened yet.

    Raises:
        BackendError: there is no such camera, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    return backends.camera(section.backend, section.settings)


def board(section: BackendSection) -> Board:
    """Make the board that a configuration names, or stand in for it where its pins cannot be had.

    Raises:
        BackendError: there is no such board, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    try:
        return backends.board(section.backend, section.settings)
    except BoardError as error:
        log.error("%s; the post works without", error)  # noqa: TRY400 - it says all
        return LostBoard()


def nobody(_frame: Frame, _look: Look, _passages: Sequence[Passage]) -> None:
    """Look at nothing: on a unit nobody is shown anything but records."""


@dataclass(frozen=True, slots=True)
class Rig:
    """How a post gets its camera and board, which a simulator drives, and its outbox, which an acceptance watches."""

    camera: Callable[[BackendSection], Camera] = camera
    board: Callable[[BackendSection], Board] = board
    onlooker: Onlooker = nobody
    outbox: Callable[[Configuration], Outbox] = assembly.outbox
    accepting: bool = False
    """Whether the post reads though nobody has accepted it: while a technician goes through the checklist."""
