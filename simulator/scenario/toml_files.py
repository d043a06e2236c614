"""What a scenario file is made of: tables without unknown keys, and the line of each key, for errors to show.

`Lines` is no parser, for tomllib keeps no lines: it is asked only of text that tomllib has read. Tables in one line
(`{a = 1}`) share their line.
"""

import re
import tomllib
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_ARRAY = re.compile(r"^\s*\[\[\s*([^\[\]]+?)\s*\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
Place = tuple[str | int, ...]


class TomlTable(BaseModel):
    """A table of the file; nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Lines:
    """Finds the line of a place, such as `("events", 2, "at")`; of what is missing, that of its table."""

    def __init__(self, text: str) -> None:
        self._found: dict[Place, int] = {(): 1}
        self._counts: dict[Place, int] = {}
        table: Place = ()
        open_value = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if open_value:
                self._note_element(number)
                open_value += "\n" + line
                open_value = "" if _whole(open_value) else open_value
            elif array := _ARRAY.match(line):
                table = self._enter(array[1], number, array=True)
            elif header := _TABLE.match(line):
                table = self._enter(header[1], number, array=False)
            elif key := _KEY.match(line):
                self._value: Place = (*table, *_split(key[1]))
                self._elements = 0
                self._found.setdefault(self._value, number)
                open_value = "" if _whole(line) else line

    def of(self, place: Sequence[str | int]) -> int:
        """Return the line of a place, or of the nearest table around it."""
        place = tuple(place)
        while place not in self._found:
            place = place[:-1]
        return self._found[place]

    def _enter(self, name: str, number: int, *, array: bool) -> Place:
        place: Place = ()
        parts = _split(name)
        for depth, part in enumerate(parts):
            place = (*place, part)
            if depth < len(parts) - 1 and place in self._counts:
                place = (*place, self._counts[place])
        if array:
            self._found.setdefault(place, number)
            self._counts[place] = self._counts.get(place, -1) + 1
            place = (*place, self._counts[place])
        self._found.setdefault(place, number)
        return place

    def _note_element(self, number: int) -> None:
        """Take each line of an array over several lines for one element, as people write them."""
        self._found.setdefault((*self._value, self._elements), number)
        self._elements += 1


def _split(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", name)]


def _whole(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
