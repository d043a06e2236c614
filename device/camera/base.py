"""The camera protocol: what a post asks of anything that delivers frames."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the camera and when it was taken.

    `grey` is H x W uint8 luma, for motion, detection and reading; `colour` makes H x W x 3 uint8 BGR, and is called
    only when a picture is kept, so that a camera which delivers YUV converts nothing in vain. Both must stay valid as
    long as the frame does: a camera that reuses its buffers copies first.
    """

    number: int
    """Counts up from 0 since the camera was opened; a gap is frames that the camera itself lost."""
    captured: datetime
    """UTC, the middle of the exposure as well as the camera knows it."""
    monotonic: float
    """`time.monotonic()` of the same instant, seconds."""
    grey: NDArray[np.uint8]
    colour: Callable[[], NDArray[np.uint8]]


class Camera(ABC):
    """A source of frames.

    A backend *must* implement `open`, `close` and `frames`, and *may* override `finite` and `patient`. `close` is
    idempotent and may be called from another thread to end a blocked `frames`.
    """

    name: str = "camera"
    """How the camera is called in records and messages."""

    @abstractmethod
    def open(self) -> None:
        """Get ready to deliver frames.

        Raises:
            CameraError: the camera is missing, busy, or its footage unreadable.

        """

    @abstractmethod
    def close(self) -> None:
        """Release the camera; a second call does nothing."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """Yield frames in order, blocking until the next; ends only when footage ends or the camera is closed.

        Raises:
            CameraError: the camera stopped working.

        """

    @property
    def finite(self) -> bool:
        """Whether the frames end by themselves, as footage does and a lens does not."""
        return False

    @property
    def patient(self) -> bool:
        """Whether frames wait for whoever takes them, as footage at full speed does, so that none need be dropped."""
        return False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
