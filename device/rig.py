"""What a post stands on: camera, board, time, chance and disk, on a unit as its configuration names them.

A simulator brings its own, and so plays a post that is the real one in every other part.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from platepost.common.errors import BoardError
from platepost.common.settings import BackendSettings
from platepost.device import backends
from platepost.device.board.base import Board, UnavailableBoard
from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.camera.tuning import UNIT, CameraTuning
from platepost.device.clock.chrony import Chrony
from platepost.device.clock.clock import SYSTEM, Clock
from platepost.device.clock.timekeeper import TimeSource
from platepost.device.frame import Frame
from platepost.device.health.machine import Readings, read_machine
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.settings import OutboxSettings
from platepost.device.uplink.uplink import Uplink
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import FrameObserver, FrameResult
from platepost.device.vision.recognizer import Recognizer
from platepost.device.vision.settings import VisionSettings
from platepost.wire.records import Recorder, new_identifier

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
        log.error("%s; the post works without", error)
        return UnavailableBoard()


def no_observer(_frame: Frame, _result: FrameResult, _passages: Sequence[Passage]) -> None:
    """Ignore a frame: a unit passes on nothing but records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """How a post gets what it stands on. The defaults are those of a unit."""

    camera: Callable[[BackendSettings], Camera] = camera
    board: Callable[[BackendSettings], Board] = board
    capture: Callable[..., Capture] = Capture
    camera_tuning: CameraTuning = UNIT
    recognizer: Callable[[VisionSettings], Recognizer] = Recognizer.of
    observer: FrameObserver = no_observer
    clock: Clock = SYSTEM
    time_source: Callable[[], TimeSource] = Chrony
    machine: Callable[[Path], Readings] = read_machine
    outbox: Callable[[OutboxSettings], Outbox] = Outbox.of
    recorder: Callable[..., Recorder] = Recorder.of
    identify: Callable[[], str] = new_identifier
    uplink: Callable[..., Uplink] = Uplink
    accepting: bool = False
    """Whether the post reads before it has been accepted: while a technician goes through the checklist."""
