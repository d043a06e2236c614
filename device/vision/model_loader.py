"""The networks of a running post. A damaged model file is a named state of a post that runs, not the end of it.

A card that wears out damages files too. A post that ended for it would be silent; so it comes up without its networks,
says so, and looks again now and then: a file that was put right is taken without a restart.
"""

import logging
from collections.abc import Callable
from time import monotonic

from device.errors import ModelError
from device.vision.recogniser import Recogniser

log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0


class ModelLoader:
    """Loads the networks, again and again if need be."""

    def __init__(self, load: Callable[[], Recogniser]) -> None:
        """Load them; `load` raises ModelError where a file is missing or damaged.

        Raises:
            BackendError: the TFLite runtime is missing, which no file heals.

        """
        self._load = load
        self._next = 0.0
        self.recogniser: Recogniser | None = None
        """The networks; None while a file is damaged."""
        self.try_again()

    @property
    def damaged(self) -> bool:
        """Whether the post is without its networks."""
        return self.recogniser is None

    def try_again(self) -> bool:
        """Load them if that is due; return whether they have come."""
        if self.recogniser is not None or monotonic() < self._next:
            return False
        self._next = monotonic() + RETRY_SECONDS
        try:
            self.recogniser = self._load()
        except ModelError as error:
            log.error("nothing can be read: %s", error)  # noqa: TRY400 - it says all
            return False
        return True
