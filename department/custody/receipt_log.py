"""What was receipted, in a file that is kept apart from the store of records.

A post deletes what was receipted. So a store that was restored from a backup may lack records that exist nowhere else:
only this file can tell. Keep it on another disk than the store, and never restore it.

Each line is a JSON object: a receipt (`post`, `chain`, `epoch`, `number`, `ranges` of `[first, last, digest]`), or the
beginning of an epoch (`epoch`, `lost`: what had been receipted before and was not held then).
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from platepost.common.files import flush_folder, make_folder, write_durably
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.holding import ChainName
from platepost.provisioning.files.append_only import AppendOnlyFile, append_only, lines_of
from platepost.wire.records.receipt import KeptRange, Receipt

READABLE = 0o640
"""The mode of the file: the pages, which may be another user, show what was lost."""
LINES_LEAST = 4096
"""Lines of a file that is not worth making shorter."""


@dataclass(frozen=True, slots=True)
class LostRange:
    """Records that were receipted and are not held: whatever a post deleted of them is lost."""

    post: str
    chain: str
    first: int
    last: int

    def __str__(self) -> str:
        numbers = f"number {self.first}" if self.first == self.last else f"numbers {self.first} to {self.last}"
        return f"{self.post}, chain {self.chain}: {numbers}"


class ReceiptState:
    """What a log of receipts says, from its first line on.

    Args:
        path: the file; it need not exist, and is not held.

    Raises:
        CustodyError: it is damaged.
        OSError: it cannot be read.

    """

    def __init__(self, path: Path) -> None:
        self.epoch: int | None = None
        """The epoch in force; None before the first."""
        self.number = 0
        """Number of the last receipt of the epoch."""
        self.receipted: dict[ChainName, tuple[KeptRange, ...]] = {}
        """What this epoch's receipts say of each chain."""
        self.incidents: tuple[LostRange, ...] = ()
        """All that was ever found to be receipted and not held."""
        self._epochs: list[bytes] = []
        self._lines = 0
        try:
            for line in lines_of(path):
                self._take(line)
        except (ValueError, KeyError, TypeError) as error:
            raise CustodyError(f"{path}: line {self._lines + 1} is damaged") from error

    def _take(self, line: bytes) -> None:
        payload = json.loads(line)
        epoch = int(payload["epoch"])
        if "lost" in payload:
            self.epoch, self.number = epoch, 0
            self.receipted = {}
            self.incidents += tuple(LostRange(*gap) for gap in payload["lost"])
            self._epochs.append(line)
        else:
            chain = ChainName(str(payload["post"]), str(payload["chain"]))
            new = [KeptRange(first=first, last=last, digest=digest) for first, last, digest in payload["ranges"]]
            self.receipted[chain] = _joined(self.receipted.get(chain, ()), new)
            self.number = max(self.number, int(payload["number"]))
        self._lines += 1


class ReceiptLog(ReceiptState):
    """The file, held by one process as long as it is open. A context manager.

    Args:
        path: the file; made if missing.
        shorten_from: lines from which it is written again where most of them say what later ones say too.

    Raises:
        CustodyError: it is damaged, or another process holds it.
        OSError: the disk does not give it.

    """

    def __init__(self, path: Path, *, shorten_from: int = LINES_LEAST) -> None:
        self._path = path
        self._least = shorten_from
        self._stack = ExitStack()
        make_folder(path.parent)
        self._file = self._open()
        try:
            super().__init__(path)
        except CustodyError:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<ReceiptLog {self._path}, epoch {self.epoch}, number {self.number}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def begin(self, epoch: int, lost: Sequence[LostRange] = ()) -> None:
        """Begin an epoch; durable on return. Receipts before it no longer count.

        Args:
            epoch: its number, higher than any before.
            lost: what was receipted before and is not held now.

        """
        self._enter(_dump({"epoch": epoch, "lost": [[gap.post, gap.chain, gap.first, gap.last] for gap in lost]}))

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Enter receipts that are to be published; durable on return."""
        self._enter(
            *(
                _line(ChainName(fields.post, fields.chain), fields.epoch, fields.number, fields.ranges)
                for fields in receipts
            )
        )
        if self._lines > max(self._least, 2 * (len(self.receipted) + len(self._epochs))):
            self._shorten()

    def _enter(self, *lines: bytes) -> None:
        self._file.append(*lines)
        for line in lines:
            self._take(line)

    def _open(self) -> AppendOnlyFile:
        try:
            opened = self._stack.enter_context(append_only(self._path, wait=False))
        except BlockingIOError as error:
            raise CustodyError(f"{self._path}: another process issues receipts by it") from error
        flush_folder(self._path.parent)
        self._path.chmod(READABLE)
        return opened

    def _shorten(self) -> None:
        """Write the file again, with what it says and no more; a kill meanwhile leaves the old or the new."""
        receipts = (_line(chain, self.epoch or 0, self.number, ranges) for chain, ranges in self.receipted.items())
        lines = [*self._epochs, *receipts]
        write_durably(self._path, (line + b"\n" for line in lines), mode=READABLE)
        # Locked by its descriptor: the old one is let go of only once the new one is held.
        with self._stack:
            self._stack = ExitStack()
            self._file = self._open()
        self._lines = len(lines)


def _line(chain: ChainName, epoch: int, number: int, ranges: Sequence[KeptRange]) -> bytes:
    fields = [[span.first, span.last, span.digest] for span in ranges]
    return _dump({"post": chain.post, "chain": chain.chain, "epoch": epoch, "number": number, "ranges": fields})


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _joined(old: Iterable[KeptRange], new: Sequence[KeptRange]) -> tuple[KeptRange, ...]:
    """Merge ranges: an older one that a newer one covers is dropped. Newer ones ascend, as in a receipt."""
    firsts = [span.first for span in new]

    def covered(had: KeptRange) -> bool:
        begun = bisect_right(firsts, had.first)
        return begun > 0 and had.last <= new[begun - 1].last

    left = (had for had in old if not covered(had))
    return tuple(sorted((*left, *new), key=lambda span: (span.first, span.last)))
