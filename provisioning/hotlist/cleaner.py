"""A row's fields, in whatever words the source uses, into a row of a hot list; or the reason why not."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from platepost.provisioning.hotlist.cleaning import (
    clean_distribution,
    clean_moment,
    clean_plate,
    clean_priority,
    clean_reference,
)
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.rows import HotListRow, RowRefusedError
from platepost.wire.hotlist.layout import Priority

_REMEMBERED = 1 << 16

_Value = TypeVar("_Value")


class Cleaner:
    """Cleans rows of one source.

    Args:
        mapping: the source's.
        at: when the list is built (aware): rows that had expired by then, or are entered later, are refused.
        safe: whether the rows are the department's own vehicles.

    """

    def __init__(self, mapping: SourceMapping, *, at: datetime, safe: bool = False) -> None:
        self._mapping = mapping
        self._safe = safe
        self._at = at
        self._allow = _remembered(mapping.allow)
        self._expires = _remembered(self._judge_expires)
        self._check_entered = _remembered(self._judge_entered)
        self._priority = _remembered(self._judge_priority)
        self._state = _remembered(self._judge_state)
        self._distribution = _remembered(clean_distribution)

    def clean(self, fields: tuple[str, ...]) -> HotListRow:
        """Return a row from its fields, in the order of `form.MEANINGS`. Raises RowRefusedError with the reason."""
        plate, state, category, priority, entered, expires, reference, distribution = fields
        text = clean_plate(plate)
        allowed = self._allow(category)
        ends = self._expires(expires)
        self._check_entered(entered)
        urgency = self._priority(priority) or allowed.priority or self._mapping.defaults.priority
        group = self._distribution(distribution) or allowed.distribution
        if group and self._safe:
            raise RowRefusedError("the department's own vehicle is not covert")
        return HotListRow(
            text,
            allowed.category,
            urgency,
            self._state(state),
            ends,
            clean_reference(reference),
            group,
            self._safe,
        )

    def _judge_expires(self, text: str) -> datetime | None:
        expires = self._moment(text, end_of_day=True)
        if expires is not None and expires <= self._at:
            raise RowRefusedError("expired before the list was built")
        return expires

    def _judge_entered(self, text: str) -> None:
        entered = self._moment(text, end_of_day=False)
        if entered is not None and entered > self._at:
            raise RowRefusedError("entered after the list was built")

    def _moment(self, text: str, *, end_of_day: bool) -> datetime | None:
        dates = self._mapping.dates
        if text.strip() in dates.never:
            return None
        return clean_moment(text, zone=dates.tzinfo, formats=dates.formats, end_of_day=end_of_day)

    def _judge_priority(self, text: str) -> Priority | None:
        return clean_priority(text) if text.strip() else None

    def _judge_state(self, text: str) -> str | None:
        return self._mapping.state(text) or self._mapping.defaults.state


def _remembered(judge: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Judge each text once: dates, categories and states repeat from row to row, refusals included."""

    @lru_cache(_REMEMBERED)
    def judged(text: str) -> _Value | RowRefusedError:
        try:
            return judge(text)
        except RowRefusedError as refusal:
            return refusal

    def look_up(text: str) -> _Value:
        judgment = judged(text)
        if isinstance(judgment, RowRefusedError):
            raise RowRefusedError(str(judgment))
        return judgment

    return look_up
