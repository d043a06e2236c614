"""What is remembered of requests, and journals that cannot be used: of those put aside a few are kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_mock import MockerFixture

from platepost.device.control import ReplayGuard
from platepost.device.control.replay_guard import KEPT_ASIDE


def test_a_journal_that_is_put_aside_again_and_again_fills_no_disk(tmp_path: Path, mocker: MockerFixture) -> None:
    path, clock = tmp_path / "journal.db", mocker.patch("platepost.device.control.replay_guard.datetime")
    for number in range(10):
        clock.now.return_value = datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC)
        path.write_bytes(b"damaged" * 1000)
        assert ReplayGuard(path).forgotten
        assert len(list(tmp_path.iterdir())) == 1 + min(number + 1, KEPT_ASIDE)
    assert not ReplayGuard(path).forgotten, "the new one is sound"


def test_journal_that_is_a_link_is_put_aside_and_where_it_leads_nothing_is_written(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "journal.db", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    assert ReplayGuard(path).forgotten
    assert (path.is_symlink(), path.is_file(), elsewhere.exists()) == (False, True, False)


def test_what_was_done_while_the_clock_was_ahead_does_not_count_as_of_late(tmp_path: Path) -> None:
    guard, now = ReplayGuard(tmp_path / "journal.db"), datetime(2026, 1, 1, tzinfo=UTC)
    guard.take("1", "still", at=now + timedelta(days=1), most=1, within=3600)
    guard.take("2", "still", at=now, most=1, within=3600)
