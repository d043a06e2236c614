"""Redacting footage: look at every frame, follow what was found, cover it, look again, and only then write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import CameraError
from platepost.common.signals import check
from platepost.device.camera.footage.recordings import Recording
from platepost.device.frame import Box
from platepost.device.vision.recognizer import Recognizer, as_gray
from platepost.simulator.errors import RedactionError
from platepost.simulator.redaction.cover import cover, grown, seen
from platepost.simulator.redaction.faces import Faces
from platepost.simulator.redaction.share import ShareWriter
from platepost.simulator.redaction.tracks import Find, covered, follow

PLATE_SCORE = 0.2
"""Half of what a post takes for a plate: such a find counts along the way of a plate that was surely found once."""
PLATE_SURE = 0.3
"""Still below a post's 0.4: a cover too many costs less than a plate that is read."""
FACE_SURE = 0.5
NEARER = 0.6
"""Tiles in which plates are looked for besides, in heights of the picture."""
TILE_TRUST = 0.75
"""What a find in a tile counts: seen from so near, much looks like a plate."""
SIGHT = 0.15
"""Confidence from which on a text that is still read counts as legible."""
LEGIBLE = 3
"""Characters that it has at least."""
LEFT = 0.1
"""Share of such a text that lies outside of what is covered."""
LEAST_SIDE = 2
"""Pixels; the colors of a video are kept for squares of so many."""
LOOKS = 4
"""How often a frame is covered and looked at again before it is given up."""

Progress = Callable[[str, int, int], None]
"""Told the stage, and how many frames are done of how many; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """What a redaction came to."""

    frames: int
    plates: int
    """Things that were covered as plates, each over all its frames."""
    faces: int
    covers: int
    """Boxes covered, over all frames."""
    again: int
    """Boxes that only the second look found, on what was covered already."""


class Redactor:
    """Redacts one recording."""

    def __init__(
        self,
        *,
        always: Sequence[Box] = (),
        progress: Progress = lambda _stage, _done, _of: None,
    ) -> None:
        """Load what looks.

        Args:
            always: boxes that are covered in every frame besides.
            progress: is told how far it is.

        """
        self._recognizer = Recognizer.load(minimum_confidence=SIGHT)
        self._faces = Faces()
        self._always = tuple(always)
        self._progress = progress

    def redact(self, recording: Recording, out: Path) -> Redacted:
        """Write the recording without plates and faces.

        Raises:
            CameraError: it cannot be played.
            RedactionError: a plate could still be read after all, or the file cannot be written; then there is none.

        """
        size = next(iter(recording.stills())).gray.shape
        if min(size) < LEAST_SIDE:
            raise RedactionError(f"a picture of {size[1]} x {size[0]} pixels is too small for a video")
        covers = again = 0
        try:
            # Before anything is looked at, which takes minutes: it may be that it cannot be written.
            with ShareWriter(out, size=(size[1], size[0])) as writer:
                found_plates, found_faces = self._detect(recording)
                frames = len(found_plates)
                plates, faces = follow(found_plates, sure=PLATE_SURE), follow(found_faces, sure=FACE_SURE)
                boxes = [
                    [*self._always, *one, *other]
                    for one, other in zip(covered(plates, frames), covered(faces, frames), strict=True)
                ]
                for number, still in enumerate(recording.stills()):
                    check()
                    self._progress("covering", number, len(boxes))
                    picture, more = self._covered(still.color(), boxes[number], number)
                    again += more
                    covers += len(boxes[number]) + more
                    writer.add(picture, still.seconds)
        except CameraError:
            raise
        except OSError as error:
            raise RedactionError(f"{out}: cannot be written ({error})") from error
        return Redacted(frames=frames, plates=len(plates), faces=len(faces), covers=covers, again=again)

    def _detect(self, recording: Recording) -> tuple[list[list[Find]], list[list[Find]]]:
        self._recognizer.detector.minimum_score = PLATE_SCORE
        plates: list[list[Find]] = []
        faces: list[list[Find]] = []
        for number, still in enumerate(recording.stills()):
            check()
            self._progress("looking", number, recording.count())
            plates.append(self._plates(still.gray))
            # In every one, though it takes most of the time: the pictures beside it, in a folder or in speeded-up
            # footage, may show another scene, and then no track fills a gap.
            faces.append(self._faces.find(still.color()))
        return plates, faces

    def _plates(self, gray: NDArray[np.uint8]) -> list[Find]:
        """Find plates in the whole picture, and in tiles in which those far away are larger."""
        detector = self._recognizer.detector
        plates = [Find(detection.box, detection.score) for detection in detector.detect(gray)]
        side = round(gray.shape[0] * NEARER)
        for top in {0, gray.shape[0] - side}:
            for left in range(0, max(1, gray.shape[1] - side // 2), side):
                tile = np.ascontiguousarray(gray[top : top + side, left : left + round(side * 16 / 9)])
                for detection in detector.detect(tile):
                    x, y, right, bottom = detection.box
                    box = (x + left, y + top, right + left, bottom + top)
                    plates.append(Find(box, detection.score * TILE_TRUST))
        return plates

    def _covered(self, color: NDArray[np.uint8], boxes: list[Box], number: int) -> tuple[NDArray[np.uint8], int]:
        more: list[Box] = []
        self._recognizer.detector.minimum_score = PLATE_SURE
        for _ in range(LOOKS):
            picture = cover(color, [*boxes, *more])
            # What is read into a cover itself is read into nothing.
            legible = [
                plate.box
                for plate in self._recognizer.recognize(as_gray(picture)).plates
                if len(plate.text) >= LEGIBLE and seen(picture, [*boxes, *more], plate.box) > LEFT
            ]
            if not legible:
                return picture, len(more)
            more += [grown(box) for box in legible]
        raise RedactionError(f"frame {number}: something can still be read in it; nothing was written")
