"""What breaks a command off ends it with one line: Ctrl-C by what is left, a disk by what it says."""

import errno
import os
import signal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from platepost.department.cli import department as commands
from platepost.department.errors import DepartmentError
from tests.department.commands.installation import Commands, department

__all__ = ["department"]


def test_import_of_a_list_that_is_broken_off(department: Commands, tmp_path: Path) -> None:
    file, fields = tmp_path / "state.csv", tmp_path / "said"
    os.mkfifo(file)
    with fields.open("wb") as notified:
        started = department.start("lists import", file, "--source", "state", stderr=notified.fileno())
        with file.open("wb"):  # open as soon as the command reads it, which goes on
            started.send_signal(signal.SIGINT)
            assert started.wait(60) == 130
    (line,) = fields.read_text().splitlines()
    assert line.startswith(f"Interrupted: {file} is taken in whole or not at all")
    department.json("status")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EACCES, "Permission denied", "all/records"), "all/records: Permission denied"),
    ],
)
def test_what_a_disk_does_not_take_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, error: OSError, text: str, tmp_path: Path
) -> None:
    command = commands.get_command(click.Context(commands), "export-all")
    assert command is not None

    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr(command, "callback", fails)
    line = ["export-all", "vault", str(tmp_path), "--purpose", "drill", "--case", "D-1"]
    with pytest.raises(DepartmentError, match=f"^{text}$"):
        CliRunner().invoke(commands, line, catch_exceptions=False)
