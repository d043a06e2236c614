import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from platepost.provisioning.hotlist.changes import Removal, read_removals
from platepost.provisioning.hotlist.cleaner import Cleaner
from platepost.provisioning.hotlist.encoding import detect
from platepost.provisioning.hotlist.lines import LONGEST_ROW
from platepost.provisioning.hotlist.mapping import SAFE, SourceMapping, load_mapping
from platepost.provisioning.hotlist.rows import HotListRow, RefusedRow, RowRefusedError, SourceError
from platepost.provisioning.hotlist.source import open_source, read_rows
from platepost.wire.hotlist.keys import normalize

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EXPORT = "plate,category,reference\r\n7ABC123,local,Größe\r\n7ABC124,local,\r\n"
FIXED = """
[source]
form = "fixed"
encoding = "latin-1"
skip = 1
ignore = "^TRL"
[columns]
category = { start = 1, length = 3 }
plate = { start = 4, length = 10 }
state = { start = 14, length = 2 }
entered = { start = 16, length = 8 }
expires = { start = 24, length = 8 }
reference = { start = 32, length = 10 }
[dates]
never = ["99999999"]
[categories]
EV = { category = "stolen_vehicle", priority = 2 }
EP = "stolen_plate"
"""


def mapping(tmp_path: Path, text: str) -> SourceMapping:
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    return load_mapping(path)


def read(tmp_path: Path, content: bytes | str, given: SourceMapping | None = None) -> list[HotListRow | RefusedRow]:
    path = tmp_path / "export"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path, given or SourceMapping(), at=NOW))


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
    ids=lambda name: name,
)
def test_an_encoding_is_found_by_its_mark_or_its_zero_bytes(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, EXPORT.encode(encoding)) == [
        HotListRow("7ABC123", "local", 5, None, None, "Größe"),
        HotListRow("7ABC124", "local", 5),
    ]


def test_latin_1_is_read_where_the_mapping_says_so(tmp_path: Path) -> None:
    latin = mapping(tmp_path, '[source]\nencoding = "latin-1"')
    (first, _) = read(tmp_path, EXPORT.encode("latin-1"), latin)
    assert isinstance(first, HotListRow)
    assert first.reference == "Größe"


def test_bytes_of_another_encoding_refuse_their_row_and_no_other(tmp_path: Path) -> None:
    export = b"plate,category,reference,remark\n7AB\xe4123,local,,\n7ABC124,local,\xe4,\n7ABC125,local,,\xe4\n"
    first, second, third = read(tmp_path, export)
    assert first == RefusedRow(2, "bytes that are not of the file's encoding")
    assert second == RefusedRow(3, "the reference has bytes that are not of the file's encoding")
    assert third == HotListRow("7ABC125", "local", 5)


def test_an_empty_file_and_a_short_one_are_taken_for_utf_8() -> None:
    assert [detect(beginning) for beginning in (b"", b"p", b"pl")] == ["utf-8"] * 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_every_line_end_counts_lines_the_same(tmp_path: Path, end: str) -> None:
    lines = ("plate,category,reference", "7ABC123,local,a", '7ABC124,local,"two', 'lines"', "NONE,local,", "")
    found = read(tmp_path, end.join(lines))
    assert [row.plate for row in found if isinstance(row, HotListRow)] == ["7ABC123", "7ABC124"]
    assert [row.line for row in found if isinstance(row, RefusedRow)] == [5]


def test_a_quote_that_is_never_closed_swallows_no_other_row(tmp_path: Path) -> None:
    rows = [f"7ABC{number},local," for number in range(100, 900)]
    rows[5] = '7ABC105,local,"stray'
    found = read(tmp_path, "\n".join(["plate,category,reference", *rows]))
    (refused,) = (row for row in found if isinstance(row, RefusedRow))
    assert refused == RefusedRow(7, "broken quoting: a quote that is never closed")
    assert len(found) == len(rows)


def test_a_stray_quote_near_the_end_is_refused_alone_too(tmp_path: Path) -> None:
    found = read(tmp_path, 'plate,category\n7ABC123,local\n"7ABC124,local\n7ABC125,local\n')
    assert [row.line if isinstance(row, RefusedRow) else row.plate for row in found] == ["7ABC123", 3, "7ABC125"]


def test_text_after_a_closing_quote_refuses_its_line(tmp_path: Path) -> None:
    found = read(tmp_path, 'plate,category\n"7ABC123"x,local\n7ABC124,local\n')
    assert isinstance(found[0], RefusedRow)
    assert found[0].line == 2
    assert found[1:] == [HotListRow("7ABC124", "local", 5)]


@pytest.mark.parametrize("stray", ['local,"', 'local,"see', 'local,5" scratch'])
@pytest.mark.parametrize("apart", [1, 2, 60])
def test_two_stray_quotes_swallow_no_row_between_them(tmp_path: Path, stray: str, apart: int) -> None:
    rows = [f"7ABC{number},local," for number in range(100, 300)]
    for number in (5, 5 + apart):
        rows[number] = f"7ABC{100 + number},{stray}"
    found = read(tmp_path, "\n".join(["plate,category,reference", *rows]))
    assert len(found) == len(rows)
    lost = [row.line for row in found if isinstance(row, RefusedRow)]
    assert lost == ([] if "5" in stray else [7, 7 + apart])


def test_ditto_marks_in_every_row_refuse_them_all(tmp_path: Path) -> None:
    rows = "".join(f'7ABC{number},local,R1,"\n' for number in range(100, 105))
    found = read(tmp_path, f"plate,category,reference,remark\n{rows}")
    over = "a quote that runs over other rows"
    assert [row.reason for row in found if isinstance(row, RefusedRow)] == [
        *[over] * 4,
        "broken quoting: unexpected end of data",
    ]
    given = mapping(tmp_path, "[source]\nheader = false\n[columns]\nplate = 1\ncategory = 2\n")
    assert [row.reason for row in read(tmp_path, rows, given)[:4] if isinstance(row, RefusedRow)] == [over] * 4


def test_a_remark_of_several_lines_is_one_row_whatever_it_says(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text(
        "plate,category,remark\n"
        '7ABC123,local,"see 7ABC999\n7ABC999, local\nSmith, red, dented\nNONE,local,x\n7ABC999,told,x"\n'
        '"7ABC124",local,"a\nb"\n'
    )
    with open_source(path, SourceMapping()) as source:
        assert [record[0] for record in source.records() if not isinstance(record, RefusedRow)] == [2, 7]
        assert source.several == 2


def test_a_row_may_have_as_many_lines_as_a_remark_needs(tmp_path: Path) -> None:
    remark = "\n" * (LONGEST_ROW - 2)
    found = read(tmp_path, f'plate,category,remark\n7ABC123,local,"{remark}"\n')
    assert found == [HotListRow("7ABC123", "local", 5)]


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | st.text(alphabet='",\n\r\0A1é?\ufeff;', max_size=80).map(str.encode))
def test_no_bytes_are_more_than_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "export"
    for beginning in (b"", b"plate,category\n7ABC123,local\n"):
        path.write_bytes(beginning + content)
        with suppress(SourceError):
            found = list(read_rows(path, SourceMapping(), at=NOW))
            assert not beginning or found[0] == HotListRow("7ABC123", "local", 2 + 3)


def test_fixed_width_lines_are_cut_at_their_places(tmp_path: Path) -> None:
    lines = (
        "HDR 2026-11-24",
        "EV 7ABC-123  CA2026110199999999NIC0000001",
        "EP 8ODE456   NV2026110120261130",
        "EX 8ODE457   NV          ",
        "EV UNKNOWN   CA          ",
        "",
        "EV",
        "EV 7ABC124   CA20261101",
        "TRL00004",
        "\x1a",
    )
    found = read(tmp_path, "\r\n".join(lines).encode("latin-1"), mapping(tmp_path, FIXED))
    assert found == [
        HotListRow("7ABC123", "stolen_vehicle", 2, "CA", None, "NIC0000001"),
        HotListRow("8ODE456", "stolen_plate", 5, "NV", datetime(2026, 12, 1, tzinfo=UTC)),
        RefusedRow(4, "category 'EX' is not on the allow-list"),
        RefusedRow(5, "a word for a missing plate"),
        RefusedRow(7, "cut short before its expires"),
        RefusedRow(8, "cut short before its expires"),
    ]


def test_bytes_of_another_encoding_move_no_place_of_a_fixed_width_line(tmp_path: Path) -> None:
    given = mapping(
        tmp_path,
        """[source]
form = "fixed"
[columns]
category = { start = 1, length = 5 }
plate = { start = 12, length = 8 }
""",
    )
    # Two bytes of cp1252 that begin a character of UTF-8 become one mark, and ABC1234 would have been BC1234.
    lines = b"localANN\xe2\x80S ABC1234 \xe9\nlocalJOHN  XYZ9876 \xe9\n"
    assert read(tmp_path, lines, given) == [
        RefusedRow(1, "bytes that are not of the file's encoding"),
        HotListRow("XYZ9876", "local", 5),
    ]


def test_lines_that_are_no_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text("HDR\nEV 7ABC123   CA\nTRL1\nTRL2\n")
    with open_source(path, mapping(tmp_path, FIXED)) as source:
        assert len(list(source.records())) == 1
        assert (source.ignored, source.position) == (2, path.stat().st_size)


TEMPLATE = """
[source]
header = false
delimiter = ";"
[columns]
category = 1
state = 2
plate = 3
entered = 4
expires = 5
[states]
California = "CA"
[categories]
Stolen = "stolen_vehicle"
"""


def test_a_column_template_gives_columns_by_number(tmp_path: Path) -> None:
    export = "Stolen;California;7ABC123;2026-01-01;2026-12-31;remark\nStolen;CA\nStolen;CA;7ABC124;;\n"
    assert read(tmp_path, export, mapping(tmp_path, TEMPLATE)) == [
        HotListRow("7ABC123", "stolen_vehicle", 5, "CA", datetime(2027, 1, 1, tzinfo=UTC)),
        RefusedRow(2, "cut short before its expires"),
        HotListRow("7ABC124", "stolen_vehicle", 5, "CA"),
    ]


@pytest.mark.parametrize(("states", "state"), [("", "NE"), ('[states]\nNB = "NB"', "NB")])
def test_nebraska_is_what_the_reader_calls_it(tmp_path: Path, states: str, state: str) -> None:
    given = mapping(tmp_path, f"[defaults]\ncategory = 'local'\n{states}")
    assert read(tmp_path, "plate,state\n7ABC123, nb\n7ABC123,NB\n", given)[-1] == HotListRow(
        "7ABC123", "local", 5, state
    )


def test_a_number_finds_a_column_whose_header_is_no_name(tmp_path: Path) -> None:
    given = mapping(tmp_path, '[columns]\nplate = 2\n[defaults]\ncategory = "local"')
    assert read(tmp_path, ",,\n1,7ABC123,x\n", given) == [HotListRow("7ABC123", "local", 5)]


@pytest.mark.parametrize("header", ["plate,plate,category", "Plate,PLATE,category"])
def test_a_column_that_is_there_twice_is_not_guessed(tmp_path: Path, header: str) -> None:
    export = f"{header}\nSMITH,7ABC123,local\n"
    with pytest.raises(SourceError, match="'plate' for the plate is there several times, as number 1 and 2"):
        read(tmp_path, export)
    assert read(tmp_path, export, mapping(tmp_path, "[columns]\nplate = 2")) == [HotListRow("7ABC123", "local", 5)]


def test_a_column_is_the_one_that_is_written_alike(tmp_path: Path) -> None:
    given = mapping(tmp_path, "[columns]\nplate = 'Plate'")
    assert read(tmp_path, "PLATE,Plate,category\nSMITH,7ABC123,local\n", given) == [HotListRow("7ABC123", "local", 5)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[source]\nform = "fixed"\n[columns]\nplate = "LIC"', "columns.plate: a fixed-width file"),
        ('[source]\nform = "fixed"', "columns.plate is missing"),
        ("[source]\nheader = false\n[columns]\nplate = 'LIC'", "columns.plate: a file without a header"),
        ("[columns]\nplate = { start = 1, length = 7 }", "columns.plate: a file with a header"),
        ("[columns]\nplate = 0", "columns.plate"),
        ("[source]\nignore = '('", "source.ignore"),
        ("[source]\ndelimiter = '||'", "source.delimiter"),
    ],
)
def test_a_form_and_its_columns_must_fit(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SourceError, match=named):
        mapping(tmp_path, text)


def test_a_form_without_header_needs_the_category_or_a_default(tmp_path: Path) -> None:
    plate = "[source]\nheader = false\n[columns]\nplate = 1\n"
    with pytest.raises(SourceError, match="for the category"):
        read(tmp_path, "7ABC123\n", mapping(tmp_path, plate))
    given = mapping(tmp_path, f'{plate}[defaults]\ncategory = "local"')
    assert read(tmp_path, "7ABC123\n", given) == [HotListRow("7ABC123", "local", 5)]


def test_a_covert_row_says_whom_it_concerns_or_is_refused(tmp_path: Path) -> None:
    given = mapping(
        tmp_path, '[categories]\nlocal = "local"\nNARC = { category = "local", distribution = "narcotics" }'
    )
    export = (
        "PLATE,Category,distribution\n7ABC123,local,\n7ABC124,local,vice\n7ABC125,NARC,\n7ABC126,local,Vice Squad\n"
    )
    first, second, third, fourth = read(tmp_path, export, given)
    assert [row.distribution for row in (first, second, third) if isinstance(row, HotListRow)] == [
        None,
        "vice",
        "narcotics",
    ]
    assert isinstance(fourth, RefusedRow)
    assert "distribution group" in fourth.reason


def test_a_column_that_the_mapping_names_must_be_there(tmp_path: Path) -> None:
    given = mapping(tmp_path, '[columns]\ndistribution = "GROUP"')
    with pytest.raises(SourceError, match="no column 'GROUP' for the distribution; the file has: plate, category"):
        read(tmp_path, "plate,category\n7ABC123,local\n", given)


MORE = "more fields than the header: a delimiter that is not quoted?"


def test_a_row_that_was_cut_short_or_shifted_neither_opens_nor_lives_for_ever(tmp_path: Path) -> None:
    given = mapping(tmp_path, '[columns]\ndistribution = "group"\n')
    rows = (
        "7AAA111,local,x,,narcotics,",
        "7BBB222,local",
        "7BBB223,local,x,2027-01-01",
        "7BBB224",
        "7CCC333,local,red, ,,narcotics,",
        "7DDD444,local,red, dented,2001-12-31,,",
        "7EEE555,local,x,2027-01-01,,",
        "7FFF666,local,x,,",
        "",
    )
    assert read(tmp_path, "\n".join(["plate,category,remark,expires,group,note", *rows]), given) == [
        HotListRow("7AAA111", "local", 5, distribution="narcotics"),
        RefusedRow(3, "cut short before its expires"),
        RefusedRow(4, "cut short before its distribution"),
        RefusedRow(5, "cut short before its category"),
        RefusedRow(6, MORE),
        RefusedRow(7, MORE),
        HotListRow("7EEE555", "local", 5, expires=datetime(2027, 1, 2, tzinfo=UTC)),
        HotListRow("7FFF666", "local", 5),
    ]


def test_a_category_that_was_cut_off_is_not_the_default(tmp_path: Path) -> None:
    given = mapping(tmp_path, '[defaults]\ncategory = "local"\n')
    found = read(tmp_path, "plate,category\n7ABC123\n7ABC124,\n", given)
    assert found == [RefusedRow(2, "cut short before its category"), HotListRow("7ABC124", "local", 5)]


@pytest.mark.parametrize("number", [4, 9])
def test_a_number_beyond_the_header_finds_no_column(tmp_path: Path, number: int) -> None:
    given = mapping(tmp_path, f"[columns]\ndistribution = {number}\n")
    with pytest.raises(SourceError, match=f"no column {number} for the distribution; the file has: plate"):
        read(tmp_path, "plate,category,group\n7AAA111,local,narcotics\n", given)


def test_without_a_header_a_row_that_does_not_reach_its_group_is_refused(tmp_path: Path) -> None:
    given = mapping(tmp_path, "[source]\nheader = false\n[columns]\nplate = 1\ncategory = 2\ndistribution = 3\n")
    assert read(tmp_path, "7AAA111,local,narcotics,x\n7AAA112,local\n7AAA113,local,\n", given) == [
        HotListRow("7AAA111", "local", 5, distribution="narcotics"),
        RefusedRow(2, "cut short before its distribution"),
        HotListRow("7AAA113", "local", 5),
    ]


def test_a_file_whose_rows_are_trimmed_says_so(tmp_path: Path) -> None:
    trimmed = "[source]\ntrimmed = true\n"
    found = read(tmp_path, "plate,category,expires\n7ABC123,local\n7ABC124,local,,\n", mapping(tmp_path, trimmed))
    assert found == [HotListRow("7ABC123", "local", 5), RefusedRow(3, MORE)]
    given = mapping(tmp_path, FIXED.replace("[source]\n", trimmed))
    assert read(tmp_path, "HDR\nEV 7ABC123   CA\n", given) == [HotListRow("7ABC123", "stolen_vehicle", 2, "CA")]


def test_a_removal_that_was_cut_short_takes_no_more_off_the_list(tmp_path: Path) -> None:
    path = tmp_path / "recovered.csv"
    path.write_text("plate,reference,expires\n7ABC123\n7ABC124,R1\n")
    assert list(read_removals(path, SourceMapping())) == [
        RefusedRow(2, "cut short before its reference"),
        Removal(3, normalize("7ABC124"), reference="R1"),
    ]


def test_own_vehicles_need_no_more_than_a_plate(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("plate,distribution\n7ABC123,\n7ABC124,vice\n")
    clean = Cleaner(SAFE, at=NOW, safe=True).clean
    with open_source(path, SAFE) as source:
        (_, first), (_, second) = (record for record in source.records() if not isinstance(record, RefusedRow))
    assert clean(first) == HotListRow("7ABC123", "safe", 9, safe=True)
    with pytest.raises(RowRefusedError, match="not covert"):
        clean(second)


def test_the_mappings_that_the_documentation_shows_can_be_loaded(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "hotlist.md"
    shown = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    forms = [mapping(tmp_path, text).source for text in shown]
    assert [(source.form, source.header) for source in forms] == [
        ("delimited", True),
        ("delimited", False),
        ("fixed", True),
    ]
