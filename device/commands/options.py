"""The options of several commands for the configuration of a post."""

from pathlib import Path
from typing import Any

import click

CONFIG_FILE = Path("/etc/platepost/post.toml")
"""Where an installed post's configuration is."""
_CONFIG: dict[str, Any] = {
    "type": click.Path(path_type=Path, dir_okay=False),
    "help": "The post's configuration.",
}
CONFIG = click.option("--config", "path", required=True, **_CONFIG)
CONFIG_OR_INSTALLED = click.option("--config", "path", default=CONFIG_FILE, show_default=True, **_CONFIG)
