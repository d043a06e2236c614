"""What a part of a running post is: a type with seven verbs, each of which does nothing unless it is overridden.

A post is a tuple of parts. It starts them in order, stops them in the opposite order, and in between passes them each
frame and polls them four times a second. A part gets the one or two others that it uses as arguments. A new fault is
its part and its row in `platepost.wire.faults`; a new part is its file and a line in `platepost.device.post`.
"""

from collections.abc import Collection
from typing import Protocol

from platepost.common.settings import Table
from platepost.device.frame import Frame
from platepost.wire.faults import Fault
from platepost.wire.records import Finding


class Tables(Protocol):
    """A configuration, by its tables: a part knows the settings of its own package and no others."""

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, hexadecimal."""
        ...

    @property
    def unusual(self) -> tuple[str, ...]:
        """Keys whose value is far from its default."""
        ...

    def table(self, kind: type[Table]) -> Table:
        """Return the table of a kind."""
        ...


class Part:
    """One part of a running post. All verbs but `faults` are called in the post's own thread.

    What cannot be stored while the post is stopping raises OutboxError, from any verb.
    """

    damped = False
    """Whether `faults` has already damped what comes and goes again and again."""
    reports_faults = False
    """Whether its `poll` uses the faults of all parts: it is polled after all others."""

    def start(self) -> None:
        """Begin, once, before the first frame."""

    def update(self, frame: Frame) -> None:
        """Take in a frame that the post evaluates; it must be quick."""

    def poll(self, now: float) -> None:
        """Do what is due, four times a second; `now` is steady seconds."""

    def faults(self) -> Collection[Fault]:
        """Return what is wrong at present. Quick, without side effects, from any thread."""
        return ()

    def undecided(self) -> Collection[Fault]:
        """Return faults that cannot be judged yet and soon will be: a configuration stays on trial until then."""
        return ()

    def findings(self) -> tuple[Finding, ...]:
        """Test itself while the post runs; never raises. From any thread."""
        return ()

    def adjust(self, tables: Tables) -> None:
        """Apply another configuration from the next frame on."""

    def stop(self) -> None:
        """End; a second call does nothing."""


class Interval:
    """Becomes due when a time has passed since it was last due: at once at first. One thread at a time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._next = float("-inf")

    def due(self, now: float) -> bool:
        """Return, once each time, whether it is due at `now` steady seconds."""
        if now < self._next:
            return False
        self._next = now + self.seconds
        return True
