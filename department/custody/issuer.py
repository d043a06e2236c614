"""Makes the receipts of one custodian.

A receipt says what is durable. So the store calls `committed` after its transaction is durable and never
before, and publishes what `issue` returns, which the log of receipts has by then.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from joserfc.jwk import ECKey

from platepost.department.custody.holding import ChainName, Holding
from platepost.department.custody.messages import HeldRecords, OutgoingMessage
from platepost.department.custody.receipt_log import LostRange, ReceiptLog
from platepost.wire.jose import sign
from platepost.wire.records.receipt import MOST_RANGES, RECEIPT_TYPE, KeptRange, Receipt
from platepost.wire.records.topics import Source

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
"""A chain gets no more than one receipt in this time, however many records come. One whose ranges fill several gets
them all at once, and then none for as many times as long."""


class ReceiptIssuer:
    """Decides when a chain gets a receipt, and makes it.

    On start the log of receipts is compared with the store. Where something was receipted that is not held, the store
    was restored from a backup, or lost: that is an incident, named in `lost`, and a new epoch begins, so that posts
    ignore the receipts before it. An epoch's number is the second at which it began, so that it is higher than any
    before it even where both store and log are gone.
    """

    def __init__(
        self,
        custodian: str,
        *,
        agency: str,
        key: ECKey,
        held: HeldRecords,
        receipts: ReceiptLog,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        interval_seconds: float = INTERVAL_SECONDS,
        new_epoch: bool = False,
    ) -> None:
        """Compare the log with the store, and begin an epoch if there is none or it must be a new one.

        Args:
            custodian: its name, the common name of its certificate.
            agency: whose posts.
            key: its custody key, private.
            held: the store.
            receipts: the log, open as long as this is used.
            now: the wall clock.
            interval_seconds: between two receipts of a chain.
            new_epoch: begin a new epoch whatever the log says: it was lost, or restored together with the store.

        Raises:
            OSError: the log cannot be written.

        """
        self._custodian = custodian
        self._agency = agency
        self._key = key
        self._kid = key.thumbprint()
        self._held = held
        self._log = receipts
        self._now = now
        self._interval = interval_seconds
        self._due: dict[ChainName, float] = {}
        self._not_before: dict[ChainName, float] = {}
        receipted = dict(receipts.receipted)
        self.lost = tuple(gap for chain, ranges in receipted.items() for gap in self._unheld(chain, ranges))
        """What was receipted and is not held, found at this start."""
        for gap in self.lost:
            log.error("receipted, not held: %s", gap)
        if self.lost or new_epoch or receipts.epoch is None:
            epoch = max((receipts.epoch or 0) + 1, int(now().timestamp()))
            receipts.begin(epoch, self.lost)
            log.warning("epoch %d begins", epoch)
            waiting = {*receipted, *held.chains()}
        else:
            # A process that was killed may have stored what it did not get to receipt.
            waiting = {chain for chain in held.chains() if held.holding(chain).ranges() != receipted.get(chain)}
        self._due = dict.fromkeys(sorted(waiting), float("-inf"))

    def __repr__(self) -> str:
        return f"<ReceiptIssuer {self._custodian}, epoch {self._log.epoch}, {len(self._due)} chains due>"

    @property
    def epoch(self) -> int:
        """The epoch in force."""
        return self._log.epoch or 0

    def committed(self, chains: Iterable[ChainName], at: float) -> None:
        """Have chains receipted of which records were committed, or came again, at a moment of the steady clock."""
        for chain in chains:
            self._due.setdefault(chain, max(at, self._not_before.get(chain, at)))

    def next_due(self) -> float | None:
        """Return when `issue` is to be called next, by the steady clock; None while nothing waits."""
        return min(self._due.values(), default=None)

    def issue(self, at: float) -> list[OutgoingMessage]:
        """Make the receipts that are due; they are in the log on return.

        Raises:
            OSError: the log cannot be written; they stay due.

        """
        chains = [chain for chain, due in self._due.items() if due <= at]
        if not chains:
            return []
        parts = [(chain, part) for chain in chains for part in self._parts(chain)]
        new_receipts = [self._receipt(*part, number=number) for number, part in enumerate(parts, self._log.number + 1)]
        self._log.add(new_receipts)
        self._not_before = {chain: moment for chain, moment in self._not_before.items() if moment > at}
        for chain, receipts in Counter(chain for chain, _ in parts).items():
            del self._due[chain]
            self._not_before[chain] = at + self._interval * receipts
        return [self._signed(receipt) for receipt in new_receipts]

    def _parts(self, chain: ChainName) -> Iterator[tuple[KeptRange, ...]]:
        ranges = list(self._parted(self._held.holding(chain)))
        for begin in range(0, max(len(ranges), 1), MOST_RANGES):
            yield tuple(ranges[begin : begin + MOST_RANGES])

    def _parted(self, holding: Holding) -> Iterator[KeptRange]:
        """Split the range after a record that came again: the post knows the digest of that number.

        It may not know the range's last: damage to its disk may have taken the end of a chain.
        """
        for span in holding.ranges():
            if holding.repeated is not None and span.first <= holding.repeated[0] < span.last:
                number, digest = holding.repeated
                yield KeptRange(first=span.first, last=number, digest=digest)
                yield KeptRange(first=number + 1, last=span.last, digest=span.digest)
            else:
                yield span

    def _receipt(self, chain: ChainName, ranges: tuple[KeptRange, ...], *, number: int) -> Receipt:
        return Receipt(
            agency=self._agency,
            post=chain.post,
            custodian=self._custodian,
            epoch=self.epoch,
            number=number,
            time=self._now(),
            chain=chain.chain,
            ranges=ranges,
        )

    def _signed(self, receipt: Receipt) -> OutgoingMessage:
        body = sign(receipt.model_dump_json().encode(), self._key, typ=RECEIPT_TYPE, kid=self._kid)
        return OutgoingMessage(Source(self._agency, receipt.post).receipt(self._custodian), body)

    def _unheld(self, chain: ChainName, ranges: Sequence[KeptRange]) -> Iterator[LostRange]:
        """Name what was receipted and is not held, or held as another record."""
        holding = self._held.holding(chain)
        for span in ranges:
            gaps = holding.lacks(span)
            yield from (LostRange(*chain, *gap) for gap in gaps)
            if not gaps:
                # What counts may have changed since: a stranger's record yields to the post's own, and both are stored.
                stored = self._held.digests(chain, span.last)
                if stored and span.digest not in stored:
                    yield LostRange(*chain, span.last, span.last)
