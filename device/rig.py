"""What a post stands on: camera, board, time, chance and disk, on a unit as its configuration names them.

A simulator brings its own, and so plays a post that is the real one in every other part.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from device import backends
from device.board.base import Board
from device.board.none import LostBoard
from device.camera.base import Camera
from device.camera.capture import Capture
from device.clock.chrony import Chrony
from device.clock.clock import SYSTEM, Clock
from device.clock.timekeeper import TimeSource
from device.errors import BoardError
from device.frame import Frame
from device.health.machine import Readings, read_machine
from device.outbox.outbox import Outbox
from device.outbox.settings import OutboxSettings
from device.records import Recorder, new_identifier
from device.reporting.frames import Onlooker
from device.settings import BackendSettings
from device.uplink.uplink import Uplink
from device.vision.passages import Passage
from device.vision.pipeline import FrameResult
from device.vision.recognizer import Recognizer
from device.vision.settings import VisionSettings

log = logging.getLogger(__name__)


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


def nobody(_frame: Frame, _look: FrameResult, _passages: Sequence[Passage]) -> None:
    """Look at nothing: on a unit nobody is shown anything but records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """How a post gets what it stands on. The defaults are those of a unit."""

    camera: Callable[[BackendSettings], Camera] = camera
    board: Callable[[BackendSettings], Board] = board
    capture: Callable[..., Capture] = Capture
    recognizer: Callable[[VisionSettings], Recognizer] = Recognizer.of
    onlooker: Onlooker = nobody
    clock: Clock = SYSTEM
    time_source: Callable[[], TimeSource] = Chrony
    machine: Callable[[Path], Readings] = read_machine
    outbox: Callable[[OutboxSettings], Outbox] = Outbox.of
    recorder: Callable[..., Recorder] = Recorder.of
    identify: Callable[[], str] = new_identifier
    uplink: Callable[..., Uplink] = Uplink
    accepting: bool = False
    """Whether the post reads though nobody has accepted it: while a technician goes through the checklist."""
