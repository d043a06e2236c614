"""Ctrl-C while something is taken in ends with one line that says what is left, and the exit code of Ctrl-C."""

import os
import signal
from pathlib import Path

import pytest

from tests.department.commands.installation import Commands, department

__all__ = ["department"]


@pytest.mark.usefixtures("heeded")
def test_import_of_a_list_that_is_broken_off(department: Commands, tmp_path: Path) -> None:
    file, said = tmp_path / "state.csv", tmp_path / "said"
    os.mkfifo(file)
    with said.open("wb") as told:
        started = department.start("lists import", file, "--source", "state", stderr=told.fileno())
        with file.open("wb"):  # open as soon as the command reads it, which goes on
            started.send_signal(signal.SIGINT)
            assert started.wait(60) == 130
    (line,) = said.read_text().splitlines()
    assert line.startswith(f"Interrupted: {file} is taken in whole or not at all")
    department.json("status")
