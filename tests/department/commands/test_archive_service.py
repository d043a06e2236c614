"""The archive service reports a checkpoint that it cannot read, and publishes each one once."""

from pathlib import Path

from platepost.department.commands.archive_service import CheckpointFile


def test_a_checkpoint_is_returned_once_and_one_that_cannot_be_read_is_reported_once(tmp_path: Path) -> None:
    path, reports = tmp_path / "head.json", list[str | None]()
    file = CheckpointFile(path, reports.append)
    assert (file.changed(), reports) == (None, []), "none was made yet"
    path.write_bytes(b"first")
    assert [file.changed(), file.changed()] == [b"first", None]
    path.unlink()
    path.mkdir()
    assert [file.changed(), file.changed()] == [None, None]
    assert len(reports) == 1
    assert "directory" in str(reports[0])
    path.rmdir()
    path.write_bytes(b"first")
    assert file.changed() is None, "it was published"
    path.write_bytes(b"second")
    assert file.changed() == b"second"
    assert reports[1:] == [None]
