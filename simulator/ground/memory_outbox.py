"""The outbox of a light post: in memory, so that thousands fit into one process. Whoever ends the process loses it."""

from collections.abc import Callable, Collection, Mapping
from itertools import chain as in_turn
from itertools import islice

from device.outbox.rows import RANKS, READS
from device.records import ChainHead, Dropped, Envelope, Lost, new_identifier


class MemoryOutbox:
    """What the recorder and the delivery ask of an outbox; hits first, then audit, status, reads. For one thread."""

    def __init__(self, *, chain: str | None = None) -> None:
        """Begin a chain, called `chain` or by a new identifier."""
        self._head = ChainHead(chain=chain or new_identifier())
        self._waiting: tuple[dict[int, Envelope], ...] = tuple({} for _ in range(READS + 1))

    def __len__(self) -> int:
        return sum(map(len, self._waiting))

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
        """Return up to `limit` records in order, but for those `excluding` names and topics `holding`."""
        del repeating
        items = in_turn.from_iterable(queue.items() for queue in self._waiting)
        found = (envelope for number, envelope in items if number not in excluding and envelope.topic not in holding)
        return tuple(islice(found, limit))

    def acknowledge(self, places: Collection[int]) -> int:
        """Forget records that the broker has taken; return how many there were."""
        return sum(queue.pop(place, None) is not None for place in places for queue in self._waiting)

    def present(self, places: Collection[int]) -> frozenset[int]:
        """Return those of the places whose records are here yet."""
        return frozenset(place for place in places if any(place in queue for queue in self._waiting))

    def oldest_sent(self) -> Mapping[str, int]:
        """Name none: nobody's receipt is required, and what the broker has taken is forgotten."""
        return {}

    def send_again(self, places: Collection[int]) -> None:
        """Do nothing: nothing is kept that was sent."""

    def send_left_out(self) -> int:
        """Do nothing, for the same reason."""
        return 0
