"""A camera that shows the photos of a folder, over and over: about the smallest backend that a post accepts."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import cv2

import platepost


class SlideCamera(platepost.Camera):
    # The keywords are the settings: the table [camera.slides] of the post's configuration.
    def __init__(self, *, folder: str, frames_per_second: float = 10.0) -> None:
        self._folder = Path(folder)
        self._seconds = 1 / frames_per_second
        self._photos: list = []
        self._closed = Event()
        self.name = f"slides {folder}"

    def __repr__(self) -> str:
        return f"<SlideCamera {self._folder} {'open' if self._photos else 'closed'}>"

    @property
    def noisy(self) -> bool:
        return False  # slides repeat to the last bit; of a lens, a post takes that for a frozen picture

    def open(self) -> None:
        files = sorted(self._folder.glob("*.jpg"))
        if not files:
            raise platepost.CameraError(f"{self._folder}: no photos")
        self._photos = [platepost.load_photo(file) for file in files]
        self._closed.clear()

    def close(self) -> None:
        self._closed.set()  # ends `frames`, whichever thread waits in it
        self._photos = []

    def frames(self) -> Iterator[platepost.Frame]:
        photos, number = self._photos, 0
        if not photos:
            raise platepost.CameraError(f"{self._folder}: the camera is not open")
        while not self._closed.wait(self._seconds):
            photo = photos[number % len(photos)]
            yield platepost.Frame(
                number=number,
                captured=datetime.now(UTC),
                monotonic=time.monotonic(),
                gray=cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY),
                color=lambda photo=photo: photo,
            )
            number += 1
