"""The command `platepost`: its own sub-commands, and those that other packages bring."""

import logging
import os
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.common.commands.spoken import speak
from platepost.common.errors import PlatepostError, installing
from platepost.common.language import LANGUAGES, Phrase, message, spoken
from platepost.common.logs import FORMATS, set_up_logs
from platepost.common.secrets.undumpable import hide_memory
from platepost.common.signals import INTERRUPTED
from platepost.version import __version__

_OWN = {
    "board": LazyCommand("platepost.device.commands.board:board", "Try the board on the GPIO, or make it safe."),
    "decommission": LazyCommand(
        "platepost.device.commands.decommission:decommission", "Take this unit out of service permanently."
    ),
    "enroll": LazyCommand("platepost.device.commands.enroll:enroll", "Enroll this unit as a post of a department."),
    "hotlist": LazyCommand(
        "platepost.device.commands.hotlist:hotlist", "Load hot lists into this unit's post from a USB drive."
    ),
    "monitor": LazyCommand("platepost.device.commands.monitor:monitor", "Watch a department's checkpoints."),
    "read": LazyCommand("platepost.device.commands.read:read", "Read the license plates in photos and folders."),
    "recording": LazyCommand("platepost.device.commands.recording:recording", "Record what this unit's camera sees."),
    "renew": LazyCommand(
        "platepost.device.commands.renew:renew", "Replace this post's certificate by one that the office renewed."
    ),
    "run": LazyCommand("platepost.device.commands.run:run", "Run a post until it is stopped."),
    "selftest": LazyCommand("platepost.device.commands.selftest:selftest", "Test this unit."),
    "verify": LazyCommand("platepost.wire.verify.cli:verify", "Verify that records are complete and genuine."),
}
_BROUGHT = {
    "accept": ("Run the checklist that puts a post in service.", "service"),
    "aim": ("Aim the camera: show its view and what to adjust.", "service"),
    "department": ("Run a department: records, receipts, and web pages.", "department"),
    "models": ("Train, convert, and evaluate the networks.", "training"),
    "provision": ("Manage a department's keys, posts, people, and hot lists.", "provisioning"),
    "simulate": ("Replay footage, run the demo, render scenes.", "simulator"),
}
"""What other packages bring: its line of help, and the extra that installs what it needs."""
_DEBIAN = {
    "accept": "platepost-service",
    "aim": "platepost-service",
    "simulate": "platepost-simulator",
}
"""The Debian package of those that have one."""


def _commands() -> dict[str, LazyCommand]:
    brought = {entry.name: entry.value for entry in entry_points(group="platepost.commands")}
    # An installed wheel has the networks without what trains them, and a department has neither.
    if find_spec("platepost.models") is None or find_spec("platepost.models.cli") is None:
        brought.pop("models", None)
    return {name: LazyCommand(place, *_BROUGHT.get(name, ("", name))) for name, place in brought.items()} | _OWN


def _speak(_context: click.Context, _parameter: click.Parameter, language: str | None) -> None:
    if language is not None:
        os.environ["LANGUAGE"] = language


speak()


class _Platepost(LazyGroup):
    """The command of an installation that may lack some sub-commands, such as a unit's."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command.

        Raises:
            click.ClickException: it, or something that it needs, is not installed.

        """
        command = super().get_command(ctx, cmd_name)
        if command is None and cmd_name in _BROUGHT:
            package = _DEBIAN.get(cmd_name)
            brought = f"apt-get install ./{package}_*.deb" if package else installing(_BROUGHT[cmd_name][1])
            if cmd_name == "models":
                brought = "it trains networks in a checkout; pip install -e '.[training]' there"
            name = f"{ctx.command_path} {cmd_name}"
            raise click.ClickException(spoken(Phrase("'{command}' is not installed: {how}", command=name, how=brought)))
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; one that is broken off ends with the exit code that shells expect of Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Aborted!", err=True)
            ctx.exit(INTERRUPTED)


@click.group(
    cls=_Platepost,
    lazy=_commands(),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  platepost read photo.jpg              the license plates in a photo
  platepost run --config post.toml      one post
  platepost simulate demo               the whole system on this machine
""",
)
@click.version_option(__version__, prog_name="platepost")
@click.option("-v", "--verbose", count=True, help="Log more; twice for everything.")
@click.option(
    "--log-format",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    envvar="PLATEPOST_LOG_FORMAT",
    show_envvar=True,
    show_default=True,
    help="Format of log lines.",
)
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    is_eager=True,  # before the help, which is in it too
    expose_value=False,
    callback=_speak,
    help=(
        "Language of what a technician reads: enroll, aim, accept, decommission, renew, selftest.  "
        "[default: the terminal's]"
    ),
)
def platepost(*, verbose: int, log_format: str) -> None:
    """Read license plates on the unit, check each against the hot list that it carries, and publish hits and reads."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    set_up_logs(level, log_format)


def main() -> Any:
    """Run the command; every error that Platepost raises on purpose becomes one line and exit code 1."""
    try:
        hide_memory()
        return platepost()
    except PlatepostError as error:
        click.echo(f"platepost: {spoken(message(error))}", err=True)
        raise SystemExit(1) from error
