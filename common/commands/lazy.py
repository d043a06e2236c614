"""A group of commands that loads each when it is first asked for: its help needs nothing of what they need."""

import gc
import importlib
import re
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

import click

from platepost.common.commands.spoken import SpokenHelp
from platepost.common.errors import installing
from platepost.common.language import Phrase, spoken
from platepost.common.signals import ends_at_once

_LINE = 100
"""Characters of a line of help, which goes on below itself where the terminal is narrower."""


class LazyCommand(NamedTuple):
    """A command that is not loaded yet."""

    place: str
    """`module:attribute`."""
    help: str
    """Its line in the help of the group."""
    extra: str | None = None
    """The extra of this package that installs what the command needs, if it is not the group's."""


class LazyGroup(SpokenHelp, click.Group):
    """A group of such commands, by name, beside those that are added to it.

    One that needs what is not installed, to be loaded or to run, says so, and which extra brings it: by default the
    group's. `prepare`, as `module:function`, is called before a command is loaded.
    """

    def __init__(
        self,
        *arguments: Any,
        lazy: Mapping[str, LazyCommand],
        extra: str = "",
        prepare: str = "",
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **more)
        self._lazy = lazy
        self._extra = extra
        self._prepare = prepare

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted([*super().list_commands(ctx), *self._lazy])

    def line_of_help(self, name: str) -> str:
        """Return the line of a command that is not loaded yet."""
        return self._lazy[name].help

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command.

        Raises:
            click.ClickException: something that it needs is not installed.

        """
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._lazy[cmd_name].place.partition(":")
        try:
            command: click.Command = getattr(_imported(module, self._prepare), attribute)
        except ModuleNotFoundError as error:
            raise self._missing(ctx, cmd_name, error) from error
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        Raises:
            click.ClickException: something that it needs is not installed.

        """
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            name = ctx.invoked_subcommand or ""
            if name not in self._lazy or _top(error.name or "") in {"platepost", _top(self._lazy[name].place)}:
                raise  # a mistake of ours, and no matter of what is installed
            raise self._missing(ctx, name, error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands without loading any."""
        own = {name: command for name, command in self.commands.items() if not command.hidden}
        rows = {name: command.get_short_help_str(limit=_LINE) for name, command in own.items()}
        rows |= {name: spoken(Phrase(command.help)) for name, command in self._lazy.items()}
        with formatter.section(spoken(Phrase("Commands"))):
            formatter.write_dl(sorted(rows.items()))

    def _missing(self, ctx: click.Context, name: str, error: ModuleNotFoundError) -> click.ClickException:
        extra = self._lazy[name].extra or self._extra
        return click.ClickException(
            f"'{ctx.command_path} {name}' needs {error.name}, which is not installed: {installing(extra)}"
        )


def _imported(module: str, prepare: str) -> ModuleType:
    """Import a module, and look for no garbage meanwhile or among what it made: that takes a tenth of a start."""
    with ends_at_once():
        if module not in sys.modules and gc.isenabled():
            gc.disable()
            try:
                _load(module, prepare)
                gc.freeze()
            finally:
                gc.enable()
        return _load(module, prepare)


def _load(module: str, prepare: str) -> ModuleType:
    if prepare:
        first, _, function = prepare.partition(":")
        getattr(importlib.import_module(first), function)()
    return importlib.import_module(module)


def _top(name: str) -> str:
    return re.split("[.:]", name)[0]
