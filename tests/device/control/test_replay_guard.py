"""Journals that cannot be used: of those put aside a few are kept."""

from datetime import UTC, datetime
from pathlib import Path

from pytest_mock import MockerFixture

from device.control import ReplayGuard
from device.control.replay_guard import KEPT_ASIDE


def test_a_journal_that_is_put_aside_again_and_again_fills_no_disk(tmp_path: Path, mocker: MockerFixture) -> None:
    path, clock = tmp_path / "journal.db", mocker.patch("device.control.replay_guard.datetime")
    for number in range(10):
        clock.now.return_value = datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC)
        path.write_bytes(b"damaged" * 1000)
        assert ReplayGuard(path).forgotten
        assert len(list(tmp_path.iterdir())) == 1 + min(number + 1, KEPT_ASIDE)
    assert not ReplayGuard(path).forgotten, "the new one is sound"
