"""All commands, by their options."""

import re
import signal
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from platepost.common.commands.options import Date, Number
from platepost.department.options import Moment
from platepost.department.policy.policy import DEFAULT, read_policy
from platepost.device.cli import platepost
from platepost.device.entry import main

DEVELOPERS = "models"
"""Their commands need what only the training installs."""


def options(command: click.Command, *path: str) -> Iterator[tuple[str, click.Option]]:
    """Yield the options of a command and of all below it, each with the words by which it is given."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in set(command.list_commands(context)) - {DEVELOPERS}:
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below, *path, name)
    yield from (
        (" ".join((*path, option.opts[0])), option) for option in command.params if isinstance(option, click.Option)
    )


OPTIONS = dict(options(platepost))


def commands(group: click.Group) -> Iterator[click.Command]:
    """Yield all commands of a group."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from commands(command)


def test_every_number_that_is_not_whole_has_bounds() -> None:
    numbers = {name: one.type for name, one in OPTIONS.items() if isinstance(one.type, click.types.FloatParamType)}
    assert len(numbers) > 40
    loose = [name for name, kind in numbers.items() if not isinstance(kind, Number) or None in {kind.min, kind.max}]
    assert loose == []


def test_every_whole_number_that_a_database_is_asked_with_has_bounds() -> None:
    asked = {name: one.type for name, one in OPTIONS.items() if name.startswith("department ")}
    numbers = {name: kind for name, kind in asked.items() if isinstance(kind, click.types.IntParamType)}
    assert len(numbers) > 4
    loose = [name for name, kind in numbers.items() if not isinstance(kind, click.IntRange) or kind.max is None]
    assert loose == []


def test_purposes_of_the_examples_are_those_of_the_policy() -> None:
    department = platepost.get_command(click.Context(platepost), "department")
    assert isinstance(department, click.Group)
    texts = [path.read_text("utf-8") for path in (Path(__file__).parents[1] / "docs").glob("*.md")]
    texts += [command.epilog or "" for command in commands(department)]
    lines = [line for text in texts for line in text.splitlines() if "platepost department" in line]
    named = {quoted or word for line in lines for quoted, word in re.findall(r'--purpose (?:"([^"]+)"|(\S+))', line)}
    assert len(named) > 2
    assert named <= {each.name for each in read_policy(DEFAULT).purposes}


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300", "2001"])
def test_what_is_no_number_within_bounds_is_refused(value: str) -> None:
    with pytest.raises(click.BadParameter):
        Number(0, 2000).convert(value, None, None)
    assert Number(0, 2000).convert("2e3", None, None) == 2000


@pytest.mark.parametrize("kind", [Date(), Moment(["%Y-%m-%d"])], ids=["of a fleet", "of a department"])
@pytest.mark.parametrize("value", ["9999-12-31", "0001-01-01", "1969-12-31", "2027-02-30", "tomorrow"])
def test_a_date_that_cannot_be_meant_is_refused(kind: click.DateTime, value: str) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(value, None, None)
    assert kind.convert("2027-03-31", None, None).year == 2027


def test_a_month_that_cannot_be_meant_is_refused() -> None:
    """That of 9999 has no end, and what is published of a month never changes."""
    given = {name: one.type for name, one in OPTIONS.items() if name.startswith("department") and "--month" in name}
    assert len(given) == 2
    for kind in given.values():
        for value in ("9999-12", "0001-01"):
            with pytest.raises(click.BadParameter):
                kind.convert(value, None, None)
        assert kind.convert("2027-03", None, None).year == 2027


def test_a_command_that_is_broken_off_ends_as_shells_expect_of_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(**_: object) -> None:
        raise KeyboardInterrupt

    command = platepost.get_command(click.Context(platepost), "verify")
    monkeypatch.setattr(command, "callback", broken_off)
    done = CliRunner().invoke(platepost, ["verify", "-", "--key", __file__])
    assert (done.exit_code, done.output) == (130, "Aborted!\n")


def test_ctrl_c_while_the_command_line_is_loaded_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class BreaksOff(MetaPathFinder):
        def find_spec(self, fullname: str, *_: object) -> None:
            if fullname == "platepost.device.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "platepost.device.cli")
    monkeypatch.setattr(sys, "meta_path", [BreaksOff(), *sys.meta_path])
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ended.value.code, capsys.readouterr().err) == (130, "Aborted!\n")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (["lists", "import", "vault", __file__, "--source"], "state-2"),
        (["person", "covert", "vault", "b.chen"], "vice_2"),
    ],
)
def test_a_name_that_the_database_does_not_take_is_refused_before(line: list[str], name: str) -> None:
    """Its own words have the whole row."""
    for wrong in ("CHP", "a b", "", "a" * 33, f"{name}\n"):
        done = CliRunner().invoke(platepost, ["department", *line, wrong])
        assert (done.exit_code, "use lowercase letters" in done.output) == (2, True), wrong
    assert "use lowercase letters" not in CliRunner().invoke(platepost, ["department", *line, name]).output
