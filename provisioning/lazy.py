"""A group of commands that loads each one when it is first asked for, so that `--help` of one imports no other."""

import importlib
from collections.abc import Mapping

import click


class LazyGroup(click.Group):
    """A group whose commands stand in a table: name -> `module:attribute`.

    A command whose module, or what it imports, is not installed says which extra brings it.
    """

    lazy: Mapping[str, str] = {}
    """The table; a subclass of `lazy_group` has its own."""
    extras: Mapping[str, str] = {}
    """Which extra brings what a command needs, where it is not `provisioning`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted([*super().list_commands(ctx), *self.lazy])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command.

        Raises:
            click.ClickException: something that it needs is not installed.

        """
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"'{ctx.command_path} {cmd_name}' needs {error.name}, which is not installed: "
                f"pip install 'platepost[{self.extras.get(cmd_name, 'provisioning')}]'"
            ) from error
        return command


def lazy_group(table: Mapping[str, str], *, extras: Mapping[str, str] | None = None) -> type[LazyGroup]:
    """Return a class of groups for `click.group(cls=...)` with the commands of `table`; see `LazyGroup.extras`."""
    return type("TableGroup", (LazyGroup,), {"lazy": dict(table), "extras": dict(extras or {})})
