"""The camera's side of aiming: looks at frames as they come, and keeps the latest look for those who ask."""

import logging
import threading
from dataclasses import dataclass
from time import monotonic

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import CameraError
from platepost.common.language import Phrase
from platepost.device.camera.background import BackgroundModel
from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.camera.tuning import UNIT, CameraTuning
from platepost.device.camera.view import Light
from platepost.device.frame import Frame
from platepost.device.vision.recognizer import Plate, Recognizer
from platepost.technician.aim.advice import (
    JUDGED,
    LEAST_CONTRAST,
    LEAST_SHARPNESS,
    PIXELS_ACROSS,
    Assessment,
    Road,
    judge,
)
from platepost.technician.aim.lanes import Lane, Lanes
from platepost.technician.aim.measurement import Measurement, measure
from platepost.technician.aim.movement import MovementDetector
from platepost.technician.aim.outlines import Outlines
from platepost.technician.aim.tracks import Tracks

REMEMBERED_SECONDS = 60.0
"""How long it is day after colors were seen: an empty gray road has none, and the next vehicle has."""
_COLORLESS = 8.0
"""Gray levels between a picture's channels in its most colorful hundredth, below which it is black and white."""


class LightSense:
    """Tells daylight from infrared by the colors of the last minute."""

    def __init__(self) -> None:
        self._colored: float | None = None

    def update(self, color: NDArray[np.uint8], *, at: float, lamp: bool) -> Light:
        """Say by which light an H x W x 3 frame was taken at `at` seconds; under the lamp colors may be false."""
        if lamp:
            return "infrared"
        if has_colors(color):
            self._colored = at
        return "day" if self._colored is not None and at - self._colored <= REMEMBERED_SECONDS else "infrared"

    def forget(self) -> None:
        """Begin again, as after the lamp was switched."""
        self._colored = None


def has_colors(color: NDArray[np.uint8]) -> bool:
    """Say whether an H x W x 3 frame has any: asphalt has few, by day too."""
    few = cv2.resize(color, (64, 36), interpolation=cv2.INTER_AREA).astype(np.float32)
    return float(np.percentile(few.max(axis=2) - few.min(axis=2), 99)) > _COLORLESS


log = logging.getLogger(__name__)

SHOWN_WIDTH = 960
"""Pixels across the picture on the page: enough for a phone held sideways, and light enough for its radio."""
_GREEN, _AMBER, _DARK, _WHITE = (60, 200, 40), (0, 190, 255), (16, 16, 16), (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame showed."""

    number: int
    assessment: Assessment
    """Of the lane that is judged."""
    lane: str | None
    """Its name; None where there is one lane only."""
    lanes: dict[str, Assessment]
    """All lanes from left to right, each with its assessment."""
    jpeg: bytes
    plates: tuple[tuple[Plate, Measurement], ...]
    size: tuple[int, int]
    """The frame's width and height in pixels."""
    light: Light
    at: float
    """`time.monotonic()` when it was taken."""
    moved: bool = False
    """Whether the view has moved, and too few vehicles passed since."""


class Watcher:
    """Looks through a camera in a thread of its own, until it is closed. The camera is opened and closed here."""

    def __init__(
        self,
        camera: Camera,
        recognizer: Recognizer,
        road: Road,
        *,
        outlines: Outlines | None = None,
        tuning: CameraTuning = UNIT,
    ) -> None:
        self._camera = camera
        self._hung_seconds = tuning.hung_seconds
        self._recognizer = recognizer
        self._road = road
        self._tracks = Tracks()
        self.lanes = Lanes()
        self.outlines = outlines or Outlines()
        """Lanes that reads name, as they are drawn."""
        self._light = LightSense()
        self.background = BackgroundModel()
        """What is seen without its vehicles."""
        self._movement = MovementDetector(self.background)
        self.moves = 0
        """How often the camera was clearly moved."""
        self._moved = False
        self._changed = threading.Condition()
        self._latest: Observation | None = None
        self._stop = threading.Event()
        self._forget = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aim", daemon=True)
        self.infrared = False
        """Whether the lamp is on: under it some sensors see false colors."""
        self.fault: str | None = None
        """Why there is nothing to see; None while there is."""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking and release the camera; a second call does nothing."""
        self._stop.set()
        self._camera.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        with self._changed:
            self._changed.notify_all()

    def switch(self, *, infrared: bool) -> None:
        """Look by the other light from now on; what was seen in the former no longer counts."""
        self.infrared = infrared
        self._camera.infrared(on=infrared)
        self._light.forget()
        self.forget()

    def forget(self) -> None:
        """Judge by what comes from now on only, as after the lens or the light was changed."""
        self._forget.set()

    @property
    def doubtful(self) -> bool:
        """Whether it looks as if the camera was being moved."""
        return self._movement.doubtful

    @property
    def latest(self) -> Observation | None:
        """The last look; None before the first."""
        return self._latest

    def wait(self, after: int | None, seconds: float) -> Observation | None:
        """Return a look later than number `after`; None if none comes in time."""

        def later() -> bool:
            return self._stop.is_set() or (self._latest is not None and self._latest.number != after)

        with self._changed:
            self._changed.wait_for(later, seconds)
            latest = self._latest
        return None if latest is None or latest.number == after else latest

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._camera:
                    self._watch()
            except CameraError as error:
                self.fault = str(error)
                log.warning("camera: %s", error)
            except Exception as error:  # one odd picture must not leave the technician with a still one
                self.fault = str(error) or type(error).__name__
                log.exception("a picture could not be judged")
            if self._camera.finite or self._stop.wait(1.0):
                return

    def _watch(self) -> None:
        capture = Capture(self._camera, queue_frames=1)
        capture.start()
        try:
            for frame in capture.frames():
                if self._stop.is_set():
                    return
                if frame is not None:
                    self.fault = None
                    self._take(self._observe(frame))
                elif capture.age > self._hung_seconds:
                    raise CameraError(Phrase("no new picture for {seconds} s", seconds=f"{self._hung_seconds:g}"))
        finally:
            self._camera.close()
            capture.stop()
            if capture.fault is not None:
                self.fault = str(capture.fault)

    def _take(self, observation: Observation) -> None:
        with self._changed:
            self._latest = observation
            self._changed.notify_all()

    def _observe(self, frame: Frame) -> Observation:
        if self._forget.is_set():
            self._forget.clear()
            self._drop()
            self.background.forget()
            self._movement.forget()
            self._moved = False
        self.background.update(frame.gray, frame.monotonic)
        if self._movement.has_moved():
            self._drop()
            self.moves += 1
            self._moved = True
        plates = self._recognizer.recognize(frame.gray).plates
        measured = tuple((plate, measure(frame.gray, plate.corners, text=plate.text)) for plate in plates)
        self._camera.meter(frame, [plate.box for plate in plates])
        self._tracks.add((measurement for _, measurement in measured), at=frame.monotonic)
        color = frame.color()
        light = self._light.update(color, at=frame.monotonic, lamp=self.infrared)
        height, width = frame.gray.shape
        self.lanes.take(self._tracks.passed(at=frame.monotonic))
        name, lane = self.lanes.judged()
        assessment = self._judge(lane, (width, height), light)
        self._moved = self._moved and len(assessment.vehicles) < JUDGED
        return Observation(
            number=frame.number,
            assessment=assessment,
            lane=name,
            lanes={name: self._judge(seen, (width, height), light) for name, seen in self.lanes.named().items()},
            jpeg=_drawn(color, measured, self.outlines),
            plates=measured,
            size=(width, height),
            light=light,
            at=monotonic(),
            moved=self._moved,
        )

    def _drop(self) -> None:
        self._tracks.clear()
        self.lanes.clear()

    def _judge(self, lane: Lane | None, size: tuple[int, int], light: Light) -> Assessment:
        infrared = light == "infrared"
        if lane is None:
            return judge([], size=size, road=self._road, infrared=infrared)
        return judge(lane.tracks, size=size, road=self._road, infrared=infrared, zoom_or_tilt=lane.zoom_or_tilt)


def _drawn(color: NDArray[np.uint8], measured: tuple[tuple[Plate, Measurement], ...], outlines: Outlines) -> bytes:
    scale = min(1.0, SHOWN_WIDTH / color.shape[1])
    size = (round(color.shape[1] * scale), round(color.shape[0] * scale))
    shown = cv2.resize(color, size, interpolation=cv2.INTER_AREA)
    for lane in outlines.lanes:
        corners = np.reshape(lane.outline, (-1, 2))
        _outline(shown, corners, closed=True)
        left, top = (corners.min(axis=0) * size).astype(int)
        cv2.putText(shown, lane.name, (left + 6, top + 26), cv2.FONT_HERSHEY_SIMPLEX, 0.8, _WHITE, 2)
    if outlines.corners:
        _outline(shown, np.array(outlines.corners), closed=False)
    for plate, measurement in measured:
        good = (
            measurement.width >= PIXELS_ACROSS
            and measurement.contrast >= LEAST_CONTRAST
            and measurement.sharpness >= LEAST_SHARPNESS
        )
        label = f"{plate.text}  {measurement.width:.0f} px"
        corners = np.round(plate.corners * scale).astype(np.int32)
        cv2.polylines(shown, [corners], isClosed=True, color=_GREEN if good else _AMBER, thickness=3)
        _write(shown, label, int(corners[:, 0].min()), int(corners[:, 1].min()), good=good)
    encoded, content = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 75])
    return content.tobytes() if encoded else b""


def _outline(shown: "cv2.typing.MatLike", corners: NDArray[np.floating], *, closed: bool) -> None:
    """Draw a lane around shares of the picture's width and height; one that is not closed shows its corners."""
    places = np.round(corners * (shown.shape[1], shown.shape[0])).astype(np.int32)
    for color, thickness in ((_DARK, 6), (_WHITE, 2)):
        cv2.polylines(shown, [places], isClosed=closed, color=color, thickness=thickness)
        for x, y in () if closed else places.tolist():
            cv2.circle(shown, (x, y), 4 + thickness, color, cv2.FILLED)


def _write(shown: "cv2.typing.MatLike", label: str, left: int, top: int, *, good: bool) -> None:
    (width, height), base = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 2)
    x = max(0, min(left, shown.shape[1] - width - 8))
    y = top - base - 4 if top > height + 2 * base else top + height + 80
    cv2.rectangle(shown, (x, y - height - base), (x + width + 8, y + base), _GREEN if good else _AMBER, cv2.FILLED)
    cv2.putText(shown, label, (x + 4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, _DARK, 2)
