"""Noticing that the broker knows more of this post's chain than its own disk does: a restored backup, or a copied disk.

What a post says of its state is retained at the broker. So after a start a post is told what it said last, signed by
itself: a status, which has a place in the chain, or the will, which says how far the chain had come. A record is on the
disk, synchronised, before the broker sees it. So a place beyond the end that this disk had at the start, said by an
earlier run, was never this disk's, or was taken from it: the chain goes on twice from there.
"""

import logging

from pydantic import ValidationError

from platepost.common.errors import RecordError
from platepost.device.audit.log import AuditEvent, AuditLog
from platepost.device.part import Part
from platepost.device.uplink.inbox import Delivery
from platepost.device.uplink.uplink import Uplink
from platepost.wire.faults import Fault
from platepost.wire.records import ChainHead, Keyring, Source, Status, read_event
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.parts import ChainEnd

log = logging.getLogger(__name__)


class ChainForkDetector(Part):
    """Hears what the post said last.

    Nothing follows from silence: the broker may retain nothing, as another node of a cluster, or not let the post read
    it; a chain of another name was begun again and says nothing of this one.

    Args:
        source: the post.
        run: identifier of this run, whose own word is not news.
        head: the chain's end before this run's first record.
        keys: the post's own.
        audit: the audit log.
        uplink: what the broker retains comes through it; a broker may refuse to let the post read it.

    """

    def __init__(
        self, source: Source, *, run: str, head: ChainHead, keys: Keyring, audit: AuditLog, uplink: Uplink
    ) -> None:
        self.forked = False
        """Whether the chain goes on twice, for all that was heard in this run."""
        self._source = source
        self._run = run
        self._head = head
        self._keys = keys
        self._audit = audit
        uplink.subscribe(source.topic("status"), self.handle, optional=True)

    def faults(self) -> tuple[Fault, ...]:
        """Name it if the chain goes on twice."""
        return (Fault.CHAIN_FORKED,) if self.forked else ()

    def handle(self, delivery: Delivery) -> None:
        """Take what was said on the post's own topic; what the post did not say itself is left alone.

        Raises:
            OutboxError: the audit record cannot be stored, and the post is stopping.

        """
        place = self._said(delivery.payload)
        if place is None or self.forked or not self._beyond(place):
            return
        self.forked = True
        log.error(
            "the broker knows record %d of this chain, this disk ended at %d", place.sequence, self._head.sequence
        )
        self._audit.record_soon(
            AuditEvent(
                "chain_forked",
                "broker",
                "failure",
                reason="disk_behind",
                object=f"{place.chain} {place.sequence}",
                details={"own_sequence": self._head.sequence, "digest": place.digest},
            )
        )

    def _said(self, payload: bytes) -> ChainEnd | None:
        """Return the place in the chain of what an earlier run said; None if there is none."""
        try:
            raw = parse(payload)
            event = read_event(raw)
            status = event.data
            if not isinstance(status, Status) or event.source != self._source.uri or status.boot == self._run:
                return None
            canonical = canonical_bytes(raw)
            self._keys.check(event.signature, canonical)
        except (RecordError, ValidationError) as error:
            log.warning("a status of this post that is not its own: %s", type(error).__name__)
            return None
        if event.chain is None or event.sequence is None:
            return status.chain_end
        return ChainEnd(chain=event.chain, sequence=event.sequence, digest=digest_of(canonical))

    def _beyond(self, place: ChainEnd) -> bool:
        if place.chain != self._head.chain:
            return False
        another = place.sequence == self._head.sequence and place.digest != self._head.digest
        return another or place.sequence > self._head.sequence
