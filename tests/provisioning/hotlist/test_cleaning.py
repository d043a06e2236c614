from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from platepost.provisioning.hotlist.cleaning import (
    clean_moment,
    clean_pattern,
    clean_plate,
    clean_priority,
    clean_reference,
    clean_state,
)
from platepost.provisioning.hotlist.rows import RowRefusedError

PACIFIC = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        (" 7abc-123 ", "7ABC123"),
        ("7ABC·123", "7ABC123"),
        ("12-MAR", "12MAR"),
        ("12-34-56", "123456"),
        ("８ＯＤＥ４５６", "8ODE456"),  # noqa: RUF001 - full-width on purpose
        ("LUV♥CA", "LUVCA"),
        ("0012345", "0012345"),
        ("1291164", "1291164"),
        ("ABC", "ABC"),
        ("8E41480", "8E41480"),  # a Californian lorry's, and no number in scientific notation
    ],
)
def test_a_plate_is_kept_as_the_string_it_is(text: str, plate: str) -> None:
    assert clean_plate(text) == plate


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no plate"),
        (" - ", "no plate"),
        ("none", "a missing plate"),
        ("UN-KNOWN", "a missing plate"),
        ("Paper Plate", "a missing plate"),
        ("nan", "a missing plate"),
        ("NOT ON FILE", "a missing plate"),
        ("XXXXXXX", "a missing plate"),
        ("0000000", "a missing plate"),
        ("A", "fewer than 3"),
        ("A-1", "fewer than 3"),
        ("7ABC1234567", "more than 10"),
        ("7AB?123", "partial"),
        ("7AB*", "partial"),
        ("7AB_12", "unknown characters"),
        ("7AB%", "unknown characters"),
        ("#ABC12", "unknown characters"),
        ("7AB...", "unknown characters"),
        ("7AB…", "unknown characters"),
        ("7AB--", "unknown characters"),
        ("7AB\N{EN DASH}\N{EN DASH}1", "unknown characters"),
        ("ABC123/ABC", "not a plate"),
        ("AB12, AB13", "not a plate"),
        ("7ABC123 (CA)", "not a plate"),
        ("12:30", "not a plate"),
        ("1.29116E+06", "spreadsheet"),
        ("1291164.0", "spreadsheet"),
        ("1,29116E+06", "a number that a spreadsheet"),
        ("1291164,0", "a number that a spreadsheet"),
        ("12-Mar", "a date that a spreadsheet"),
        ("Mar-12", "a date that a spreadsheet"),
        ("3-Mar-12", "a date that a spreadsheet"),
        ("6/1/2026", "a date that a spreadsheet"),
        ("06/01/26", "a date that a spreadsheet"),
        ("1.6.2026", "a date that a spreadsheet"),
        ("2026-06-01", "a date that a spreadsheet"),
        ("#VALUE!", "an error that a spreadsheet"),
        ("#N/A", "an error that a spreadsheet"),
        ("ÄBC123", "outside A-Z"),
        ("7ABß12", "outside A-Z"),
        ("7ABı23", "outside A-Z"),  # noqa: RUF001 - its upper case is I
        ("АBC123", "outside A-Z"),  # noqa: RUF001 - a Cyrillic letter on purpose
    ],
)
def test_what_is_no_whole_plate_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(RowRefusedError, match=reason):
        clean_plate(text)


@pytest.mark.parametrize(
    ("text", "pattern"), [(" 7ab-? 123", "7AB?123"), ("*ABC", "*ABC"), ("6xy*", "6XY*"), ("7AB♥1?", "7AB1?")]
)
def test_a_pattern_keeps_its_wildcards(text: str, pattern: str) -> None:
    assert clean_pattern(text) == pattern


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no pattern"),
        ("7ABC123", "whole plate"),
        ("7A*", "fewer than 3"),
        ("*?*", "fewer"),
        ("?" * 8 + "ABC", "10"),
    ],
)
def test_a_pattern_that_would_stop_everybody_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RowRefusedError, match=reason):
        clean_pattern(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("7AB_12?", "unknown characters"),
        ("7AB%1?", "unknown characters"),
        ("7AB#1*", "unknown characters"),
        ("7AB.. 1*", "unknown characters"),
        ("7AB--1*", "unknown characters"),
        ("7ABC[12]*", "not a plate"),
        ("7A(B|8)C?", "not a plate"),
        ("7AB O/0 1*", "not a plate"),
        ("7\N{REPLACEMENT CHARACTER}?1AB", "encoding"),
        ("7AB\x011?", "control"),
        ("7Ä?1AB", "outside A-Z"),
    ],
)
def test_what_would_make_another_pattern_where_it_was_dropped_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RowRefusedError, match=reason):
        clean_pattern(text)


def test_states_priorities_and_references() -> None:
    assert clean_state(" ca ") == "CA"
    assert clean_state("") is None
    assert clean_priority(" 9 ") == 9
    assert clean_reference(" NCIC 1 ") == "NCIC 1"
    assert clean_reference(" ") is None
    for wrong in ("California", "C", "4A"):
        with pytest.raises(RowRefusedError):
            clean_state(wrong)
    for wrong in ("0", "10", "high", "", "²"):
        with pytest.raises(RowRefusedError):
            clean_priority(wrong)
    with pytest.raises(RowRefusedError):
        clean_reference("é" * 61)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 2, 8, tzinfo=UTC)),  # the day after summer time ended: UTC-8
        ("10/31/2026", datetime(2026, 11, 1, 7, tzinfo=UTC)),
        ("2026-11-01T12:00:00Z", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("2026-11-02T12:00", datetime(2026, 11, 2, 20, tzinfo=UTC)),
        ("11/02/2026 12:00", datetime(2026, 11, 2, 20, tzinfo=UTC)),
    ],
)
def test_a_day_counts_to_its_end_where_the_department_is(text: str, moment: datetime) -> None:
    formats = ("%m/%d/%Y", "%m/%d/%Y %H:%M")
    assert clean_moment(text, zone=PACIFIC, formats=formats, end_of_day=True) == moment


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("Sun Nov  1 10:00:00 2026", "%c"), ("11/01/26 10:00:00", "%x %X"), ("11/01/2026 10:00 AM", "%m/%d/%Y %I:%M %p")],
)
def test_a_format_with_a_time_of_the_day_keeps_it(text: str, pattern: str) -> None:
    assert clean_moment(text, zone=UTC, formats=(pattern,), end_of_day=True) == datetime(2026, 11, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2106-02-07", "2150-01-01", "2999-12-31T00:00:00Z", "9999-12-30"])
def test_a_date_beyond_what_an_entry_holds_is_a_refused_row_that_says_how_to_mean_never(text: str) -> None:
    with pytest.raises(RowRefusedError, match="beyond 2106: if it means none, name it in `never`"):
        clean_moment(text, zone=UTC, formats=(), end_of_day=True)


def test_a_day_begins_at_its_first_moment() -> None:
    assert clean_moment("2026-11-01", zone=UTC, formats=(), end_of_day=False) == datetime(2026, 11, 1, tzinfo=UTC)
    assert clean_moment("  ", zone=UTC, formats=(), end_of_day=False) is None


@pytest.mark.parametrize("text", ["tomorrow", "31/12/2026", "9999-12-31", "2026-13-01", "2026060112"])
def test_a_date_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(RowRefusedError, match="date"):
        clean_moment(text, zone=UTC, formats=("%m/%d/%Y",), end_of_day=True)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("1062026", "%m%d%Y"), ("10226", "%m%d%y"), ("2026111", "%Y%m%d"), ("1062026 10:00", "%m%d%Y %H:%M")],
)
def test_a_date_that_has_lost_a_zero_is_no_other_date(text: str, pattern: str) -> None:
    with pytest.raises(RowRefusedError, match="not a readable date"):
        clean_moment(text, zone=UTC, formats=(pattern,), end_of_day=True)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("01062026", "%m%d%Y"),
        ("010626 1030", "%m%d%y %H%M"),
        ("20260106103000.5", "%Y%m%d%H%M%S.%f"),
        ("6JAN26", "%d%b%y"),
    ],
)
def test_a_date_without_marks_is_read_where_it_is_whole(text: str, pattern: str) -> None:
    moment = clean_moment(text, zone=UTC, formats=(pattern,), end_of_day=False)
    assert moment is not None
    assert moment.date() == date(2026, 1, 6)


def test_a_date_that_one_format_reads_whole_is_no_other_by_another() -> None:
    moment = clean_moment("261112", zone=UTC, formats=("%Y%m%d", "%y%m%d"), end_of_day=False)
    assert moment == datetime(2026, 11, 12, tzinfo=UTC)


def test_a_date_that_formats_read_differently_is_refused_and_no_other() -> None:
    formats = ("%m/%d/%Y", "%d/%m/%Y")
    with pytest.raises(RowRefusedError, match="interpret differently"):
        clean_moment("06/07/2026", zone=UTC, formats=formats, end_of_day=True)
    for text in ("06/06/2026", "13/07/2026"):
        assert clean_moment(text, zone=UTC, formats=formats, end_of_day=True) is not None
