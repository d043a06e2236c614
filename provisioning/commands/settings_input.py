"""Settings as a person gives them: a TOML file, and single ones on top."""

import tomllib
from pathlib import Path
from typing import Any

import click

from platepost.common.files import read_toml
from platepost.device.config import Configuration
from platepost.provisioning.commands.options import FILE, Command
from platepost.provisioning.errors import ProvisioningError


def settings_options(command: Command) -> Command:
    """Add the options that give settings: `pairs` and `source`, as `read_settings` takes them."""
    pairs = click.option(
        "--set", "pairs", multiple=True, metavar="SECTION.KEY=VALUE", help="A setting; repeat for more."
    )
    source = click.option("--from", "source", type=FILE, help="TOML file with settings, in sections as in post.toml.")
    return pairs(source(command))


def read_settings(source: Path | None, pairs: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Read settings by section and key from a file and from SECTION.KEY=VALUE.

    Raises:
        ProvisioningError: what cannot be read, and what would be right.

    """
    settings: dict[str, dict[str, Any]] = {}
    if source is not None:
        try:
            settings = read_toml(source)
        except (OSError, ValueError) as error:
            raise ProvisioningError(f"{source}: {error}") from error
        loose = sorted(key for key, value in settings.items() if not isinstance(value, dict))
        if loose:
            raise ProvisioningError(f"{source}: {', '.join(loose)}: every setting belongs in a section of post.toml")
    for pair in pairs:
        name, equals, text = pair.partition("=")
        section, dot, key = name.partition(".")
        if not (equals and dot and section in Configuration.model_fields):
            raise ProvisioningError(
                f"--set {pair!r}: expected SECTION.KEY=VALUE, such as vision.minimum_confidence=0.4"
            )
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except ValueError as error:
            raise ProvisioningError(f'--set {pair!r}: {text!r} is not a TOML value (texts are written "so")') from error
        settings.setdefault(section, {})[key] = value
    return settings
