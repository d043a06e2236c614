import stat
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from platepost.device.hotlist.service import Installation
from platepost.device.hotlist.spool import FOLDER, KEPT_OUTCOMES, KEPT_PARTS, PackageSpool, fetch_outcome, lay
from platepost.wire.hotlist.package import PackageFile
from tests.device.nobody import needs_root, nobody, place_of_nobody

FIRST, SECOND = "hotlist-0000000000000001.package", "hotlist-0000000000000002.delta"
SECONDS = 60.0


def installer(taken: list[bytes]) -> Callable[[PackageFile], Installation]:
    def install(package: PackageFile) -> Installation:
        taken.append(bytes(package))
        return Installation(None, "older", "no") if taken[-1] == b"old" else Installation(len(taken), None, "in force")

    return install


def test_packages_are_taken_oldest_first_and_each_has_its_outcome(tmp_path: Path) -> None:
    taken: list[bytes] = []
    spool = PackageSpool(tmp_path, installer(taken))
    assert spool.install_new() == 0, "the folder need not be there"
    lay(tmp_path, SECOND, b"delta")
    lay(tmp_path, FIRST, b"old")
    assert fetch_outcome(tmp_path, FIRST) is None
    assert spool.install_new() == 2
    assert taken == [b"old", b"delta"]
    assert fetch_outcome(tmp_path, FIRST) == Installation(None, "older", "no")
    assert fetch_outcome(tmp_path, SECOND) == Installation(2, None, "in force")
    assert fetch_outcome(tmp_path, SECOND) is None, "an outcome is fetched once"
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_what_is_laid_is_its_owners_alone_and_an_old_outcome_does_not_stand_for_it(tmp_path: Path) -> None:
    spool = PackageSpool(tmp_path, installer([]))
    lay(tmp_path, FIRST, b"old")
    spool.install_new()
    lay(tmp_path, FIRST, b"new")
    assert fetch_outcome(tmp_path, FIRST) is None
    folder = tmp_path / FOLDER
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FIRST).stat().st_mode) == 0o600


@needs_root
def test_what_root_lays_is_taken_by_the_post_s_own_user(tmp_path: Path) -> None:
    lay(tmp_path, FIRST, b"list")
    PackageSpool(tmp_path, installer([])).install_new()
    taken: list[bytes] = []
    with place_of_nobody() as state:
        lay(state / "hotlist", FIRST, b"list")
        with nobody():
            assert PackageSpool(state / "hotlist", installer(taken)).install_new() == 1
        assert fetch_outcome(state / "hotlist", FIRST) == Installation(1, None, "in force")
    assert taken == [b"list"]


def test_strange_files_are_left_alone(tmp_path: Path) -> None:
    lay(tmp_path, FIRST, b"list")
    for name in (f"{SECOND}.part", "hotlist-1.package", "notes.txt"):
        (tmp_path / FOLDER / name).write_bytes(b"strange")
    taken: list[bytes] = []
    assert PackageSpool(tmp_path, installer(taken)).install_new() == 1
    assert taken == [b"list"]
    with pytest.raises(ValueError, match="not the name of a package"):
        lay(tmp_path, "../post.toml", b"")


def test_a_package_that_cannot_be_read_keeps_no_newer_one_from_being_taken(tmp_path: Path) -> None:
    lay(tmp_path, SECOND, b"delta")
    (tmp_path / FOLDER / FIRST).mkdir()
    taken: list[bytes] = []
    with pytest.raises(IsADirectoryError):
        PackageSpool(tmp_path, installer(taken)).install_new()
    assert taken == [b"delta"]
    assert fetch_outcome(tmp_path, SECOND) == Installation(1, None, "in force")


def test_what_keeps_a_package_from_being_taken_is_logged_once_as_long_as_it_lasts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[int] = []
    enough = Event()

    def install(_package: PackageFile) -> Installation:
        looks.append(1)
        if len(looks) == 5:
            enough.set()
        raise OSError("no room")

    lay(tmp_path, FIRST, b"list")
    spool = PackageSpool(tmp_path, install, look_seconds=0.001)
    spool.start()
    assert enough.wait(SECONDS)
    spool.stop()
    assert caplog.text.count("no room") == 1


@pytest.mark.parametrize("error", [OSError("no room"), RuntimeError("unforeseen")])
def test_a_running_spool_takes_what_comes_and_lives_on_after_a_bad_disk(tmp_path: Path, error: Exception) -> None:
    came, failed = Event(), Event()

    def install(package: PackageFile) -> Installation:
        if not failed.is_set():
            failed.set()
            raise error
        came.set()
        return Installation(1, None, "in force")

    spool = PackageSpool(tmp_path, install, look_seconds=0.001)
    spool.start()
    lay(tmp_path, FIRST, b"list")
    assert came.wait(SECONDS)
    spool.stop()
    spool.stop()
    assert fetch_outcome(tmp_path, FIRST) == Installation(1, None, "in force")


def test_an_outcome_takes_the_place_of_links(tmp_path: Path) -> None:
    """It is root that takes lists during an acceptance, from a folder in which the post's user could lay links."""
    shadow = tmp_path / "shadow"
    shadow.write_text("root")
    lay(tmp_path, FIRST, b"list")
    for name in (f"{FIRST}.outcome", f"{FIRST}.part"):
        (tmp_path / FOLDER / name).symlink_to(shadow)
    PackageSpool(tmp_path, installer([])).install_new()
    assert shadow.read_text() == "root"
    assert fetch_outcome(tmp_path, FIRST) == Installation(1, None, "in force")


def test_outcomes_that_nobody_fetches_and_what_was_half_laid_fill_no_disk(tmp_path: Path) -> None:
    spool = PackageSpool(tmp_path, installer([]))
    for number in range(2 * KEPT_OUTCOMES):
        name = f"hotlist-{number:016d}.package"
        lay(tmp_path, name, b"list")
        (tmp_path / FOLDER / name).with_suffix(".part").touch()
        assert spool.install_new() == 1
    names = [path.suffix for path in (tmp_path / FOLDER).iterdir()]
    assert (names.count(".outcome"), names.count(".part")) == (KEPT_OUTCOMES, KEPT_PARTS)
