"""Sticks that others bring: what lies on them leads to no file of the office's or of the unit's."""

import os
from pathlib import Path

import pytest

from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.offline import (
    LARGEST,
    OfflineAnswer,
    read_answer_files,
    read_request_file,
    write_answer,
    write_refusal,
    write_request,
)

KEY = bytes(32)
ANSWER = OfflineAnswer(b"certificate", b"authorities", b"configuration")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A file that is not the stick's."""
    path = tmp_path / "ledger.jsonl"
    path.write_text("revoked\n")
    return path


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def lay_links(stick: Path, target: Path, *names: str) -> None:
    for name in names:
        (stick / name).symlink_to(target)


def test_a_refusal_takes_the_place_of_a_link(stick: Path, ledger: Path) -> None:
    lay_links(stick, ledger, "post-1.refused.json", "post-1.refused.part")
    write_refusal(stick, "post-1", EnrollmentError("no such code", reason="no_code"))
    assert ledger.read_text() == "revoked\n"
    with pytest.raises(EnrollmentError, match="no such code"):
        read_answer_files(stick, "post-1", seal_key=KEY)


def test_an_answer_takes_the_place_of_links_and_is_for_all_to_read(stick: Path, ledger: Path) -> None:
    names = ("post-1.p7", "post-1.cacerts.p7", "post-1.configuration.json", "post-1.answer.seal")
    lay_links(stick, ledger, *names, "post-1.part", "post-1.answer.part")
    write_answer(stick, "post-1", ANSWER, seal_key=KEY)
    assert ledger.read_text() == "revoked\n"
    assert read_answer_files(stick, "post-1", seal_key=KEY) == ANSWER
    assert {(stick / name).stat().st_mode & 0o777 for name in names} == {0o644}


def test_a_request_takes_the_place_of_links(stick: Path, ledger: Path) -> None:
    lay_links(stick, ledger, "post-1.p10", "post-1.p10.seal", "post-1.part")
    write_request(stick, "post-1", b"request", seal_key=KEY)
    assert ledger.read_text() == "revoked\n"
    assert not (stick / "post-1.p10").is_symlink()


@pytest.mark.parametrize("name", ["post-1.p7", "post-1.cacerts.p7", "post-1.configuration.json", "post-1.answer.seal"])
def test_an_answer_with_a_fifo_in_it_is_refused_by_name_and_not_waited_for(stick: Path, name: str) -> None:
    write_answer(stick, "post-1", ANSWER, seal_key=KEY)
    (stick / name).unlink()
    os.mkfifo(stick / name)
    with pytest.raises(EnrollmentError, match=f"a FIFO, not a regular file.*{name}"):
        read_answer_files(stick, "post-1", seal_key=KEY)


@pytest.mark.parametrize("name", ["post-1.p10", "post-1.p10.seal"])
def test_a_request_that_is_a_device_is_refused_by_name(stick: Path, name: str) -> None:
    write_request(stick, "post-1", b"request", seal_key=KEY)
    (stick / name).unlink()
    (stick / name).symlink_to("/dev/zero")
    with pytest.raises(EnrollmentError, match=f"a device, not a regular file.*{name}"):
        read_request_file(stick, "post-1")


def test_a_request_that_is_too_large_is_refused_unread(stick: Path) -> None:
    write_request(stick, "post-1", b"request", seal_key=KEY)
    os.truncate(stick / "post-1.p10", LARGEST + 1)
    with pytest.raises(EnrollmentError, match=f"larger than the {LARGEST} bytes"):
        read_request_file(stick, "post-1")
