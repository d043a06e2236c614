"""The command `platepost`: its own sub-commands, and those that other packages bring."""

import importlib
import logging
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from device import __version__
from device.errors import PlatepostError
from device.secrets.undumpable import hide_memory

_OWN = {
    "board": ("device.commands.board:board", "Try what hangs on the GPIO, or make it safe."),
    "enrol": ("device.commands.enrol:enrol", "Make this bare unit a post of a department."),
    "hotlist": ("device.commands.hotlist:hotlist", "Hand hot lists from a stick to the post of this unit."),
    "read": ("device.commands.read:read", "Read the plates of photos and folders."),
    "recording": ("device.commands.recording:recording", "Have the post of this unit record what it sees."),
    "run": ("device.commands.run:run", "Run a post until it is told to stop."),
    "selftest": ("device.commands.selftest:selftest", "Check that this unit can do its work."),
    "verify": ("device.records.verify.cli:verify", "Prove that a stream of records is whole and genuine."),
}
"""The post's own sub-commands: where each is, and its line of help, so that `--help` loads none of them."""

_ELSEWHERE = {
    "accept": ("Go through the checklist that puts a post in service.", "service"),
    "aim": ("Show a technician what the camera sees, until the view is right.", "service"),
    "models": ("Train, convert and evaluate the recogniser.", "training"),
    "provision": ("Make a department's trust, posts and hot lists.", "provisioning"),
    "simulate": ("Replay footage, run the demo, render scenes.", "simulator"),
}
"""What other packages bring: its line of help, and the extra that installs what it needs."""


class _Lazy(click.Group):
    """A group whose sub-commands are loaded when they are first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted({*_OWN, *_brought()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name in _OWN:
            module, _, attribute = _OWN[cmd_name][0].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        brought = _brought().get(cmd_name)
        return None if brought is None else _load(cmd_name, brought)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        rows = [
            (name, _OWN[name][1] if name in _OWN else _ELSEWHERE.get(name, ("", ""))[0])
            for name in sorted({*_OWN, *_brought()})
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _brought() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="platepost.commands")}


def _load(name: str, entry: EntryPoint) -> click.Command:
    try:
        command: click.Command = entry.load()
    except ModuleNotFoundError as error:
        extra = _ELSEWHERE.get(name, ("", name))[1]
        message = f"'platepost {name}' needs {error.name}, which is not installed: pip install 'platepost[{extra}]'"
        raise click.ClickException(message) from error
    return command


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  platepost read photo.jpg              what a photo's plates say
  platepost run --config post.toml      one post
  platepost simulate demo               the whole system on this desk
""",
)
@click.version_option(__version__, prog_name="platepost")
@click.option("-v", "--verbose", count=True, help="Log more; twice for everything.")
def platepost(*, verbose: int) -> None:
    """Read number plates on the unit, check each against the hot list it carries, publish what is found."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")


def main() -> Any:  # noqa: ANN401 - click's own
    """Run the command; every error that Platepost raises on purpose becomes one line and exit code 1."""
    try:
        hide_memory()
        return platepost()
    except PlatepostError as error:
        click.echo(f"platepost: {error}", err=True)
        raise SystemExit(1) from error
