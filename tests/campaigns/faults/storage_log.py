"""The storage log: what a post was told is stored, written down before it does anything else.

It comes through a pipe, so that it outlives a post that is killed and needs no disk that may be full. What stands in it
may never be lost; a record that was stored in the very moment of a kill may be missing from it, and is still delivered.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic

from platepost.common.signals import current
from platepost.wire.records import Envelope

_END_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """One record that was acknowledged as stored."""

    chain: str
    sequence: int
    id: str
    type: str
    digest: str

    @classmethod
    def of(cls, envelope: Envelope) -> "LoggedRecord":
        """Return what the log says of a chained record."""
        event = envelope.event
        return cls(event["chain"], event["sequence"], envelope.id, envelope.type, envelope.digest)

    def dump(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def load(cls, line: bytes | str) -> "LoggedRecord":
        """Read what `dump` wrote."""
        return cls(**json.loads(line))


class StorageLog:
    """Gathers the stored records of one post over all of its lives, and keeps them in a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._lock = threading.Lock()
        self._stored: dict[str, tuple[LoggedRecord, float]] = {}
        self._reader: threading.Thread | None = None

    def follow(self, pipe: Connection) -> None:
        """Take the records of a new life of the post; the end of the former one is awaited."""
        self.await_end()
        self._reader = threading.Thread(target=self._read, args=(pipe,), name="storage log", daemon=True)
        self._reader.start()

    def await_end(self) -> None:
        """Wait until all that the post had written is read; it must have ended."""
        if self._reader is not None:
            self._reader.join(current().limit(_END_SECONDS))
            self._reader = None

    def __len__(self) -> int:
        with self._lock:
            return len(self._stored)

    def records(self) -> tuple[LoggedRecord, ...]:
        """Return the records that were acknowledged as stored so far."""
        with self._lock:
            return tuple(record for record, _ in self._stored.values())

    def stored_at(self, identifier: str) -> float | None:
        """Return when a record was stored, on the monotonic clock; None if that is not known."""
        with self._lock:
            found = self._stored.get(identifier)
            return None if found is None else found[1]

    def close(self) -> None:
        """Close the file; the post must have ended."""
        self.await_end()
        self._file.close()

    def _read(self, pipe: Connection) -> None:
        with pipe:
            while True:
                try:
                    line = pipe.recv_bytes()
                except (EOFError, OSError):  # the post has ended, perhaps in the middle of a line
                    self._file.flush()
                    return
                record = LoggedRecord.load(line)
                with self._lock:
                    self._stored[record.id] = record, monotonic()
                self._file.write(line)


def read_stored(path: Path) -> Iterator[LoggedRecord]:
    """Read the file of a storage log."""
    with path.open("rb") as lines:
        for line in lines:
            yield LoggedRecord.load(line)
