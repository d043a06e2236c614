"""New signing keys of the department's, as the broker brings them to a running post."""

from collections.abc import Callable
from functools import partial

from device.audit.rate_limit import RateLimitedAudit
from device.clock.timekeeper import Timekeeper
from device.control import SigningKeys
from device.control.keys.trust import TrustedKeys
from device.records import keys_topic
from device.uplink.inbox import Delivery


class KeyRotation:
    """Listens for statements about keys, and says in the audit trail what became of each.

    Args:
        trust: the keys.
        agency: whose post it is.
        audit: the audit trail.
        timekeeper: the time.

    """

    def __init__(self, trust: TrustedKeys, *, agency: str, audit: RateLimitedAudit, timekeeper: Timekeeper) -> None:
        self._trust = trust
        self._agency = agency
        self._audit = audit
        self._timekeeper = timekeeper

    @property
    def subscriptions(self) -> dict[str, Callable[[Delivery], None]]:
        """What to listen to."""
        return {keys_topic(self._agency, keys.purpose): partial(self._receive, keys) for keys in self._trust.all}

    def tick(self) -> None:
        """Look whether a key's time has passed."""
        for keys in self._trust.all:
            keys.tick(self._timekeeper.now())
        self.audit()

    def audit(self) -> None:
        """Put into the audit trail what became of statements."""
        for keys in self._trust.all:
            for event in keys.take_events():
                self._audit.take(event)

    def changed(self) -> bool:
        """Tell, once, whether the status says something new."""
        return [keys.take_changed() for keys in self._trust.all].count(True) > 0

    def _receive(self, keys: SigningKeys, delivery: Delivery) -> None:
        changed = keys.receive(delivery.payload, at=self._timekeeper.now())
        self.audit()
        if changed:
            keys.announce()
