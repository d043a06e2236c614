"""Local times that come twice, or never, as daylight saving time ends and begins."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone

from platepost.department.local_time import LocalMoment, local_moment
from platepost.department.options import local_option
from platepost.department.web import moments

ZONE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("text", "begins", "ends", "kind"),
    [
        ("2026-07-01T01:30", (8, 30), (8, 30), ""),
        ("2026-11-01T01:30", (8, 30), (9, 30), "twice"),
        ("2026-11-01T02:00", (10, 0), (10, 0), ""),
        ("2026-03-08T02:30", (9, 30), (10, 30), "missing"),
        ("2026-03-08T03:00", (10, 0), (10, 0), ""),
    ],
)
def test_span_has_the_whole_of_what_is_meant(
    text: str, begins: tuple[int, int], ends: tuple[int, int], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = datetime.fromisoformat(text)
    for end, (hour, minute) in ((False, begins), (True, ends)):
        moment = local_moment(given, ZONE, ends=end)
        assert moment.at.astimezone(UTC) == given.replace(hour=hour, minute=minute, tzinfo=UTC)
        assert (moment.twice, moment.missing) == (kind == "twice", kind == "missing")
        assert local_option(given, ZONE, "since", ends=end) == moment.at
        shown = capsys.readouterr().err
        assert ("comes twice" in shown, "does not exist" in shown) == (kind == "twice", kind == "missing")


def test_zone_without_daylight_saving_time_has_each_hour_once() -> None:
    phoenix = ZoneInfo("America/Phoenix")
    given = datetime.fromisoformat("2026-11-01T01:30")
    assert local_moment(given, phoenix, ends=False) == LocalMoment(given.replace(tzinfo=phoenix))


@pytest.mark.parametrize(("hour", "shown"), [(8, "1:30 AM PDT"), (9, "1:30 AM PST")])
def test_pages_name_the_zone_in_the_hour_that_comes_twice(hour: int, shown: str) -> None:
    at = datetime(2026, 11, 1, hour, 30, tzinfo=UTC)
    with timezone.override(ZONE):
        assert Template('{{ at|date:"g:i A T" }}').render(Context({"at": at})) == shown
        assert moments.minute(at) == f"Nov 1, 2026, {shown}"
