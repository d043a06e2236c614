"""Hot lists from the broker: whole, or in parts that are sent for one after another."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Protocol

from platepost.common.files import make_folder
from platepost.device.hotlist.service import NOT_STORED, Installation
from platepost.device.part import Interval, Part
from platepost.device.uplink.inbox import Delivery, Handler
from platepost.wire.hotlist import HotListRefused, RefusalReason
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.package import Package
from platepost.wire.hotlist.parts import Assembly, is_index, read_index
from platepost.wire.records import hotlist_delta, hotlist_keys, hotlist_package, hotlist_part

log = logging.getLogger(__name__)

_MAY_PASS = frozenset(
    {
        RefusalReason.WRONG_BASE,
        RefusalReason.WRONG_KEY,
        RefusalReason.BAD_SIGNATURE,
        RefusalReason.OLDER,
        RefusalReason.EXPIRED,
        RefusalReason.BUILT_IN_FUTURE,
        NOT_STORED,
    }
)
"""Reasons for which a package is not taken now and may be later: another list, key or time, or room, may come."""

_MAY_PASS_BY_ITSELF = (NOT_STORED, RefusalReason.BUILT_IN_FUTURE.value)
"""Those of which no one says when they have passed: room is made, and the publisher's clock was minutes ahead."""

RETRY_SECONDS, RETRY_MOST_SECONDS = 60.0, 3600.0
"""When what may pass by itself is sent for again, at first and at last, doubling: each time costs a package, and once a
minute over a radio link that would be ten gigabytes a day."""
SILENT_SECONDS = 600.0
"""How long nothing has come of what was sent for when it is sent for again at first, doubling likewise: a broker may
send what it retains only once, and keep nothing of it where the connection breaks on the way, as RabbitMQ 4 does. Eight
parts of a MiB take less over 128 kbit/s."""
PARTS_AT_A_TIME = 8
"""Parts sent for and not come yet: as many as keep the link busy, and no more than memory should hold."""


class Installer(Protocol):
    """What puts packages in force: the post's lists."""

    @property
    def recipient(self) -> str:
        """Thumbprint of the post's key, to which keys of epochs are encrypted."""
        ...

    def install(self, package: Package) -> Installation:
        """Take a package, or say why not."""
        ...

    def install_keys(self, message: bytes) -> Installation:
        """Take the keys of epochs, or say why not."""
        ...

    def examine(self, line: bytes) -> Manifest:
        """Judge a package by its manifest alone. Raises HotListRefused."""
        ...

    def refuse(self, refusal: HotListRefused) -> Installation:
        """Say that a package was not taken, and why."""
        ...

    def on_installed(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every installation."""
        ...


class RetainedTopics(Protocol):
    """Where topics are subscribed to; from any thread."""

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Have what a topic retains come again, and all that comes there handled."""
        ...

    def unsubscribe(self, topic: str) -> None:
        """End that."""
        ...


class HotListDownload(Part):
    """Takes what stands on the agency's hot-list topics.

    What cannot be taken now but perhaps later is sent for again: a delta that came before its base once another list is
    in force, a package that came before the keys of its epoch once these have come, a package of a key that is not
    known yet when keys have changed, one that had expired, or was yet to be built, by a clock that was set since, one
    that the disk had no room for or that was yet to be built, now and then. The broker retains all of them. So is what
    was sent for and has not come for long.
    """

    def __init__(self, installer: Installer, subscriptions: RetainedTopics, *, agency: str, directory: Path) -> None:
        """Take an agency's lists from the uplink; `directory` has room for a package in parts."""
        self._installer = installer
        self._keys_topic = hotlist_keys(agency, installer.recipient)
        self._topics = (self._keys_topic, hotlist_package(agency), hotlist_delta(agency))
        self._directory = directory
        self._subscriptions = subscriptions
        self._retries = {reason: Interval(RETRY_SECONDS) for reason in _MAY_PASS_BY_ITSELF}
        self._fetches: dict[str, _Fetch] = {}
        self._waiting: dict[str, str] = {}
        """Topics whose package was not taken for a reason that may pass, with the reason."""
        self._awaited = set(self._topics)
        """Topics that were sent for, and of which nothing has come since."""
        self._came = True
        self._silent_since, self._patience = 0.0, SILENT_SECONDS
        self._lock = RLock()
        installer.on_installed(self._installed)
        for topic in self._topics:
            subscriptions.subscribe(topic, self._receive)

    def poll(self, now: float) -> None:
        """Send again, now and then, for what the disk had no room for, what was yet to be built, and what got lost."""
        for reason, retry in self._retries.items():
            if retry.due(now) and self._send_again(reason):
                retry.seconds = min(2 * retry.seconds, RETRY_MOST_SECONDS)
        self._look_for_lost(now)

    def again(self) -> None:
        """Send again for what other keys may make good: what none of the former signed, or a list let go of outdid.

        Not for all that stands on the topics: the whole fleet changes its keys at once.
        """
        for reason in (RefusalReason.BAD_SIGNATURE, RefusalReason.OLDER):
            self._send_again(reason.value)

    def clock_changed(self) -> None:
        """Send again for what had expired, or was yet to be built, by the clock as it was."""
        for reason in (RefusalReason.EXPIRED, RefusalReason.BUILT_IN_FUTURE):
            self._send_again(reason.value)

    def _receive(self, delivery: Delivery) -> None:
        topic, payload = delivery.topic, delivery.payload
        with self._lock:
            self._came = True
            self._awaited.discard(topic)
            self._waiting.pop(topic, None)
            fetch = self._fetches.pop(topic, None)
        if fetch is not None:
            fetch.end()
        if topic == self._keys_topic:
            self._take_keys(payload)
        elif is_index(payload):
            self._begin_fetch(topic, payload)
        else:
            self._note(topic, self._installer.install(payload))

    def _take_keys(self, payload: bytes) -> None:
        installation = self._installer.install_keys(payload)
        self._note(self._keys_topic, installation)
        if installation.reason is None:
            self._send_again(RefusalReason.WRONG_KEY.value)

    def _begin_fetch(self, topic: str, payload: bytes) -> None:
        try:
            index = read_index(payload)
            manifest = self._installer.examine(index.line)
            make_folder(self._directory)
            assembly = Assembly(index, manifest, directory=self._directory)
        except HotListRefused as refusal:
            self._note(topic, self._installer.refuse(refusal))
        except OSError as error:
            self._not_stored(topic, error)
        else:
            log.info("hot list %d comes in %d parts", manifest.version, len(assembly.missing))
            fetch = _Fetch(
                assembly, topic, self._subscriptions, came=self._heard, done=self._fetched, failed=self._failed
            )
            with self._lock:
                self._fetches[topic] = fetch
            fetch.begin()

    def _heard(self) -> None:
        self._came = True

    def _fetched(self, topic: str, assembly: Assembly) -> None:
        with self._lock:
            self._fetches.pop(topic, None)
        try:
            self._note(topic, self._installer.install(assembly.package()))
        except OSError as error:
            self._not_stored(topic, error)

    def _failed(self, topic: str, error: OSError) -> None:
        with self._lock:
            self._fetches.pop(topic, None)
        self._not_stored(topic, error)

    def _not_stored(self, topic: str, error: OSError) -> None:
        log.error("the disk does not keep a hot list in parts: %s", error)
        self._note(topic, Installation(None, NOT_STORED, str(error)))

    def _note(self, topic: str, installation: Installation) -> None:
        if installation.reason in _MAY_PASS:
            with self._lock:
                self._waiting[topic] = installation.reason

    def _installed(self) -> None:
        for retry in self._retries.values():
            retry.seconds = RETRY_SECONDS
        self._send_again(RefusalReason.WRONG_BASE.value)

    def _send_again(self, reason: str) -> bool:
        """Send for what waits for a reason to pass; return whether anything does."""
        with self._lock:
            topics = [topic for topic, why in self._waiting.items() if why == reason]
            for topic in topics:
                del self._waiting[topic]
                self._awaited.add(topic)
        for topic in topics:
            self._subscriptions.subscribe(topic, self._receive)
        return bool(topics)

    def _look_for_lost(self, now: float) -> None:
        """Send again for what was sent for, once nothing of it has come for long."""
        if self._came:
            self._came = False
            self._silent_since, self._patience = now, SILENT_SECONDS
        elif now - self._silent_since >= self._patience:
            self._silent_since, self._patience = now, min(2 * self._patience, RETRY_MOST_SECONDS)
            with self._lock:
                topics, fetches = sorted(self._awaited), tuple(self._fetches.values())
            for topic in topics:
                self._subscriptions.subscribe(topic, self._receive)
            for fetch in fetches:
                fetch.again()


class _Fetch:
    """The parts of one package being sent for."""

    def __init__(
        self,
        assembly: Assembly,
        topic: str,
        subscriptions: RetainedTopics,
        *,
        came: Callable[[], None],
        done: Callable[[str, Assembly], None],
        failed: Callable[[str, OSError], None],
    ) -> None:
        self._assembly = assembly
        self._topic = topic
        self._subscriptions = subscriptions
        self._came = came
        self._done = done
        self._failed = failed
        self._lock = RLock()
        self._ahead = sorted(assembly.missing, reverse=True)
        self._under_way: set[str] = set()

    def begin(self) -> None:
        """Send for the first parts."""
        for _ in range(PARTS_AT_A_TIME):
            self._next()

    def again(self) -> None:
        """Send again for what was sent for and has not come; from any thread."""
        with self._lock:
            for topic in self._under_way:
                self._subscriptions.subscribe(topic, self._take)

    def end(self) -> None:
        """Let go of what was sent for."""
        with self._lock:
            while self._under_way:
                self._subscriptions.unsubscribe(self._under_way.pop())

    def _next(self) -> None:
        with self._lock:
            if self._ahead:
                topic = hotlist_part(self._topic, self._ahead.pop())
                self._under_way.add(topic)
                self._subscriptions.subscribe(topic, self._take)

    def _take(self, delivery: Delivery) -> None:
        # A part of another package may stand there still, or already: the right one, or another index, follows.
        if delivery.topic not in self._under_way:
            return
        try:
            taken = self._assembly.take(delivery.payload)
        except OSError as error:
            self.end()
            self._failed(self._topic, error)
            return
        if not taken:
            return
        self._came()
        with self._lock:
            self._under_way.discard(delivery.topic)
            self._subscriptions.unsubscribe(delivery.topic)
        self._next()
        if not self._assembly.missing:
            self._done(self._topic, self._assembly)
