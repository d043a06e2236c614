"""Types of options: numbers and dates within bounds.

What is beyond all sense would overflow somewhere later.
"""

from datetime import datetime
from math import isfinite
from typing import Any

import click

from platepost.common.years import FIRST_YEAR, LAST_YEAR


class Number(click.FloatRange):
    """A number between a least and a greatest one; nan, which click takes for any number, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail("give a number.", param, ctx)
        return number


class Date(click.DateTime):
    """A date, as 2027-03-31."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        day: datetime = super().convert(value, param, ctx)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.fail(f"give a day of the years {FIRST_YEAR} to {LAST_YEAR}.", param, ctx)
        return day
