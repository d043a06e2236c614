"""Groups that load a command when it is asked for."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.device.cli import platepost


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LazyGroup]:
    """Make a group of commands that lie in files of their own."""
    for name, lines in {
        "at_once": ["import absent_library"],
        "later": [],
        "wrong": [],
        "well": [],
    }.items():
        said = {"later": "import absent_library", "wrong": "import lazy_wrong.absent"}.get(name, "click.echo('done')")
        text = ["import click", *lines, "@click.command()", f"def {name}():", f"    {said}"]
        (tmp_path / f"lazy_{name}.py").write_text("\n".join(text))
    monkeypatch.syspath_prepend(tmp_path)
    table = {
        "at-once": LazyCommand("lazy_at_once:at_once", "Needs it to be loaded."),
        "later": LazyCommand("lazy_later:later", "Needs it to run.", "other"),
        "well": LazyCommand("lazy_well:well", "Needs nothing."),
        "wrong": LazyCommand("lazy_wrong:wrong", "Has a mistake."),
    }
    made = LazyGroup("group", lazy=table, extra="usual")

    @made.command()
    def present() -> None:
        """Be there."""

    made.add_command(click.Command("secret", hidden=True))
    yield made
    for name in [name for name in sys.modules if name.startswith("lazy_")]:
        del sys.modules[name]


def test_help_names_all_and_loads_none(group: LazyGroup) -> None:
    told = CliRunner().invoke(group, ["--help"]).output
    lines = [line.split(maxsplit=1) for line in told.partition("Commands:")[2].strip().splitlines()]
    assert lines == [
        ["at-once", "Needs it to be loaded."],
        ["later", "Needs it to run."],
        ["present", "Be there."],
        ["well", "Needs nothing."],
        ["wrong", "Has a mistake."],
    ]
    assert not [name for name in sys.modules if name.startswith("lazy_")]


@pytest.mark.parametrize(("name", "extra"), [("at-once", "usual"), ("later", "other")])
def test_what_is_missing_is_named_with_the_extra_that_brings_it(group: LazyGroup, name: str, extra: str) -> None:
    result = CliRunner().invoke(group, [name])
    assert result.exit_code == 1
    assert f"{name}' needs absent_library, which is not installed: pip install -e '.[{extra}]' in" in result.output


def test_a_mistake_of_ours_is_not_told_as_something_that_is_not_installed(group: LazyGroup) -> None:
    with pytest.raises(ModuleNotFoundError, match="lazy_wrong"):
        CliRunner().invoke(group, ["wrong"], catch_exceptions=False)


def test_others_run(group: LazyGroup) -> None:
    assert CliRunner().invoke(group, ["well"]).output == "done\n"
    assert CliRunner().invoke(group, ["unknown"]).exit_code == 2


def groups(group: click.Group) -> Iterator[click.Group]:
    """Yield a group and those below it, all loaded."""
    yield group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from groups(command)


def test_every_command_of_every_package_is_where_its_group_says_and_has_a_line_of_help() -> None:
    lazy = [command for group in groups(platepost) if isinstance(group, LazyGroup) for command in group._lazy.values()]
    assert len(lazy) > 50
    assert all(command.help.endswith(".") for command in lazy)


def test_the_help_of_every_command_of_the_first_level_ends_with_an_example() -> None:
    context = click.Context(platepost)
    commands = {name: platepost.get_command(context, name) for name in platepost.list_commands(context)}
    lacking = [name for name, command in commands.items() if command and f"platepost {name}" not in f"{command.epilog}"]
    assert not lacking


@pytest.mark.parametrize(
    ("name", "brought"),
    [("aim", "./platepost-service_*.deb"), ("simulate", "./platepost-simulator_*.deb"), ("models", "[training]")],
)
def test_a_command_that_this_installation_lacks_is_named_with_what_brings_it(name: str, brought: str) -> None:
    unit = type(platepost)("platepost", lazy={})
    result = CliRunner().invoke(unit, [name])
    assert result.exit_code == 1
    assert f"'platepost {name}' is not installed: " in result.output
    assert brought in result.output
    assert "No such command 'aims'" in CliRunner().invoke(unit, ["aims"]).output
