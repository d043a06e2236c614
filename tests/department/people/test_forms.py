"""Days and times as people type them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from platepost.department.people.forms import TimeField


@pytest.mark.parametrize(
    ("typed", "begins", "ends"),
    [
        ("2026-10-31T01:30", "2026-10-31T08:30+00:00", "2026-10-31T08:30+00:00"),
        ("2026-11-01T01:30", "2026-11-01T08:30+00:00", "2026-11-01T09:30+00:00"),  # it comes twice
    ],
)
def test_an_hour_that_comes_twice_is_meant_whole(typed: str, begins: str, ends: str) -> None:
    with timezone.override(ZoneInfo("America/Los_Angeles")):
        matches = [TimeField(ends=last).clean(typed) for last in (False, True)]
    assert [at and at.timestamp() for at in matches] == [
        datetime.fromisoformat(each).timestamp() for each in (begins, ends)
    ]


def test_an_hour_that_is_left_out_is_refused() -> None:
    with timezone.override(ZoneInfo("America/Los_Angeles")):
        assert TimeField().clean("2026-03-08T01:59")
        with pytest.raises(ValidationError, match="no such time on that day"):
            TimeField().clean("2026-03-08T02:30")


def test_no_time_is_none() -> None:
    assert TimeField(required=False).clean("") is None
