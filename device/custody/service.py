"""Custody on a running post: takes the custodians' receipts, and has the outbox release what all of them hold.

A broker's acknowledgment says that it took a record, not that anyone keeps it. Where custodians are configured, a
record leaves the post on their signed word alone; what has no effect here releases nothing.
"""

import logging
from pathlib import Path

from pydantic import BaseModel, Field

from platepost.common.errors import OutboxError
from platepost.common.files import StateFile
from platepost.device.audit.log import AuditEvent
from platepost.device.control.keys.custodians import Custodians
from platepost.device.custody.receipts import open_receipt, read_receipt
from platepost.device.custody.settings import CustodySettings
from platepost.device.logbook import Logbook
from platepost.device.outbox.custody import Requirements
from platepost.device.part import Interval, Part, Tables
from platepost.device.uplink.inbox import Delivery
from platepost.device.uplink.uplink import Uplink
from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.faults import Fault
from platepost.wire.records import CustodianTerms, Finding, Receipt

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
"""How often the age of the oldest record is looked at."""
REMEMBERED = 64
"""Forked chains that are remembered by name."""


class CustodyState(BaseModel):
    """What a post keeps of custody beside its outbox."""

    epochs: dict[str, dict[str, int]] = Field(default_factory=dict)
    """The highest of each custodian, by the thumbprint of the key that signed it."""
    forked: tuple[str, ...] = ()
    """Chains that are in the audit trail as forked, the oldest first."""


class CustodyService(Part):
    """Takes receipts, and names what is wrong with custody.

    Args:
        settings: from when a missing receipt is a fault.
        custodians: who they are, by which keys, and what their receipts are needed for.
        logbook: its outbox keeps records until they are released; what was refused goes into its audit log.
        uplink: brings receipts.
        folder: where the highest epochs are kept.

    """

    def __init__(
        self, settings: CustodySettings, custodians: Custodians, logbook: Logbook, uplink: Uplink, *, folder: Path
    ) -> None:
        self._settings = settings
        self._custodians = custodians
        self._logbook = logbook
        self._source = logbook.source
        self._uplink = uplink
        self._file = StateFile(folder / "custody.json", CustodyState, about="the custodians' epochs")
        self._state = self._file.recall() or CustodyState()
        self._check_due = Interval(CHECK_SECONDS)
        self._requirements: Requirements | None = None
        self._age: float | None = None
        self._forked = self._listening = False
        custodians.on_changed(self._require)
        self._require()

    def poll(self, now: float) -> None:
        """Look now and then how old the oldest record is that has not been released."""
        if not self._check_due.due(now):
            return
        if self._requirements is None:
            self._require()
        try:
            backlog = self._logbook.outbox.backlog(now=self._logbook.timekeeper.now())
            self._age = backlog.oldest_unreleased_age_seconds
        except OutboxError:
            self._age = None  # named as a fault of its own

    def faults(self) -> set[Fault]:
        """Name it if receipts are missing, or contradict what the post has."""
        conditions = {Fault.CUSTODY_BEHIND: self._behind, Fault.CUSTODY_FORKED: self._forked}
        return {fault for fault, present in conditions.items() if present}

    def findings(self) -> tuple[Finding, ...]:
        """Say whose receipts are required, and how old the oldest record without them is."""
        required = self._required
        if not required:
            message = "no custodian: a broker's acknowledgment releases records"
            return (Finding(point="custody", good=True, said=message),)
        waits = "none waits" if self._age is None else f"the oldest record without is {self._age / 3600:.1f} h old"
        names = ", ".join(terms.name for terms in required)
        message = f"receipts of {names[:100]} are required, {waits}"
        return (Finding(point="custody", good=not self.faults(), said=message),)

    def adjust(self, tables: Tables) -> None:
        """Go by another age."""
        self._settings = tables.table(CustodySettings)

    def receive(self, delivery: Delivery) -> None:
        """Take a receipt, or note why not.

        Raises:
            OutboxError: an audit record cannot be stored, and the post is stopping.

        """
        name = delivery.topic.rpartition("/")[2]
        try:
            keys = self._custodians.get(name)
            signed, key = open_receipt(delivery, keys, at=self._logbook.timekeeper.now())
            receipt = read_receipt(signed, source=self._source, custodian=name)
            self._enter_epoch(receipt, key)
        except RefusedError as refusal:
            self._refuse(refusal, name)
            return
        except OSError as error:  # OutboxError is one
            log.warning("a receipt could not be applied; the next one will cover it: %s", error)
            return
        self._take(receipt)

    # --- within

    @property
    def _required(self) -> tuple[CustodianTerms, ...]:
        return tuple(terms for terms in self._custodians.terms if terms.required)

    @property
    def _behind(self) -> bool:
        late = self._age is not None and self._age >= self._settings.behind_hours * 3600
        return late and bool(self._required)

    def _require(self) -> None:
        """Have the outbox wait for the receipts that are required now; a full disk may put that off."""
        required = self._required
        groups = {group for terms in required for group in terms.groups}
        requirements = Requirements(
            in_force=bool(required),
            open=frozenset(terms.name for terms in required),
            covert={
                group: frozenset(terms.name for terms in required if group in terms.groups) for group in sorted(groups)
            },
        )
        if self._custodians.all and not self._listening:
            self._listening = True
            self._uplink.subscribe(self._source.receipt("+"), self.receive)
        if requirements == self._requirements:
            return
        self._requirements = None
        try:
            self._logbook.outbox.require(requirements)
        except OutboxError as error:
            log.warning("which receipts are required is noted later: %s", error)
        else:
            self._requirements = requirements
            log.warning("records need receipts of: %s", ", ".join(sorted(requirements.open)) or "nobody")

    def _enter_epoch(self, receipt: Receipt, key: str) -> None:
        """Go by the highest epoch of a custodian: on disk before a receipt of it counts.

        An epoch that a revoked key signed no longer counts: a thief could begin the last that there is.

        Raises:
            RefusedError: the receipt is of a lower one.
            OSError: the disk does not take it.

        """
        known = self._state.epochs.get(receipt.custodian, {})
        keys = self._custodians.named(receipt.custodian)
        highest = max(known.get(key.thumbprint(), 0) for key in keys.kept())
        if receipt.epoch < highest:
            raise RefusedError(Rejection.LOWER_EPOCH, f"epoch {receipt.epoch} is over: it is {highest}", signed=True)
        if receipt.epoch > highest and known:
            # It was restored from a backup, or robbed of its key: what was signed before may not be held.
            self._logbook.outbox.forget_receipts(receipt.custodian)
        if receipt.epoch > known.get(key, 0):
            epochs = self._state.epochs | {receipt.custodian: known | {key: receipt.epoch}}
            state = self._state.model_copy(update={"epochs": epochs})
            self._logbook.outbox.with_reserve(lambda: self._file.write(state))
            self._state = state

    def _take(self, receipt: Receipt) -> None:
        try:
            covert = self._logbook.outbox.covert(receipt.chain)
            taken = self._logbook.outbox.take_receipt(receipt.custodian, receipt.chain, receipt.ranges)
        except OutboxError as error:
            log.warning("a receipt could not be applied; the next one will cover it: %s", error)
            return
        if taken.forked and not covert:
            self._fork(receipt)

    def _fork(self, receipt: Receipt) -> None:
        self._forked = True
        if receipt.chain in self._state.forked:
            return
        forked = (*self._state.forked, receipt.chain)[-REMEMBERED:]
        self._state = self._state.model_copy(update={"forked": forked})
        self._file.keep(self._state)
        log.error("a custodian holds other records of a chain of this post than this disk")
        self._logbook.audit.record_soon(
            AuditEvent(
                "custody_forked",
                "broker",
                "failure",
                reason="other_records",
                object=receipt.chain,
                details={"custodian": receipt.custodian, "epoch": receipt.epoch, "number": receipt.number},
            )
        )

    def _refuse(self, refusal: RefusedError, custodian: str) -> None:
        log.warning("a receipt is refused: %s", refusal.reason)
        self._logbook.rate_limited.refused(
            "receipt_refused",
            reason=refusal.reason.value,
            source="broker",
            verified=refusal.signed,
            identity=custodian if refusal.signed else None,
            details=refusal.details,
        )
