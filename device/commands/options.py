"""What options of several commands are: the post's configuration, and numbers and dates within bounds.

What is beyond all sense would overflow somewhere later.
"""

from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import click

from device.years import FIRST_YEAR, LAST_YEAR

CONFIG_FILE = Path("/etc/platepost/post.toml")
"""Where an installed post's configuration is."""
_CONFIG: dict[str, Any] = {
    "type": click.Path(path_type=Path, dir_okay=False),
    "help": "The post's configuration.",
}
CONFIG = click.option("--config", "path", required=True, **_CONFIG)
CONFIG_OR_INSTALLED = click.option("--config", "path", default=CONFIG_FILE, show_default=True, **_CONFIG)


class Number(click.FloatRange):
    """A number between a least and a greatest one; nan, which click takes for any number, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - as click has it
        """Read it."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail("give a number.", param, ctx)
        return number


class Date(click.DateTime):
    """A date, as 2027-03-31."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - as click has it
        """Read it."""
        day: datetime = super().convert(value, param, ctx)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.fail(f"give a day of the years {FIRST_YEAR} to {LAST_YEAR}.", param, ctx)
        return day
