import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import HotList, HotListStore
from tests.device.hotlist.department import Department
from tests.device.hotlist.disk import Content, Disk, restore

NEW = HotListRow("5NEW001", "felony_vehicle", 1, "NV", None, "NEWS-1")
Step = Callable[[HotListStore], object]


@pytest.fixture(scope="module")
def packages(department: Department) -> list[bytes]:
    """A complete list, two deltas after it, and the next complete list."""
    complete = department.package()
    first = department.delta(complete, add=[NEW])
    second = department.delta(complete, base=first, version=3, remove=department.rows[:1])
    return [complete, first, second, department.package(version=4)]


def after(hotlist: HotList | None) -> tuple[int, str, tuple[bool, ...]]:
    """Return a list's version, digest, and which plates it has; version 0 for no list."""
    if hotlist is None:
        return 0, "", ()
    plates = ("7ABC123", "8ODE456", "1291164", "5NEW001")
    return hotlist.version, hotlist.digest, tuple(bool(hotlist.match(plate, at=hotlist.built)) for plate in plates)


def wholes(department: Department, packages: Sequence[bytes], directory: Path) -> list[object]:
    store = department.store(directory)
    return [after(None), *(after(store.install(package, at=department.built)) for package in packages)]


def watched(department: Department, packages: Sequence[bytes], directory: Path, count: int) -> Disk:
    """Install `count` packages on a sound disk, and the next one watched."""
    store = department.store(directory)
    for package in packages[:count]:
        store.install(package, at=department.built)
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(directory, patch)
        store.install(packages[count], at=department.built)
    return disk


def left(department: Department, contents: Sequence[Content | None], scratch: Path) -> set[object]:
    found = set()
    for number, content in enumerate(contents):
        store = department.store(restore(content, scratch / str(number)))
        found.add(after(store.load()))
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_whatever_was_not_flushed_the_old_list_or_the_new_is_left_whole(
    department: Department, packages: list[bytes], tmp_path: Path, count: int
) -> None:
    whole = wholes(department, packages, tmp_path / "wholes")
    disk = watched(department, packages, tmp_path / "store", count)
    seen: set[object] = set()
    for number, (step, contents) in enumerate(disk.states):
        found = left(department, contents, tmp_path / f"{number}-{step}")
        assert found <= {whole[count], whole[count + 1]}, f"after step {number}, {step}"
        seen |= found
    assert seen == {whole[count], whole[count + 1]}
    assert found == {whole[count + 1]}, "what was said to be in force is in force after the power cut too"


@pytest.mark.parametrize("forgotten", ["file", "folder"])
def test_this_disk_would_tell_if_a_flush_were_forgotten(
    department: Department,
    packages: list[bytes],
    tmp_path: Path,
    forgotten: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flush = os.fsync

    def forget(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir() != (forgotten == "folder"):
            flush(descriptor)

    whole = wholes(department, packages, tmp_path / "wholes")
    store = department.store(tmp_path / "store")
    store.install(packages[0], at=department.built)
    disk = Disk(tmp_path / "store", monkeypatch)
    flush = os.fsync
    monkeypatch.setattr(os, "fsync", forget)
    store.install(packages[1], at=department.built)
    monkeypatch.undo()
    assert left(department, disk.states[-1][1], tmp_path / "left") != {whole[2]}
