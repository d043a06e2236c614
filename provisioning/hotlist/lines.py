"""Rows out of an export's lines, each with the number of the line on which it begins.

One broken row must not cost the rest: where the quoting is broken, the line on which the row began is refused, and
reading goes on with the line after it, so that a quote that is never closed swallows nothing. Nor does one that another
stray quote closes, if the one who takes the rows looks at the lines of each, and puts them back.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from platepost.provisioning.hotlist.form import FileFormat
from platepost.provisioning.hotlist.rows import RefusedRow

LONGEST_ROW = 100
"""Lines that one row may take; a row with more of them is a quote that was never closed."""

Line = tuple[int, list[str]]


class LineReader:
    """The lines of a file, counted from 1; those that the mapping skips or ignores are left out.

    `ignored` counts what the mapping's pattern took for no row.
    """

    def __init__(self, file: TextIO, source: FileFormat) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._ignore = re.compile(source.ignore) if source.ignore else None
        self.number = 0
        self.ignored = 0
        self.taken: list[str] = []
        for _ in range(source.skip):
            self.take()

    def take(self) -> str | None:
        """Return the next line, None after the last."""
        line = self._again.popleft() if self._again else self._file.readline()
        if not line:
            return None
        self.number += 1
        return line.removeprefix("\ufeff") if self.number == 1 else line

    def rows(self) -> Iterator[str]:
        """Yield lines that are rows or go on with one, noting them in `taken`; the caller clears that at each row."""
        take = self.take
        taken = self.taken
        ignore = self._ignore
        while (line := take()) is not None:
            if ignore is not None and not taken and ignore.search(line):
                self.ignored += 1
                continue
            taken.append(line)
            if len(taken) > LONGEST_ROW:
                raise csv.Error("a quote that is never closed")
            yield line

    def put_back(self) -> int:
        """Give back all lines of the present row but its first, and return that one's number."""
        first = self.number - len(self.taken) + 1
        self._again.extendleft(reversed(self.taken[1:]))
        self.number = first
        self.taken.clear()
        return first


def delimited(lines: LineReader, source: FileFormat) -> Iterator[Line | RefusedRow]:
    """Yield rows of delimited fields, quoted where they need it (RFC 4180); blank lines are left out.

    Until the next is asked for, the row's lines stand in `lines.taken`, and may be put back.
    """
    reader = csv.reader(lines.rows(), delimiter=source.delimiter, strict=True)
    taken = lines.taken
    while True:
        try:
            for row in reader:
                if row:
                    yield lines.number - len(taken) + 1, row
                taken.clear()
        except csv.Error as error:
            yield RefusedRow(lines.put_back(), f"broken quoting: {error}")
            reader = csv.reader(lines.rows(), delimiter=source.delimiter, strict=True)
        else:
            return


def alone(line: str, source: FileFormat) -> list[str]:
    """Return the fields that a line has by itself, be its quotes closed or not."""
    try:
        return next(csv.reader([line], delimiter=source.delimiter), [])
    except csv.Error:
        return []


def fixed(lines: LineReader) -> Iterator[tuple[int, str]]:
    """Yield lines whose fields are at fixed places; blank lines are left out."""
    for line in lines.rows():
        lines.taken.clear()
        text = line.rstrip("\r\n\x1a")  # DOS ended files with a control character
        if text and not text.isspace():
            yield lines.number, text
