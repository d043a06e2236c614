"""What ails a post at present: the one place where what its parts say of themselves gets the names of faults."""

from dataclasses import dataclass

from device.acceptance import Acceptance
from device.books import Books
from device.condition import Condition
from device.doubles import Doubles
from device.faults import Fault
from device.forks import Forks
from device.guard import Guard
from device.keeper import Keeper
from device.lists import Lists
from device.lookout import Lookout
from device.networks import Networks
from device.uplink import NOBODY, Uplink
from device.vitals import Vitals


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The parts of a post that can ail."""

    acceptance: Acceptance
    books: Books
    condition: Condition
    doubles: Doubles
    forks: Forks
    guard: Guard
    keeper: Keeper
    lists: Lists
    lookout: Lookout
    networks: Networks
    uplink: Uplink
    vitals: Vitals

    def faults(self) -> set[Fault]:
        """Ask every part; from any thread.

        Raises:
            OutboxError: another with this post's identity cannot be audited, and the post is stopping.

        """
        faults = self.keeper.faults | self.condition.faults | self.lookout.faults() | self.guard.faults
        if self.lookout.capture is not None:
            faults |= self.vitals.capture_faults(self.lookout.capture)
        state = self.lists.state().state
        uplink = self.uplink.state()
        conditions = {
            Fault.BROKER_CERTIFICATE_EXPIRED: uplink.problem == Fault.BROKER_CERTIFICATE_EXPIRED,
            Fault.CHAIN_FORKED: self.forks.forked,
            Fault.CLOCK_BEHIND: self.books.timekeeper.behind,
            Fault.CLOCK_UNSYNCHRONISED: not self.books.timekeeper.quality().synchronised,
            Fault.HOTLIST_MISSING: state == "none",
            Fault.HOTLIST_STALE: state == "stale",
            Fault.DISK_FULL: self.books.outbox.disk_full,
            Fault.IDENTITY_ELSEWHERE: self.doubles.look(uplink.problem),
            Fault.MODEL_DAMAGED: self.networks.damaged,
            Fault.OUTBOX_FAILED: self.books.records.failing,
            Fault.OUTBOX_SET_ASIDE: bool(self.books.outbox.set_aside),
            Fault.NOT_ACCEPTED: self.acceptance.missing,
            Fault.NO_SUBSCRIBER: any(refusal.reason == NOBODY for refusal in uplink.refusals),
            Fault.PUBLISH_REFUSED: any(refusal.reason != NOBODY for refusal in uplink.refusals),
            Fault.RECORD_TOO_LARGE: uplink.too_large > 0,
            Fault.SUBSCRIPTION_REFUSED: bool(uplink.refused_subscriptions),
        }
        return faults | {fault for fault, present in conditions.items() if present}
