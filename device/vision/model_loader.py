"""The networks of a running post. A damaged model file is a named state of a post that runs, not the end of it.

A card that wears out damages files too. A post that ended for it would be silent; so it comes up without its networks,
says so, and looks again now and then: a file that was put right is taken without a restart.
"""

import logging
from collections.abc import Callable, Iterator

from platepost.common.errors import ModelError
from platepost.device.clock.clock import SYSTEM, Clock
from platepost.device.part import Interval, Part
from platepost.device.vision.recognizer import Recognizer
from platepost.version import __version__
from platepost.wire.faults import Fault
from platepost.wire.records import Model, Versions

log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0


class ModelLoader(Part):
    """Loads the networks, again and again if need be."""

    def __init__(self, load: Callable[[], Recognizer], *, clock: Clock = SYSTEM) -> None:
        """Load them; `load` raises ModelError where a file is missing or damaged.

        Raises:
            BackendError: the TFLite runtime is missing, which no file heals.

        """
        self._load = load
        self._retry = Interval(RETRY_SECONDS)
        self.on_loaded: Callable[[], object] = _nothing
        """Called when they have come later, in the post's own thread."""
        self.recognizer: Recognizer | None = None
        """The networks; None while a file is damaged."""
        self._try(clock.steady())

    @property
    def damaged(self) -> bool:
        """Whether the post is without its networks."""
        return self.recognizer is None

    def poll(self, now: float) -> None:
        """Load them if that is due."""
        if self.damaged and self._try(now):
            self.on_loaded()

    def faults(self) -> tuple[Fault, ...]:
        """Name it if a file is missing or damaged."""
        return (Fault.MODEL_DAMAGED,) if self.damaged else ()

    def _try(self, now: float) -> bool:
        if not self._retry.due(now):
            return False
        try:
            self.recognizer = self._load()
        except ModelError as error:
            log.error("nothing can be read: %s", error)
            return False
        return True


def versions_of(digest: str, recognizer: Recognizer | None) -> Versions:
    """Say what runs with a configuration of that digest; no models while there are none."""
    models = () if recognizer is None else tuple(_models(recognizer))
    return Versions(software=__version__, configuration=digest[:16], models=models)


def _models(recognizer: Recognizer) -> Iterator[Model]:
    yield Model(name="detector", digest=recognizer.detector.model.digest)
    yield Model(name="reader", digest=recognizer.reader.model.digest)
    if recognizer.region is not None:
        yield Model(name="region", digest=recognizer.region.model.digest)
    if recognizer.vehicle is not None:
        yield Model(name="vehicle", digest=recognizer.vehicle.model.digest)


def _nothing() -> None:
    """Do nothing when the networks come."""
