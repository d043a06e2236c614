"""What a post sees, for people: its frame with the plates outlined and each passage's way through the picture."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.signals import current
from platepost.device.frame import Frame
from platepost.device.vision.geometry import Corners
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import FrameResult

WIDTH = 960
"""Pixels across the view."""
SECONDS_APART = 1 / 12
"""Views are for people: more of them a second would only cost the post."""
QUALITY = 72
_STOP_SECONDS = 5.0
WAY = 40
"""Points kept of a passage's way."""

_READING = (255, 214, 130)
_AGREED = (96, 232, 120)
_DARK = (22, 18, 14)
_FONT = cv2.FONT_HERSHEY_DUPLEX


@dataclass(frozen=True, slots=True)
class Seen:
    """One passage as it is at one frame."""

    corners: Corners
    """4 x 2 pixels of the frame."""
    way: tuple[tuple[float, float], ...]
    """The middle of its plate over the last frames, oldest first."""
    text: str
    confidence: float
    agreeing_frames: int
    frames: int
    safe: bool


class Ways:
    """Remembers the way of each open passage's plate through the picture."""

    def __init__(self) -> None:
        self._ways: dict[int, deque[tuple[float, float]]] = {}

    def follow(self, frame: Frame, passages: Sequence[Passage]) -> tuple[Seen, ...]:
        """Take in the open passages at a frame; return those that were seen in it."""
        self._ways = {p.number: self._ways.get(p.number) or deque(maxlen=WAY) for p in passages}
        seen = []
        for passage in passages:
            if passage.last.frame is not frame:
                continue
            way = self._ways[passage.number]
            way.append(passage.last.center)
            finding = passage.finding
            seen.append(
                Seen(
                    corners=passage.last.plate.corners,
                    way=tuple(way),
                    text=finding.text,
                    confidence=finding.confidence,
                    agreeing_frames=finding.agreeing_frames,
                    frames=finding.frames,
                    safe=passage.safe,
                )
            )
        return tuple(seen)


class Painter:
    """Paints in a thread of its own, the newest frame only, and nothing as long as no one watches."""

    def __init__(self, show: Callable[[bytes], None]) -> None:
        """Prepare; `show` is given each view, as JPEG."""
        self._show = show
        self._ways = Ways()
        self._frames: Queue[tuple[Frame, tuple[Seen, ...]]] = Queue(1)
        self._next = 0.0
        self._over = Event()
        self._thread = Thread(target=self._run, name="painter", daemon=True)
        self.watched = False
        """Whether anyone watches."""

    def start(self) -> None:
        """Begin to paint."""
        self._thread.start()

    def stop(self) -> None:
        """End; a second call does nothing."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(current().limit(_STOP_SECONDS))

    def update(self, frame: Frame, _result: FrameResult, passages: Sequence[Passage]) -> None:
        """Take in an evaluated frame, in the post's own thread: what takes time happens elsewhere."""
        seen = self._ways.follow(frame, passages)
        now = time.monotonic()
        if not self.watched or now < self._next:
            return
        self._next = now + SECONDS_APART
        try:
            self._frames.put_nowait((frame, seen))
        except Full:
            return

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                frame, seen = self._frames.get(timeout=0.2)
            except Empty:
                continue
            self._show(encode(paint(frame.color(), seen)))


def paint(color: NDArray[np.uint8], seen: Sequence[Seen]) -> NDArray[np.uint8]:
    """Return an H x W x 3 BGR frame at the view's width, with what was seen drawn into it."""
    height, width = color.shape[:2]
    scale = min(1.0, WIDTH / width)
    size = (round(width * scale), round(height * scale))
    view = np.asarray(cv2.resize(color, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    for passage in seen:
        _paint_passage(view, passage, scale)
    return view


def encode(view: NDArray[np.uint8]) -> bytes:
    """Return an H x W x 3 BGR picture as JPEG."""
    _, content = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return content.tobytes()


def _paint_passage(view: NDArray[np.uint8], passage: Seen, scale: float) -> None:
    color = _AGREED if passage.safe else _READING
    if len(passage.way) > 1:
        points = np.round(np.array(passage.way, dtype=np.float32) * scale).astype(np.int32)
        cv2.polylines(view, [points], isClosed=False, color=_DARK, thickness=4, lineType=cv2.LINE_AA)
        cv2.polylines(view, [points], isClosed=False, color=color, thickness=2, lineType=cv2.LINE_AA)
    corners = np.round(passage.corners * scale).astype(np.int32)
    cv2.polylines(view, [corners], isClosed=True, color=_DARK, thickness=5, lineType=cv2.LINE_AA)
    cv2.polylines(view, [corners], isClosed=True, color=color, thickness=2, lineType=cv2.LINE_AA)
    _paint_label(view, passage, corners, color)


def _paint_label(
    view: NDArray[np.uint8], passage: Seen, corners: NDArray[np.int32], color: tuple[int, int, int]
) -> None:
    agree = f"{passage.agreeing_frames} of {passage.frames} agree"
    (plate_width, plate_height), _ = cv2.getTextSize(passage.text, _FONT, 0.7, 1)
    (more_width, _), _ = cv2.getTextSize(agree, _FONT, 0.4, 1)
    width, height = max(plate_width, more_width) + 16, plate_height + 34
    left, top = corners.min(axis=0)
    x = int(np.clip(left, 0, max(0, view.shape[1] - width)))
    y = int(top) - height - 8 if top > height + 8 else int(corners.max(axis=0)[1]) + 8
    ground = view[max(0, y) : y + height, x : x + width]
    ground[:] = (ground * 0.2 + np.array(_DARK) * 0.8).astype(np.uint8)
    cv2.rectangle(view, (x, y), (x + 3, y + height - 1), color, cv2.FILLED)
    cv2.putText(view, passage.text, (x + 10, y + plate_height + 8), _FONT, 0.7, color, 1, cv2.LINE_AA)
    cv2.putText(view, agree, (x + 10, y + height - 9), _FONT, 0.4, (235, 235, 235), 1, cv2.LINE_AA)
