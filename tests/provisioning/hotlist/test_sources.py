from datetime import UTC, datetime
from pathlib import Path

import pytest

from platepost.provisioning.hotlist.mapping import SourceMapping, load_mapping
from platepost.provisioning.hotlist.patterns_file import read_patterns
from platepost.provisioning.hotlist.rows import HotListRow, RefusedRow, SourceError
from platepost.provisioning.hotlist.source import read_rows
from platepost.wire.hotlist.layout import MOST_PATTERNS, PatternEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEADER = "plate,state,category,priority,entered,expires,reference\n"


def written(tmp_path: Path, text: str, name: str = "file.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding)
    return path


def rows(path: Path, mapping: SourceMapping | None = None) -> list[HotListRow | RefusedRow]:
    return list(read_rows(path, mapping or SourceMapping(), at=NOW))


def test_a_row_becomes_what_the_list_needs(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "7abc-123,ca,stolen_vehicle,1,2026-11-01,2026-12-01,NCIC-1\n1291164,,local,,,,\n")
    assert rows(path) == [
        HotListRow("7ABC123", "stolen_vehicle", 1, "CA", datetime(2026, 12, 2, tzinfo=UTC), "NCIC-1"),
        HotListRow("1291164", "local", 5),
    ]


def test_each_refusal_has_its_line_and_reason_and_the_rest_go_on(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        HEADER
        + "NONE,,local,,,,\n"
        + "7ABC123,,immigration_violator,,,,\n"
        + '7ABC124,,local,,,,"two\nlines"\n'
        + "7ABC125,,local,,,2026-11-23,\n"
        + "\n"
        + "7ABC126,,local,,2027-01-01,,\n"
        + "7ABC127,California,local,,,,\n"
        + "7ABC128,,,,,,\n"
        + "7ABC129\n",
    )
    found = rows(path)
    assert [(row.line, row.reason) for row in found if isinstance(row, RefusedRow)] == [
        (2, "a word for a missing plate"),
        (3, "category 'immigration_violator' is not on the allow-list"),
        (6, "expired before the list was built"),
        (8, "entered after the list was built"),
        (9, "the state is not two or three letters"),
        (10, "no category"),
        (11, "cut short before its category"),
    ]
    assert [row.plate for row in found if isinstance(row, HotListRow)] == ["7ABC124"]


MAPPING = """
[source]
delimiter = ";"
encoding = "latin-1"
[columns]
plate = "LIC"
category = "TYPE"
expires = "PURGE"
[defaults]
state = "CA"
priority = 4
[dates]
zone = "America/Los_Angeles"
formats = ["%m/%d/%Y"]
[categories]
"STOLEN VEH" = { category = "stolen_vehicle", priority = 2 }
"OTHER" = "local"
"""


def test_a_mapping_fits_another_vendors_export(tmp_path: Path) -> None:
    mapping = load_mapping(written(tmp_path, MAPPING, "mapping.toml"))
    export = written(
        tmp_path,
        "NOTE;LIC;TYPE;PURGE\né;7ABC123;STOLEN VEH;11/30/2026\n;7ABC124;OTHER;\n;7ABC125;local;\n",
        encoding="latin-1",
    )
    assert rows(export, mapping) == [
        HotListRow("7ABC123", "stolen_vehicle", 2, "CA", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        HotListRow("7ABC124", "local", 4, "CA"),
        RefusedRow(4, "category 'local' is not on the allow-list"),
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[columns]\nplat = 'LIC'", "columns.plat"),
        ("[dates]\nzone = 'Mars/Olympus'", "dates.zone"),
        ("[dates]\nzone = 'US'", "dates.zone"),
        ('[source]\ndelimiter = "\\n"', "source.delimiter"),
        ("[source]\ndelimiter = '\"'", "source.delimiter"),
        ("[dates]\nformats = ['%Y-%m-%d %H:%M %Z']", "dates.formats.0: .*use %z"),
        ("[dates]\nformats = ['%Y-%m-%d%z']", "dates.formats.0: .*needs a time of day"),
        ("[dates]\nformats = ['%m/%d/%Y', '%m/%m/%Y']", "dates.formats.1: .*not a date format"),
        ("[dates]\nformats = ['%m/%Y']", "dates.formats.0: .*a year, a month, and a day"),
        ("[dates]\nformats = ['%m/%d %H:%M']", "dates.formats.0: .*a year, a month, and a day"),
        ("[dates]\nformats = ['%m/%d/%Y %H:%M %p']", "dates.formats.0: .*%I with %p"),
        ("[dates]\nformats = ['%m/%d/%Y %I:%M']", "dates.formats.0: .*%I with %p"),
        ("[source]\nencoding = 'rot-none'", "source.encoding"),
        ("[source]\nencoding = 'hex'", "source.encoding"),
        ("[source]\nencoding = 'punycode'", "source.encoding"),
        ("[categories]\nX = 'No Slug'", "categories.X"),
        ("not toml", "not TOML"),
        (f"priority = {'9' * 5000}", "not TOML"),
    ],
)
def test_a_wrong_mapping_names_the_key(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SourceError, match=named):
        load_mapping(written(tmp_path, text, "mapping.toml"))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "no column 'plate'"),
        (b"LIC,category\n", "no column 'plate' for the plate; the file has: LIC, category"),
        (b"plate,state\n", "no column 'category'"),
        (b'"plate,category\n', "header cannot be read: broken quoting"),
        (b"PK\x03\x04" + bytes(100), "save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "save the sheet as CSV"),
        (b"\x1b[31mplate\n", r"the file has: \\x1b.31mplate$"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_why(tmp_path: Path, content: bytes, named: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=named):
        rows(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        rows(tmp_path / "absent.csv")
    with pytest.raises(SourceError, match="No such file"):
        list(read_patterns(tmp_path / "absent.csv", SourceMapping(), at=NOW))


PATTERNS_CSV = """pattern,characters,state,category,priority,case,author,expires
6xy*,7,CA,felony_vehicle,,C-1,Sample,2027-01-01
7ABC123,,,felony_vehicle,,C-1,Sample,2027-01-01
7AB?12,7,,felony_vehicle,,C-1,Sample,2027-01-01
7AB*,x,,felony_vehicle,,C-1,Sample,2027-01-01
7AB*,,,felony_vehicle,,,Sample,2027-01-01
7AB*,,,felony_vehicle,,C-1,Sample,
7AB*,,,felony_vehicle,,C-1,Sample,2020-01-01
7AB*,,,secret,,C-1,Sample,2027-01-01
"""


def test_patterns_come_from_csv_with_each_refusal(tmp_path: Path) -> None:
    first, *refused = read_patterns(written(tmp_path, PATTERNS_CSV), SourceMapping(), at=NOW)
    assert isinstance(first, PatternEntry)
    assert (first.pattern, first.characters, first.state, first.priority) == ("6XY*", 7, "CA", 1)
    assert (first.case, first.author, first.expires) == ("C-1", "Sample", datetime(2027, 1, 2, tzinfo=UTC))
    assert [(row.line, row.reason.split()[0]) for row in refused if isinstance(row, RefusedRow)] == [
        (3, "a"),
        (4, "the"),
        (5, "the"),
        (6, "a"),
        (7, "a"),
        (8, "expired"),
        (9, "category"),
    ]


def test_pattern_may_name_its_state_as_the_mapping_does(tmp_path: Path) -> None:
    text = "pattern,state,category,case,author,expires\n6XY*,California,local,C-1,Sample,2027-01-01\n"
    (entry,) = read_patterns(written(tmp_path, text), SourceMapping(states={"California": "CA"}), at=NOW)
    assert isinstance(entry, PatternEntry), entry
    assert entry.state == "CA"


def test_a_pattern_that_was_cut_short_is_no_open_one(tmp_path: Path) -> None:
    text = "pattern,category,case,author,expires,distribution\n6XY*,local,C-1,Sample,2027-01-01\n"
    found = list(read_patterns(written(tmp_path, text), SourceMapping(), at=NOW))
    assert found == [RefusedRow(2, "fewer fields than the header")]


def test_two_stray_quotes_swallow_no_pattern_in_silence(tmp_path: Path) -> None:
    rows = '7AB*,local,"A,C-1,2027-01-01\n7AC*,local,B,C-2,2027-01-01\n7AD*,local,C",C-3,2027-01-01\n'
    found = list(
        read_patterns(written(tmp_path, f"pattern,category,author,case,expires\n{rows}"), SourceMapping(), at=NOW)
    )
    assert found == [RefusedRow(4, "a field of several lines: a quote that runs over other rows?")]


def test_patterns_come_from_toml_too(tmp_path: Path) -> None:
    text = """[[pattern]]
pattern = "6XY*"
characters = 7
category = "felony_vehicle"
priority = 3
case = "C-1"
author = "Sample"
expires = 2027-01-01
"""
    (entry,) = read_patterns(written(tmp_path, text, "patterns.toml"), SourceMapping(), at=NOW)
    assert isinstance(entry, PatternEntry)
    assert (entry.characters, entry.priority, entry.expires) == (7, 3, datetime(2027, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("p.csv", "pattern,color\n7AB*,red\n", "unknown: color"),
        ("p.csv", "pattern,color\n", "unknown: color"),
        ("p.csv", "category,case,author,expires\n", "no column 'pattern'"),
        ("p.csv", "", "no column 'pattern'"),
        ("p.toml", '[[patterns]]\npattern = "6XY*"\n', "unknown: patterns; write patterns as"),
        ("p.toml", "", "tables"),
        ("p.toml", "pattern = 3\n", "tables"),
        ("p.toml", "pattern", "TOML|Expected"),
        ("p.csv", "pattern\n" + "7AB*\n" * (MOST_PATTERNS + 1), f"at most {MOST_PATTERNS}"),
    ],
)
def test_a_patterns_file_that_cannot_be_is_refused_whole(tmp_path: Path, name: str, text: str, named: str) -> None:
    with pytest.raises(SourceError, match=named):
        list(read_patterns(written(tmp_path, text, name), SourceMapping(), at=NOW))


@pytest.mark.parametrize(
    ("name", "text"), [("p.csv", "pattern,category,case,author,expires\n"), ("p.toml", "pattern = []")]
)
def test_that_there_are_no_patterns_can_be_said(tmp_path: Path, name: str, text: str) -> None:
    assert list(read_patterns(written(tmp_path, text, name), SourceMapping(), at=NOW)) == []


def test_a_reference_stands_on_one_line_and_hides_nothing(tmp_path: Path) -> None:
    found = list(rows(written(tmp_path, HEADER + '7ABC124,,local,,,,"two\nlines"\n7ABC125,,local,,,,CASE\x1b[2J\n')))
    assert [row.reference for row in found if isinstance(row, HotListRow)] == ["two lines"]
    assert [row.reason for row in found if isinstance(row, RefusedRow)] == ["the reference has an invisible character"]
