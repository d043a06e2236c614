"""Journals that cannot be used: of those put aside a few are kept."""

from datetime import UTC, datetime
from pathlib import Path

from pytest_mock import MockerFixture

from device.control import Journal
from device.control.journal import KEPT_ASIDE


def test_a_journal_that_is_put_aside_again_and_again_fills_no_disk(tmp_path: Path, mocker: MockerFixture) -> None:
    path, clock = tmp_path / "journal.db", mocker.patch("device.control.journal.datetime")
    for number in range(10):
        clock.now.return_value = datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC)
        path.write_bytes(b"damaged" * 1000)
        assert Journal(path).forgotten
        assert len(list(tmp_path.iterdir())) == 1 + min(number + 1, KEPT_ASIDE)
    assert not Journal(path).forgotten, "the new one is sound"
