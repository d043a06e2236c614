"""What the conformance suite needs to know of the camera of slides; `make conformance` takes it by name."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import cv2

from platepost.device import backends
from platepost.device.camera.footage.recordings import open_recording
from tests.conformance.cameras import CLIP, CameraStand


@contextmanager
def slides() -> Iterator[CameraStand]:
    # A package that is installed announces its camera by entry point, and needs no `mock.patch.dict`.
    announced = mock.patch.dict(backends.CAMERAS, {"slides": "examples.backends.slides:SlideCamera"})
    with tempfile.TemporaryDirectory() as folder, announced:
        for number, still in enumerate(open_recording(CLIP).stills()):
            if number == 95:
                cv2.imwrite(str(Path(folder, "vehicle.jpg")), still.color())
                break
        yield CameraStand(
            backend="slides",
            settings={"folder": folder, "frames_per_second": 100},
            missing=lambda: backends.camera("slides", {"folder": "/nowhere"}),
            plate="6WDN917",  # what stands on the vehicle in view
            size=(1280, 720),
        )
