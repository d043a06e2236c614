"""The options of a technician's commands: the unit's configuration, and who works there and why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from platepost.device.commands.options import CONFIG_FILE

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
CONFIG = click.option(
    "--config",
    "path",
    default=CONFIG_FILE,
    show_default=True,
    envvar="PLATEPOST_CONFIG",
    show_envvar=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The post's configuration.",
)
TECHNICIAN = click.option(
    "--as",
    "folder",
    required=True,
    envvar="PLATEPOST_PERSON",
    show_envvar=True,
    type=FOLDER,
    help="Folder with your identity, from `platepost provision person add`.",
)

Command = Callable[..., Any]


def unit_purpose(default: str) -> Callable[[Command], Command]:
    """Return the option that says why someone works at the unit; it stands in the audit trail."""
    return click.option("--purpose", default=default, show_default=True, help="Your reason, for the audit trail.")
