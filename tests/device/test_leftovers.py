"""Files that are left over."""

from pathlib import Path

from device.leftovers import keep_newest


def lay(path: Path, *, after: Path | None) -> Path:
    """Make a file later than another, by the disk's clock, which goes in steps of some milliseconds."""
    path.touch()
    while after is not None and path.lstat().st_ctime_ns <= after.lstat().st_ctime_ns:
        path.unlink()
        path.touch()
    return path


def test_the_newest_stay_whatever_their_names_say(tmp_path: Path) -> None:
    laid: list[Path] = []
    for year in (2030, 2026, 2027, 2025):  # of clocks that were wrong
        laid.append(lay(tmp_path / f"left.{year}", after=laid[-1] if laid else None))
    keep_newest(tmp_path.glob("left.*"), 5)
    assert sorted(tmp_path.iterdir()) == sorted(laid)
    keep_newest(tmp_path.glob("left.*"), 2)
    assert sorted(tmp_path.iterdir()) == sorted(laid[2:])


def test_one_that_cannot_be_removed_stays_and_hinders_no_other(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("link", "file"):
        (tmp_path / name).touch()
    keep_newest([tmp_path / name for name in ("file", "folder", "link")], 0)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
