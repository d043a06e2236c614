from pathlib import Path

import pytest

from platepost.device.health.crash_record import FILE, OBITUARY, Crash, CrashRecord


def test_what_was_wrong_is_told_after_the_death(tmp_path: Path) -> None:
    CrashRecord(tmp_path, run="one", machine="a").keep({"camera_silent", "disk_full"}, unfed="no_frames")
    (tmp_path / OBITUARY).write_text("watchdog killed ABRT\n")
    after = CrashRecord(tmp_path, run="two", machine="a")
    assert after.former() == Crash("one", ("camera_silent", "disk_full"), "no_frames", rebooted=False, how="watchdog")
    after.keep((), unfed=None)
    assert not (tmp_path / OBITUARY).exists()


def test_a_machine_that_lost_power_is_told_apart(tmp_path: Path) -> None:
    CrashRecord(tmp_path, run="one", machine="a").keep((), unfed=None)
    assert CrashRecord(tmp_path, run="two", machine="b").former() == Crash("one", (), None, rebooted=True, how="power")


def test_a_stop_in_order_leaves_nothing_to_tell(tmp_path: Path) -> None:
    first = CrashRecord(tmp_path, run="one", machine="a")
    assert first.former() is None
    first.keep({"tamper_open"}, unfed=None)
    first.close()
    (tmp_path / OBITUARY).write_text("success exited 0\n")
    assert CrashRecord(tmp_path, run="two", machine="a").former() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"faults": 3}', b"null"])
def test_a_damaged_diary_tells_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / OBITUARY).write_bytes(content)
    assert CrashRecord(tmp_path, run="two", machine="a").former() is None


def test_a_disk_that_takes_nothing_does_not_stop_the_post(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    CrashRecord(tmp_path / "file", run="one", machine="a").keep({"disk_full"}, unfed=None)
