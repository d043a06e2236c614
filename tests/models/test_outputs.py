from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from platepost.models.outputs import make_room
from platepost.models.reader.cli import convert


def test_the_folder_is_made_and_nothing_else_changed(tmp_path: Path) -> None:
    make_room(tmp_path / "new" / "reader.tflite")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "old").write_bytes(b"old")
    make_room(tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"old"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(click.ClickException, match="cannot write"):
        make_room(tmp_path / "file" / "reader.tflite")


def test_convert_sees_before_it_draws_that_it_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")
    (tmp_path / "last.pt").touch()
    monkeypatch.delattr("platepost.models.reader.cli.drawn_samples")
    result = CliRunner().invoke(convert, [str(tmp_path / "last.pt"), str(tmp_path / "last.pt" / "reader.tflite")])
    assert result.exit_code == 1
    assert "cannot write" in result.output
