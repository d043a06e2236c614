"""The lens, judged from its pictures: covered, out of focus, moved or dazzled, against the view that was accepted.

Once a second a frame is made small (64 x 36). The median of the last fifteen is the street without its vehicles; it is
compared with the accepted view (`platepost.device.camera.view`), in the light that it resembles most:

- *dazzled*: much of it is saturated;
- *blocked*: most places that had structure have none any more, relative to their brightness;
- *blurred*: the variance of the Laplacian, relative to the contrast, is a fraction of what was accepted (Pech-Pacheco
  et al., "Diatom autofocusing in brightfield microscopy", 2000);
- *moved*: phase correlation (Kuglin and Hines, 1975) of locally normalized pictures, which light changes little, finds
  the accepted view elsewhere, or not at all.

What is called so must have lasted, so that neither a lorry nor a sunbeam makes a fault. Without an accepted view only
what is plain without it is said: dazzled, and blocked when nothing at all is to be seen. The limits were set on the
project's footage, altered: tests/device/camera/test_lens.py shows what each finds.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import ConfigurationError
from platepost.device.camera.background import BackgroundModel
from platepost.device.camera.registration import correlation, normalized
from platepost.device.camera.view import FILE as VIEW_FILE
from platepost.device.camera.view import HEIGHT, WIDTH, View, Views, load_views
from platepost.device.frame import Frame
from platepost.device.part import Interval, Part
from platepost.wire.faults import Fault

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 1.0
READ_SECONDS = 5.0
"""How often it is looked whether another view was accepted."""
HOLD_SECONDS = 20.0
"""How long something must be seen before it is a fault. With the median's delay a fault is named within 40 s."""
HEAL_SECONDS = 10.0
"""How long it must not be seen before it is none; with the median's delay it heals within 30 s."""

SATURATED, SATURATED_SHARE = 250, 0.25
"""Gray level and share of the picture: at a quarter the road itself is gone."""
BLACK, BLACK_SHARE = 16, 0.9
"""A black picture has no structure to judge by: the camera's own faults name it."""
TILE = 6, 8
"""Rows and columns of the small picture that are one place."""
STRUCTURE, FLAT, FLAT_SHARE = 0.04, 0.3, 0.4
"""Relative contrast from which a place has structure; fraction of it that is left; share of such places."""
PLAIN = 0.012
"""Relative contrast below which a place shows nothing, with or without an accepted view."""
SHARPNESS = 0.35
"""Fraction of the accepted sharpness: a blur by 1.5 px in 1280 leaves 0.15 or less, dusk 0.75."""
SHIFT, FOUND = 1.0, 0.4
"""Small pixels (20 px in 1280, twice the sway of a pole in wind) and height of the correlation's peak."""
UNLIKE = 0.2
"""Correlation in place below which it is another view; a different hour leaves more."""
LIKE_LIGHT = 3.0
"""By which factor brightness may differ from the accepted view's: beyond, it is night and no judgment."""


SEEN = (Fault.LENS_BLOCKED, Fault.LENS_BLURRED, Fault.LENS_DAZZLED, Fault.LENS_MOVED)
"""What can be wrong with a lens."""


@dataclass(slots=True)
class _Held:
    """Since when a fault is seen, or not seen any more."""

    turned: float = 0.0
    seen: bool = False
    present: bool = False


class LensMonitor(Part):
    """Watches the lens through its frames. One thread at a time."""

    def __init__(self, folder: Path | None = None, *, views: Views | None = None) -> None:
        """Watch against the accepted views in `folder`, which may come and change, or else against `views`."""
        self._views = views or Views()
        self._folder = folder
        self._views_written: int | None = None
        self._views_unread: int | None = None
        self._read = Interval(READ_SECONDS)
        self._background = BackgroundModel(sample_seconds=SAMPLE_SECONDS)
        self._held = {fault: _Held() for fault in SEEN}

    def update(self, frame: Frame) -> None:
        """Take in a frame, once a second."""
        self.watch(frame.gray, frame.monotonic)

    def poll(self, now: float) -> None:
        """Take the accepted views as they are now: a technician may just have accepted another."""
        if self._folder is None or not self._read.due(now):
            return
        try:
            written = (self._folder / VIEW_FILE).stat().st_mtime_ns
        except OSError:
            written = None
        if written == self._views_written:
            self._views_unread = None
            return
        try:
            self._views = load_views(self._folder)
        except ConfigurationError as error:  # a card that failed once must not leave the lens unjudged for good
            if written != self._views_unread:
                log.warning("%s", error)
            self._views_unread = written
        else:
            self._views_written, self._views_unread = written, None

    def faults(self) -> frozenset[Fault]:
        """Name what is wrong with the lens, and whether the accepted views are damaged."""
        damaged = {Fault.VIEW_DAMAGED} if self._views_unread is not None else set()
        return frozenset(fault for fault, held in self._held.items() if held.present) | damaged

    def watch(self, gray: NDArray[np.uint8], monotonic: float) -> None:
        """Take in an H x W uint8 frame taken at `monotonic` seconds; most frames cost nothing."""
        frames = self._background.frames
        if self._background.update(gray, monotonic) and self._background.frames > frames:
            self._hold(judge(*self._background.median, self._views), monotonic)

    def _hold(self, seen: frozenset[Fault], now: float) -> None:
        for fault, held in self._held.items():
            if (fault in seen) != held.seen:
                held.seen, held.turned = fault in seen, now
            if now - held.turned >= (HOLD_SECONDS if held.seen else HEAL_SECONDS):
                held.present = held.seen


def judge(street: NDArray[np.uint8], sharpness: float, views: Views) -> frozenset[Fault]:
    """Say what is wrong with a view of the street, 36 x 64 gray levels, of a given `frame_sharpness`."""
    if np.mean(street >= SATURATED) >= SATURATED_SHARE:
        return frozenset({Fault.LENS_DAZZLED})
    if np.mean(street < BLACK) >= BLACK_SHARE:
        return frozenset()
    seen = contrast(street)
    if np.mean(seen < PLAIN) >= 1 - FLAT_SHARE:
        return frozenset({Fault.LENS_BLOCKED})
    view = resembled(street, views)
    if view is None:
        return frozenset()
    accepted = contrast(view.picture)
    structured = accepted >= STRUCTURE
    if structured.any() and np.mean(seen[structured] < FLAT * accepted[structured]) >= FLAT_SHARE:
        return frozenset({Fault.LENS_BLOCKED})
    wrong = set()
    if sharpness / _liveliness(street) < SHARPNESS * view.sharpness / _liveliness(view.picture):
        wrong.add(Fault.LENS_BLURRED)
    if _elsewhere(street, view.picture):
        wrong.add(Fault.LENS_MOVED)
    return frozenset(wrong)


def resembled(street: NDArray[np.uint8], views: Views) -> View | None:
    """Return the accepted view that this one resembles most, of those in a like light."""
    mean = float(street.mean())
    views_alike = [
        view
        for view in (views.day, views.infrared)
        if view is not None and 1 / LIKE_LIGHT < mean / max(1.0, float(view.picture.mean())) < LIKE_LIGHT
    ]
    return max(views_alike, key=lambda view: correlation(street, view.picture), default=None)


def contrast(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the standard deviation of each place of a small picture relative to its brightness, 6 x 8."""
    tiles = _tiles(picture)
    relative: NDArray[np.float64] = tiles.std(axis=(1, 3)) / (tiles.mean(axis=(1, 3)) + 8)
    return relative


def _liveliness(picture: NDArray[np.uint8]) -> float:
    """Return the variance within the places of a small picture; a large dark thing before a bright one adds none."""
    return float(np.median(_tiles(picture).var(axis=(1, 3)))) + 1.0


def _tiles(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows, columns = TILE
    return picture.astype(np.float64).reshape(HEIGHT // rows, rows, WIDTH // columns, columns)


def _elsewhere(street: NDArray[np.uint8], accepted: NDArray[np.uint8]) -> bool:
    """Say whether the accepted view is found in another place, or not at all."""
    window = cv2.createHanningWindow((WIDTH, HEIGHT), cv2.CV_32F)
    (x, y), peak = cv2.phaseCorrelate(normalized(accepted), normalized(street), window)
    shifted = peak >= FOUND and float(np.hypot(x, y)) >= SHIFT
    return bool(shifted or correlation(street, accepted) < UNLIKE)
