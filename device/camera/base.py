"""The camera protocol: what a post asks of anything that delivers frames."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Self

from platepost.device.frame import Frame


class Camera(ABC):
    """A source of frames.

    A backend *must* implement `open`, `close` and `frames`, and *may* override the rest. `close` is idempotent, may be
    called from another thread to end a blocked `frames`, and returns within seconds even where the camera hangs.
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
        """Whether frames wait for the consumer, as footage at full speed does, so that none need be dropped."""
        return False

    @property
    def noisy(self) -> bool:
        """Whether no two frames are alike to the last bit, as a sensor's noise makes sure; footage may stand still."""
        return True

    @property
    def encoded(self) -> bool:
        """Whether an encoder stands between a lens and the frames: then they may be alike, but not for a minute."""
        return False

    @property
    def attached(self) -> bool:
        """Whether it is part of this unit, so that a restart or a reboot may bring it back; a network camera is not."""
        return True

    @property
    def stuck(self) -> bool:
        """Whether it did not let go when it was closed, so that this process cannot open it again."""
        return False

    @property
    def lux(self) -> float | None:
        """How bright the scene is as the camera estimates it, in lux; None where it does not."""
        return None

    def infrared(self, *, on: bool) -> None:  # noqa: B027 - may be overridden
        """Take pictures by infrared light from now on, or by daylight; nothing where there is no difference."""

    def meter(  # noqa: B027 - may be overridden
        self, frame: Frame, plates: Sequence[tuple[float, float, float, float]]
    ) -> None:
        """Expose by a frame that it delivered, and the boxes of the plates in it; nothing where exposure is fixed.

        Boxes are (left, top, right, bottom) in pixels of `frame.gray`. Called in the thread that evaluates frames.
        """

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
