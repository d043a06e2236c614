from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platepost.provisioning.hotlist import export
from platepost.provisioning.hotlist.columns import PIECE, Columns
from platepost.provisioning.hotlist.export import Export, ExportSource
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.report import Tally
from platepost.provisioning.hotlist.rows import SourceError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def exports(tmp_path: Path) -> list[Export]:
    """Two files of several pieces each, every thousandth row of the first not fit."""
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    rows = (f"{'NONE' if n % 1000 == 0 else f'T{n:05d}'},local,R{n % 99}\n" for n in range(2 * PIECE + 5))
    first.write_text("plate,category,reference\n" + "".join(rows))
    second.write_text("plate,category\n" + "".join(f"S{n:05d},stolen_plate\n" for n in range(PIECE)))
    return [Export(first, SourceMapping()), Export(second, SourceMapping())]


def taken(exports: list[Export], jobs: int) -> tuple[list[Columns], Tally, list[int]]:
    tally, told = Tally(), list[int]()
    source = ExportSource(exports, at=NOW, tally=tally, jobs=jobs, progress=told.append)
    return list(source.columns(bytes(32))), tally, told


def test_several_processes_yield_the_very_same_as_one(exports: list[Export], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_ALONE", 0)
    alone, tally, _ = taken(exports, jobs=1)
    columns, shared, _ = taken(exports, jobs=2)
    assert columns == alone
    assert vars(shared) == vars(tally)


def test_refusals_and_counts_go_to_the_tally_by_file(exports: list[Export]) -> None:
    _, tally, _ = taken(exports, jobs=1)
    assert [(name, row.line) for name, row in tally.refusals] == [
        ("first.csv", 2 + 1000 * number) for number in range(2 * PIECE // 1000 + 1)
    ]
    assert tally.accepted == {"first.csv": 2 * PIECE + 5 - len(tally.refusals), "second.csv": PIECE}
    assert tally.categories == Counter(local=tally.accepted["first.csv"], stolen_plate=PIECE)


def test_progress_ends_at_the_size_of_the_files(exports: list[Export]) -> None:
    _, _, told = taken(exports, jobs=1)
    assert told == sorted(told)
    assert told[-1] == sum(each.path.stat().st_size for each in exports)
    assert len(told) > 3


def test_an_error_in_a_file_ends_the_processes_too(exports: list[Export], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_ALONE", 0)
    exports[1].path.write_text("LIC\n")
    with pytest.raises(SourceError, match="no column 'plate'"):
        taken(exports, jobs=2)


def test_a_file_that_is_gone_is_said(exports: list[Export]) -> None:
    exports[1].path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        taken(exports, jobs=1)
