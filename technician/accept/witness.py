"""An outbox that is watched: what the post recorded and what the broker has taken, for anyone who accepts the post."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic
from typing import Any

from platepost.common.signals import check
from platepost.device.config import Configuration
from platepost.device.outbox.database import read_key_file
from platepost.device.outbox.outbox import Outbox
from platepost.wire.records import ChainHead, Dropped, Envelope, Lost


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record and when it was stored."""

    envelope: Envelope
    at: float
    """`time.monotonic()`."""

    @property
    def data(self) -> dict[str, Any]:
        """What the record says."""
        data: dict[str, Any] = self.envelope.event["data"]
        return data


class Witness(Outbox):
    """The outbox of a post that is being accepted, the same in every respect, except that it remembers what passes."""

    def __init__(self, configuration: Configuration) -> None:
        """Open the outbox of a post. Raises OutboxError."""
        section = configuration.outbox
        self._changed = threading.Condition()
        self._seen: list[StoredRecord] = []
        self._taken: set[int] = set()
        super().__init__(
            section.path, key=read_key_file(section.key_file), quota_bytes=round(section.quota_megabytes * 1024 * 1024)
        )

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        """Store a record, and remember it."""
        return self._noted(super().append(make))

    def append_account(self, make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        """Store an account of what was dropped, and remember it."""
        envelope = super().append_account(make)
        return None if envelope is None else self._noted(envelope)

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Store an account of what was lost, and remember it."""
        envelope = super().append_loss(make)
        return None if envelope is None else self._noted(envelope)

    def acknowledge(self, places: Collection[int]) -> int:
        """Delete what the broker has taken for good, and remember that."""
        with self._changed:
            self._taken.update(places)
            self._changed.notify_all()
        return super().acknowledge(places)

    def recorded(self, kind: str, *, after: float = 0.0) -> list[StoredRecord]:
        """Return the records of a CloudEvents type stored later than a moment, the oldest first."""
        with self._changed:
            return [record for record in self._seen if record.envelope.type == kind and record.at > after]

    def outstanding(self, *, until: float) -> list[int]:
        """Return the places of records stored up to a moment that the broker has not taken."""
        with self._changed:
            places = [
                record.envelope.place or record.envelope.sequence or 0 for record in self._seen if record.at <= until
            ]
            return [place for place in places if place not in self._taken]

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds that records or the broker's answers change; look every half second besides."""
        end = monotonic() + seconds
        while not condition():
            left = end - monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait(min(0.5, left))
            check()
        return True

    def _noted(self, envelope: Envelope) -> Envelope:
        with self._changed:
            self._seen.append(StoredRecord(envelope, monotonic()))
            self._changed.notify_all()
        return envelope
