"""What a post looks through and hangs on, and who looks over its shoulder: on a unit as its configuration names it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device import backends
from device.board.base import Board
from device.board.none import LostBoard
from device.camera.base import Camera
from device.errors import BoardError
from device.frame import Frame
from device.outbox import Outbox
from device.outbox.settings import OutboxSettings
from device.settings import BackendSettings
from device.vision.passages import Passage
from device.vision.pipeline import Look

log = logging.getLogger(__name__)

Onlooker = Callable[[Frame, Look, Sequence[Passage]], None]
"""Is shown each frame that was evaluated, what it brought, and the open passages; it must be quick and keep nothing."""


def camera(settings: BackendSettings) -> Camera:
    """Make the camera that a configuration names; it is not opened yet.

    Raises:
        BackendError: there is no such camera, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    return backends.camera(settings.backend, settings.settings)


def board(settings: BackendSettings) -> Board:
    """Make the board that a configuration names, or stand in for it where its pins cannot be had.

    Raises:
        BackendError: there is no such board, or what it needs is not installed.
        ConfigurationError: it does not know one of the settings.

    """
    try:
        return backends.board(settings.backend, settings.settings)
    except BoardError as error:
        log.error("%s; the post works without", error)  # noqa: TRY400 - it says all
        return LostBoard()


def nobody(_frame: Frame, _look: Look, _passages: Sequence[Passage]) -> None:
    """Look at nothing: on a unit nobody is shown anything but records."""


@dataclass(frozen=True, slots=True)
class Rig:
    """How a post gets its camera and board, which a simulator drives, and its outbox, which an acceptance watches."""

    camera: Callable[[BackendSettings], Camera] = camera
    board: Callable[[BackendSettings], Board] = board
    onlooker: Onlooker = nobody
    outbox: Callable[[OutboxSettings], Outbox] = Outbox.of
    accepting: bool = False
    """Whether the post reads though nobody has accepted it: while a technician goes through the checklist."""
