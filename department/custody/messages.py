"""What a broker delivers to a custodian, and what the keeper asks of the store that keeps it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from platepost.department.custody.holding import ChainName, Holding


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message as a broker brought it."""

    topic: str
    """`alpr/v1/{agency}/{post}/...`."""
    body: bytes

    @property
    def post(self) -> str:
        """The post below whose name it came: what a broker's rights bind to its certificate."""
        return self.topic.split("/")[3]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """What a custodian publishes, QoS 1, at every broker that is there: a receipt, say."""

    topic: str
    body: bytes
    retained: bool = False


class HeldRecords(Protocol):
    """What is asked of the store of records."""

    def chains(self) -> Iterable[ChainName]:
        """Return every chain of which something is held."""
        ...

    def holding(self, chain: ChainName) -> Holding:
        """Return what is held of a chain and durable; an empty holding of one that is not known."""
        ...

    def digests(self, chain: ChainName, number: int) -> frozenset[str]:
        """Return the digests of all records stored under a number; empty if none is known any more."""
        ...


class KeptRecords(HeldRecords, Protocol):
    """A store of records, for one thread."""

    def keep(self, messages: Sequence[ReceivedMessage]) -> set[ChainName]:
        """Keep messages, all of them durable on return, or none; return the chains that are to be receipted.

        Raises:
            StoreError: the disk or the database does not take them; a later call may.

        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
