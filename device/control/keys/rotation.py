"""New signing keys of the department's, as the broker brings them to a running post."""

from functools import partial

from platepost.device.audit.rate_limit import RateLimitedAudit
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.control import SigningKeys
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.part import Interval
from platepost.device.uplink.inbox import Delivery, Handler
from platepost.device.uplink.uplink import Uplink
from platepost.wire.records import custody_keys_topic, keys_topic
from platepost.wire.records.topics import NAME

AGAIN_SECONDS = 600.0
"""How often what the disk did not take is tried again."""


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
        self._uplink: Uplink | None = None
        self._again = Interval(AGAIN_SECONDS)
        self._not_kept: dict[str, tuple[Handler, bool]] = {}
        """By topic, for what the disk did not take: who takes it when it comes again, and whether it is optional."""

    def listen(self, uplink: Uplink) -> None:
        """Have statements brought; a broker whose rights know nothing of custodians may refuse theirs."""
        if self._trust.configuration is None:
            return
        self._uplink = uplink
        for keys in (self._trust.lists, self._trust.configuration):
            uplink.subscribe(keys_topic(self._agency, keys.purpose), partial(self._receive, keys), small=True)
        # RabbitMQ brings what is retained to anyone who names the topic, and not for a filter.
        for name in ("+", *self._trust.custodians.names):
            topic = custody_keys_topic(self._agency, name)
            uplink.subscribe(topic, self._receive_custodian, optional=True, small=name != "+")

    def poll(self, now: float) -> None:
        """Look whether a key's time has passed, and now and then send again for what the disk did not take."""
        for keys in self._trust.all:
            keys.poll(self._timekeeper.now())
        self.audit()
        if self._uplink is not None and self._not_kept and self._again.due(now):
            for topic, (handler, optional) in tuple(self._not_kept.items()):
                self._uplink.subscribe(topic, handler, optional=optional)

    def audit(self) -> None:
        """Put into the audit trail what became of statements."""
        for keys in self._trust.all:
            self._say(keys)

    def changed(self) -> bool:
        """Tell, once, whether the status says something new."""
        return [keys.take_changed() for keys in self._trust.all].count(True) > 0

    def _receive(self, keys: SigningKeys, delivery: Delivery) -> None:
        changed = keys.receive(delivery.payload, at=self._timekeeper.now())
        self._say(keys)
        if keys.not_kept:
            self._not_kept[delivery.topic] = partial(self._receive, keys), keys.custodian is not None
        else:
            self._not_kept.pop(delivery.topic, None)
        if changed:
            self._trust.custodians.take(keys)
            keys.announce()

    def _receive_custodian(self, delivery: Delivery) -> None:
        name = delivery.topic.rpartition("/")[2]
        if NAME.fullmatch(name):
            self._receive(self._trust.custodians.named(name), delivery)

    def _say(self, keys: SigningKeys) -> None:
        for event in keys.take_events():
            self._audit.take(event)
