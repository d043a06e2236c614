import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from platepost.common.errors import CameraError
from platepost.simulator.cli import simulate

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["replay", "render"])
def test_help_ends_with_examples_of_options_and_files_that_exist(command: str) -> None:
    result = CliRunner().invoke(simulate, [command, "--help"], terminal_width=200)
    assert result.exit_code == 0
    told, _, examples = result.output.partition("Examples:")
    words = [word for line in examples.splitlines() for word in shlex.split(line)]
    assert f"simulate {command}" in " ".join(words)
    assert all(re.search(rf"{word}\b", told) for word in words if word.startswith("--"))
    shipped = [word for word in words if word.startswith("simulator/")]
    assert shipped
    assert all((ROOT / word).is_file() for word in shipped)


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a group and its sub-commands, and theirs, each with the words by which it is called."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def test_every_command_has_examples_with_options_that_it_knows() -> None:
    for path, command in commands(simulate):
        words = " ".join(("platepost simulate", *path))
        shown = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith(words)]
        assert shown, words
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        if not isinstance(command, click.Group):
            assert {word for line in shown for word in line.split() if word.startswith("--")} <= known, words


def test_replay_of_a_file_that_is_no_video_says_so(tmp_path: Path) -> None:
    path = tmp_path / "text.jpg"
    path.write_text("This is text.\n")
    with pytest.raises(CameraError, match="not a video that can be decoded"):
        CliRunner().invoke(simulate, ["replay", str(path)], catch_exceptions=False)
