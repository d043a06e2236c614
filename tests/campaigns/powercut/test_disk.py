import random
import shutil
import sys
from pathlib import Path

import pytest

from tests.campaigns.powercut.campaign import build, log_of
from tests.campaigns.powercut.disk import Disk, DiskLogError, Operation, marks, read_log


def after(disk: Disk, folder: Path, seed: int) -> dict[str, bytes]:
    target = folder / f"after-{seed}"
    target.mkdir()
    disk.cut(random.Random(seed), target)
    return {file.name: file.read_bytes() for file in target.iterdir()}


def make(*operations: tuple[str, str, int, bytes]) -> Disk:
    disk = Disk()
    for operation in operations:
        disk.do(Operation(*operation))
    return disk


def test_what_was_synchronised_is_there_after_every_cut(tmp_path: Path) -> None:
    disk = make(("C", "a", 0, b""), ("W", "a", 0, b"x" * 9000), ("S", "a", 0, b""), ("D", "", 0, b""))
    assert all(after(disk, tmp_path, seed) == {"a": b"x" * 9000} for seed in range(50))


def test_what_was_not_is_torn_at_sectors(tmp_path: Path) -> None:
    disk = make(("C", "a", 0, b""), ("S", "a", 0, b""), ("D", "", 0, b""), ("W", "a", 100, b"x" * 8092))
    contents = {after(disk, tmp_path, seed)["a"] for seed in range(200)}
    assert b"" in contents
    assert bytes(100) + b"x" * 8092 in contents
    torn = [content for content in contents if 0 < content.count(b"x") < 8092]
    assert len(torn) > 20
    for content in torn:
        sectors = {bytes(content[start : start + 512]).strip(b"\0") for start in range(512, len(content), 512)}
        assert sectors <= {b"", b"x" * 512}


def test_a_file_whose_folder_was_not_synchronised_may_be_gone_or_have_its_former_name(tmp_path: Path) -> None:
    disk = make(("C", "a", 0, b""), ("W", "a", 0, b"x"), ("S", "a", 0, b""), ("R", "a", 0, b"b"))
    assert {tuple(after(disk, tmp_path, seed)) for seed in range(60)} == {(), ("a",), ("b",)}
    disk.do(Operation("D", "", 0, b""))
    assert all(after(disk, tmp_path, seed) == {"b": b"x"} for seed in range(60, 99))


def test_a_removed_file_may_be_back(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "a").write_bytes(b"x")
    disk = Disk(tmp_path / "first")
    disk.do(Operation("U", "a", 0, b""))
    assert {tuple(after(disk, tmp_path, seed).items()) for seed in range(40)} == {(), (("a", b"x"),)}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: make tools")
def test_the_library_sees_what_a_process_does(tmp_path: Path) -> None:
    root, log = tmp_path / "root", tmp_path / "log"
    root.mkdir()
    code = (
        "import os, sys\nfolder = sys.argv[1]\nfile = os.open(folder + '/a', os.O_RDWR | os.O_CREAT)\n"
        "os.write(file, b'one')\nos.pwrite(file, b'two', 8)\nos.ftruncate(file, 9)\nos.fsync(file)\nos.close(file)\n"
        "os.rename(folder + '/a', folder + '/b')\nfolder_itself = os.open(folder, os.O_RDONLY)\n"
        "os.fsync(folder_itself)\nos.unlink(folder + '/b')\n"
    )
    log_of(root, build(tmp_path), log, [sys.executable, "-c", code, str(root)])
    operations = read_log(log)
    assert [(done.kind, done.path, done.offset, done.data) for done in operations] == [
        ("C", "a", 0, b""),
        ("W", "a", 0, b"one"),
        ("W", "a", 8, b"two"),
        ("T", "a", 9, b""),
        ("S", "a", 0, b""),
        ("R", "a", 0, b"b"),
        ("D", "", 0, b""),
        ("U", "b", 0, b""),
    ]
    assert marks(operations, "a") == [(1, b"one"), (2, b"two")]


def test_a_log_cut_short_or_with_a_mapping_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for content in (b"W\x01", b"M\x01\0" + bytes(12) + b"a"):
        log.write_bytes(content)
        with pytest.raises(DiskLogError):
            read_log(log)
