"""Which faults a running post has: what its parts name, damped where it comes and goes again and again."""

from collections.abc import Iterable

from platepost.device.clock.clock import Clock
from platepost.device.faults.flapping import FlapDampers
from platepost.device.part import Part
from platepost.wire.faults import Fault


class FaultMonitor:
    """Asks every part.

    Args:
        clock: by which what comes and goes must rest.

    """

    def __init__(self, clock: Clock) -> None:
        self.present: frozenset[Fault] = frozenset()
        """What `update` returned last."""
        self._clock = clock
        self._parts: tuple[Part, ...] = ()
        self._dampers = FlapDampers[Fault]()

    def watch(self, parts: Iterable[Part]) -> None:
        """Ask these parts from now on."""
        self._parts = tuple(parts)

    def update(self) -> frozenset[Fault]:
        """Ask every part now; from any thread. What flaps is named until it has rested."""
        named: dict[bool, set[Fault]] = {True: set(), False: set()}
        for part in self._parts:
            named[part.damped].update(part.faults())
        self.present = frozenset(self._dampers.settle(named[False], now=self._clock.steady()) | named[True])
        return self.present

    def undecided(self) -> frozenset[Fault]:
        """Ask every part what it cannot tell yet."""
        return frozenset(fault for part in self._parts for fault in part.undecided())
