"""What `make models` runs."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from models.cli import models

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recipe() -> list[list[str]]:
    """Give the arguments of each `platepost models` that it would run, in order."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    told = subprocess.run(["make", "-n", "models", "PHOTOS=a b"], cwd=ROOT, check=True, capture_output=True, text=True)
    lines = told.stdout.replace("\\\n", " ").splitlines()
    return [line.split("platepost models ", 1)[1].split() for line in lines if "platepost models " in line]


def options(arguments: list[str]) -> dict[str, object]:
    """Parse the arguments of one command as it does itself."""
    command: click.Command = models
    while isinstance(command, click.Group):
        name, *arguments = arguments
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    return command.make_context("recipe", list(arguments)).params


@pytest.fixture(autouse=True)
def files(recipe: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all files there that the recipe names."""
    monkeypatch.chdir(tmp_path)
    for argument in [argument for arguments in recipe for argument in arguments]:
        if Path(argument).suffix in {".pt", ".tflite"}:
            Path(argument).parent.mkdir(parents=True, exist_ok=True)
            Path(argument).touch()
    for photos in "ab":
        Path(photos).mkdir()


def test_each_command_takes_what_it_is_given(recipe: list[list[str]]) -> None:
    assert len(recipe) == 9
    for arguments in recipe:
        options(arguments)


def test_the_readers_second_round_has_plates_that_the_first_had_not(recipe: list[list[str]]) -> None:
    seeds = [options(arguments)["seed"] for arguments in recipe if arguments[:2] == ["train", "reader"]]
    assert len(seeds) == len(set(seeds)) == 2
