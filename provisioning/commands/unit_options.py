"""Options that several commands at the unit have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorated = Callable[..., Any]

CONFIG = Path("/etc/platepost/post.toml")
"""Where an installed post's configuration is."""
config_option = click.option(
    "--config",
    "path",
    default=CONFIG,
    show_default=True,
    envvar="PLATEPOST_CONFIG",
    show_envvar=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The post's configuration.",
)
technician_option = click.option(
    "--as",
    "folder",
    required=True,
    envvar="PLATEPOST_PERSON",
    show_envvar=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with your identity, from `platepost provision person add`.",
)


def purpose_option(default: str) -> Callable[[Decorated], Decorated]:
    """Return the option that says why somebody works at the unit; it stands in the audit trail."""
    return click.option("--purpose", default=default, show_default=True, help="Why, for the audit trail.")
