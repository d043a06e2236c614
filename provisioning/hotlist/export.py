"""Exports as the source of a list: rows are taken apart here, cleaned and hashed in as many processes as are given.

Taking a file apart must go line by line, and is a small part of the work. What comes back from the processes is keyed
columns and refusals, in the file's order.
"""

import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

from platepost.provisioning.hotlist.cleaner import Cleaner
from platepost.provisioning.hotlist.columns import PIECE, ColumnBuilder, Columns, ColumnSource
from platepost.provisioning.hotlist.latest_delta import DeltaMatcher, LatestDelta
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.report import Tally
from platepost.provisioning.hotlist.rows import TEST_ROW, RefusedRow, RowRefusedError, SourceError
from platepost.provisioning.hotlist.source import Record, open_source
from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.overlay import Row

_ALONE = 16 << 20
"""Bytes below which starting processes costs more than they save."""

_WAITING = 4
"""Pieces under way for each process, so that a file is not read much faster than it is processed."""

_REASONS = 5
"""Why own vehicles were refused, in an error: the commonest reasons."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file and how it is to be read."""

    path: Path
    mapping: SourceMapping
    safe: bool = False
    """Whether its rows are the department's own vehicles."""


_TEST_RECORD: Record = (1, (TEST_ROW.plate, "", TEST_ROW.category, str(TEST_ROW.priority), "", "", "", ""))
"""The test plate as of a file with the default mapping."""


@dataclass(frozen=True, slots=True)
class _Done:
    columns: Columns
    refused: list[RefusedRow]
    categories: Counter[str]
    again: list[int]
    """Lines of rows that the delta before had removed."""
    kept: set[Row]
    """Entries that the delta before had added."""


class ExportSource(ColumnSource):
    """Exports, one after another.

    Args:
        exports: the files.
        at: when the list is built (aware).
        tally: where refusals and counts go.
        news: what the delta before had brought, for the tally to say what becomes of it.
        jobs: how many processes clean and hash; 1 works in this one.
        test_plate: whether the test plate is one more row.
        progress: called now and then with the number of bytes read so far, of `size`.

    """

    def __init__(
        self,
        exports: Sequence[Export],
        *,
        at: datetime,
        tally: Tally,
        news: LatestDelta | None = None,
        jobs: int,
        test_plate: bool = False,
        progress: Callable[[int], None],
    ) -> None:
        self._exports = exports
        # A name says enough, unless several folders have a file of it.
        names = Counter(export.path.name for export in exports)
        self._names = [export.path.name if names[export.path.name] == 1 else str(export.path) for export in exports]
        self._at = at
        self._tally = tally
        self._news = news
        self._test_plate = test_plate
        self._progress = progress
        self.size = sum(_size(export.path) for export in exports)
        self._jobs = jobs if self.size > _ALONE else 1

    def columns(self, hash_key: bytes) -> Iterator[Columns]:
        """Yield all rows as columns.

        Raises SourceError when a file cannot be read, or all rows of own vehicles are refused: they take the place of
        those that posts hold.
        """
        before = 0
        with _workers(self._jobs, _Task(self._exports, self._at, hash_key, self._news)) as submit:
            for number, export in enumerate(self._exports):
                accepted, refused = 0, Counter[str]()
                for done in self._export(number, export, submit, before):
                    accepted += len(done.columns)
                    refused.update(row.reason for row in done.refused)
                    self._tally.add(self._names[number], len(done.columns), done.categories, done.refused)
                    self._tally.again += [(self._names[number], line) for line in done.again]
                    self._tally.kept |= done.kept
                    yield done.columns
                if export.safe and refused and not accepted:
                    reasons = "; ".join(f"{reason} ({count})" for reason, count in refused.most_common(_REASONS))
                    raise SourceError(f"{export.path}: no safe-list vehicle can be listed: {reasons}")
                before += _size(export.path)
                self._progress(before)
            if self._test_plate:
                done = _result(submit(len(self._exports), [_TEST_RECORD]))
                self._tally.test_plate = True
                self._tally.kept |= done.kept
                yield done.columns

    def _export(
        self, number: int, export: Export, submit: "Callable[[int, _Piece], Future[_Done]]", before: int
    ) -> Iterator[_Done]:
        under_way: deque[Future[_Done]] = deque()
        with open_source(export.path, export.mapping) as source:
            for piece in _pieces(source.records()):
                under_way.append(submit(number, piece))
                self._progress(before + source.position)
                if len(under_way) > _WAITING * self._jobs:
                    yield _result(under_way.popleft())
            name = self._names[number]
            self._tally.ignored[name] += source.ignored
            self._tally.several[name] += source.several
            if source.without and not export.safe:
                self._tally.without[name] = ", ".join(source.without)
        while under_way:
            yield _result(under_way.popleft())


_Piece = list[Record | RefusedRow]


def _pieces(records: Iterator[Record | RefusedRow]) -> Iterator[_Piece]:
    piece: _Piece = []
    for record in records:
        piece.append(record)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class _Task:
    """What each process is told once."""

    exports: Sequence[Export]
    at: datetime
    hash_key: bytes
    news: LatestDelta | None


class _Worker:
    """What one process needs to work on pieces."""

    def __init__(self, task: _Task) -> None:
        self._cleaners = [Cleaner(export.mapping, at=task.at, safe=export.safe) for export in task.exports]
        self._cleaners.append(Cleaner(SourceMapping(), at=task.at))  # of the test plate
        self._hash = PlateHash(task.hash_key)
        self._reminder = DeltaMatcher(task.news) if task.news is not None else None

    def work(self, number: int, piece: _Piece) -> _Done:
        """Clean and hash the rows of a piece of export `number`."""
        clean, collector = self._cleaners[number].clean, ColumnBuilder(self._hash)
        refused: list[RefusedRow] = []
        categories: Counter[str] = Counter()
        again: list[int] = []
        unique: set[Row] = set()
        for record in piece:
            if isinstance(record, RefusedRow):
                refused.append(record)
                continue
            line, fields = record
            try:
                row = clean(fields)
            except RowRefusedError as refusal:
                refused.append(RefusedRow(line, str(refusal)))
                continue
            collector.add(row)
            categories[row.category] += 1
            if self._reminder is not None and (reminder := self._reminder.look(row)) is not None:
                if reminder[0] == "removed":
                    again.append(line)
                else:
                    unique.add(reminder[1])
        return _Done(collector.columns(), refused, categories, again, unique)


_workers_own: list[_Worker] = []


def _begin(task: _Task) -> None:
    # Ctrl-C reaches all processes of a terminal; the one that started these ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _workers_own[:] = [_Worker(task)]


def _work(number: int, piece: _Piece) -> _Done:
    return _workers_own[0].work(number, piece)


@contextmanager
def _workers(jobs: int, task: _Task) -> Iterator[Callable[[int, _Piece], "Future[_Done]"]]:
    """Give what to call with a piece; it returns at once, with more than one process."""
    if jobs == 1:
        worker = _Worker(task)

        def work_here(number: int, piece: _Piece) -> "Future[_Done]":
            done: Future[_Done] = Future()
            done.set_result(worker.work(number, piece))
            return done

        yield work_here
        return
    # Forking a process that has threads, as the progress bar does, may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(task,)) as pool:
        try:
            yield lambda number, piece: pool.submit(_work, number, piece)
        except BaseException as error:
            pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)  # at Ctrl-C they end by themselves
            raise


def _result(future: "Future[_Done]") -> _Done:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise SourceError("a process that cleans rows was ended: too little memory? --jobs 1 needs less") from error
