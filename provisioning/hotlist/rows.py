"""What a source yields: rows fit for a list, and rows that are not, with the reason."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from platepost.common.errors import HotListError
from platepost.wire.hotlist.keys import TEST_PLATE
from platepost.wire.records.hit import TEST_CATEGORY


class HotListRow(NamedTuple):
    """One plate of interest, cleaned.

    Attributes:
        plate: the listed spelling, normalized to A-Z and 0-9, O and 0 as the source has them.
        category: slug from the allow-list.
        priority: 1 (most urgent) to 9.
        state: two or three letters, or None.
        expires: aware moment from which the row no longer matches, or None.
        reference: the source's case or entry, at most 120 bytes of UTF-8, or None.
        distribution: slug of the group of people who alone hear of a match of this covert entry, or None.
        safe: whether it is the department's own vehicle, a read of which alarms no one.

    """

    plate: str
    category: str
    priority: int
    state: str | None = None
    expires: datetime | None = None
    reference: str | None = None
    distribution: str | None = None
    safe: bool = False


TEST_ROW = HotListRow(TEST_PLATE, TEST_CATEGORY, 9)
"""The test plate: posts look it up every hour to show that hits arrive. It never ends."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that does not go into the list. The reason never repeats the plate's field, the line number leads to it."""

    line: int
    reason: str


class RowRefusedError(HotListError):
    """A field of a row is not fit for a list; the message is the reason."""


class SourceError(HotListError):
    """A source or a mapping as a whole cannot be read."""


class SizeJumpError(HotListError):
    """The new list's size differs from the previous one's by more than is believable, and no reason was given."""

    def __init__(self, message: str, *, before: int, after: int) -> None:
        super().__init__(message)
        self.before, self.after = before, after
