"""Copies of backups at another place: a store that speaks S3, by rclone, and a folder."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from platepost.department.archive.offsite import OffsiteCopies
from platepost.department.errors import DepartmentError
from tests.s3_store import KEY, SECRET, S3Store, rclone_path, s3_store

__all__ = ["s3_store"]

pytestmark = pytest.mark.skipif(rclone_path() is None, reason="rclone is missing: make build/rclone")


@pytest.fixture
def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{Path(str(rclone_path())).parent}:{os.environ['PATH']}")
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2):
        (folder / f"riverside-2026120{day}T030000Z.backup.age").write_bytes(b"backup of day %d" % day)
    (folder / "riverside-20261203T030000Z.backup.age.part").write_bytes(b"half")
    (folder / "hillside-20261201T030000Z.backup.age").write_bytes(b"another agency's")
    return folder


FIRST, SECOND = (f"riverside-2026120{day}T030000Z.backup.age" for day in (1, 2))


@pytest.fixture(params=["s3", "folder"])
def copies(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[OffsiteCopies, Path]]:
    """Yield the copies, and the folder in which the store has its objects."""
    config = tmp_path / "rclone.conf"
    place = tmp_path / "elsewhere"
    place.mkdir()
    if request.param == "folder":
        config.touch()
        yield OffsiteCopies(str(place), config, agency="riverside"), place
        return
    store: S3Store = request.getfixturevalue("s3_store")
    lines = ("type = s3", "provider = Other", f"access_key_id = {KEY}", f"secret_access_key = {SECRET}")
    endpoint = f"endpoint = http://127.0.0.1:{store.port}"
    config.write_text("\n".join(("[offsite]", *lines, endpoint)) + "\n")
    bucket = store.objects / f"backups-{uuid4()}"
    bucket.mkdir()
    yield OffsiteCopies(f"offsite:{bucket.name}", config, agency="riverside"), bucket


def test_copies_follow_the_term_and_outlive_the_disk(backups: Path, copies: tuple[OffsiteCopies, Path]) -> None:
    offsite, place = copies
    assert offsite.update(backups, []) == [FIRST, SECOND], "of this agency, and whole"
    assert (place / FIRST).read_bytes() == b"backup of day 1"
    (place / "restore-test.json").write_text('{"intact": true}')
    (backups / FIRST).unlink()
    assert offsite.update(backups, []) == [FIRST, SECOND], "what is missing here is not deleted there"
    assert (backups / "restore-test.json").read_text() == '{"intact": true}'
    assert offsite.update(backups, [FIRST]) == [SECOND]
    assert not (place / FIRST).exists()


def test_changed_backup_replaces_no_copy(backups: Path, copies: tuple[OffsiteCopies, Path]) -> None:
    offsite, place = copies
    offsite.update(backups, [])
    (backups / SECOND).write_bytes(b"encrypted by a thief, and longer than before")
    with pytest.raises(DepartmentError, match=offsite.remote):
        offsite.update(backups, [])
    assert (place / SECOND).read_bytes() == b"backup of day 2"


def test_place_that_does_not_answer_is_named(backups: Path, tmp_path: Path) -> None:
    config = tmp_path / "rclone.conf"
    config.write_text("[offsite]\ntype = s3\nprovider = Other\nendpoint = http://127.0.0.1:1\n")
    with pytest.raises(DepartmentError, match="offsite:backups: "):
        OffsiteCopies("offsite:backups", config, agency="riverside").update(backups, [])
