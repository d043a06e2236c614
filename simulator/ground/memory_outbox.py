"""The outbox of a light post: in memory, so that thousands fit into one process. It is lost with the process."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain as in_turn
from itertools import islice, takewhile

from platepost.device.outbox.rows import RANKS, READS
from platepost.wire.records import ChainHead, Dropped, Envelope, Lost, new_identifier
from platepost.wire.records.receipt import KeptRange


class MemoryOutbox:
    """What the recorder and the delivery ask of an outbox; hits first, then audit, status, reads. For one thread.

    A record goes with the broker's acknowledgment; where a custodian is required, with its receipt. It does not
    simulate: several custodians, epochs, and the sending of what a receipt leaves out but for the oldest of it.
    """

    def __init__(self, *, chain: str | None = None, custodian: bool = False) -> None:
        """Begin a chain, called `chain` or by a new identifier; `custodian` says whether it takes a receipt to go."""
        self._head = ChainHead(chain=chain or new_identifier())
        self._custodian = custodian
        self._sent: dict[int, Envelope] = {}
        """What was acknowledged and has no receipt yet, by number."""
        self._signed: tuple[KeptRange, ...] = ()
        """What the last receipt that counted says."""
        self._digests: dict[int, str] = {}
        """Of each record from the oldest on that is here."""
        self._waiting: tuple[dict[int, Envelope], ...] = tuple({} for _ in range(READS + 1))

    def __len__(self) -> int:
        return sum(map(len, self._waiting))

    @property
    def unreleased(self) -> int:
        """How many records are here, those that a broker has taken too."""
        return len(self) + len(self._sent)

    @property
    def head(self) -> ChainHead:
        """The end of the chain."""
        return self._head

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        """Keep what `make` returns for the chain's end; it becomes the new end."""
        before = self._head
        envelope = make(before)
        sequence = before.sequence + 1
        self._head = ChainHead(before.chain, sequence, envelope.digest, key=envelope.chain_key, time=envelope.time)
        self._waiting[RANKS.get(envelope.type, READS)][sequence] = envelope
        if self._custodian:
            self._digests[sequence] = envelope.digest
        return envelope

    def append_covert(self, make: Callable[[ChainHead], Envelope], *, group: str) -> Envelope:
        """Refuse: light posts have no covert hits."""
        raise NotImplementedError(f"a light post records nothing for the group {group}")

    def covert_heads(self) -> tuple[ChainHead, ...]:
        """Return nothing: there are none."""
        return ()

    def append_account(self, make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        """Do nothing: nothing is ever dropped."""
        del make
        return None

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Do nothing: there is no disk to be damaged."""
        del make
        return None

    def next(
        self,
        limit: int,
        *,
        excluding: Collection[int] = (),
        holding: Collection[str] = (),
        repeating: bool = False,
    ) -> tuple[Envelope, ...]:
        """Return up to `limit` records in order, except those `excluding` names and topics `holding`."""
        del repeating
        items = in_turn.from_iterable(queue.items() for queue in self._waiting)
        candidates = (
            envelope for number, envelope in items if number not in excluding and envelope.topic not in holding
        )
        return tuple(islice(candidates, limit))

    def acknowledge(self, places: Collection[int]) -> int:
        """Note that the broker has taken records; return how many there were. They go if they lack no receipt."""
        taken = {
            place: envelope
            for place in places
            for queue in self._waiting
            if (envelope := queue.pop(place, None)) is not None
        }
        if self._custodian:
            self._sent.update(taken)
            self._release()
        return len(taken)

    def take_receipt(self, chain: str, ranges: Sequence[KeptRange]) -> None:
        """Let go of what a custodian has signed for; a range that ends with another digest counts for nothing."""
        if chain == self._head.chain:
            self._signed = tuple(signed for signed in ranges if self._digests.get(signed.last) == signed.digest)
            self._release()

    def _release(self) -> None:
        for number in [*self._sent]:
            if any(signed.first <= number <= signed.last for signed in self._signed):
                del self._sent[number]
        oldest = min((min(here) for here in (self._sent, *self._waiting) if here), default=self._head.sequence + 1)
        for number in list(takewhile(lambda number: number < oldest, self._digests)):
            del self._digests[number]

    def present(self, places: Collection[int]) -> frozenset[int]:
        """Return those of the places whose records are here yet."""
        return frozenset(place for place in places if any(place in queue for queue in self._waiting))

    def oldest_sent(self) -> Mapping[str, int]:
        """Return the place of the oldest record that the broker has taken and that lacks its receipt."""
        return {self._head.chain: min(self._sent)} if self._sent else {}

    def send_again(self, places: Collection[int]) -> None:
        """Have records that the broker has taken wait again."""
        for place in places:
            envelope = self._sent.pop(place, None)
            if envelope is not None:
                self._waiting[RANKS.get(envelope.type, READS)][place] = envelope

    def send_left_out(self) -> int:
        """Do nothing: what a receipt leaves out is sent once it is the oldest."""
        return 0
