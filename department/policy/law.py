"""Law profiles: what a state's law fixes, which no policy of a department may change. Counsel confirms them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class LawProfile:
    """What the law of one kind of agency says."""

    name: str
    keep_at_least: timedelta | None
    """No record is purged before; None where the law has no floor."""
    keep_at_most: timedelta | None
    """A record that is no evidence is purged by then; None where the law has no ceiling."""
    shares_in_state_only: bool
    """Whether nothing may go to federal, out-of-state or private parties. The database holds to it, too."""
    approves_searches: bool = False
    """Whether a supervisor approves each search before it is made, where no life is in danger. So does the database."""


LAWS: Mapping[str, LawProfile] = {
    law.name: law
    for law in (
        # Gov. Code 34090 and 34090.6: one year, counted here as a leap year. Civ. Code 1798.90.55: who may get data.
        LawProfile("california", timedelta(days=366), None, shares_in_state_only=True),
        # Vehicle Code 2413: 60 days at most.
        LawProfile("california_highway_patrol", None, timedelta(days=60), shares_in_state_only=True),
        # For a department that wants, or must have, more than the others ask.
        LawProfile("strict", None, timedelta(days=60), shares_in_state_only=True, approves_searches=True),
        LawProfile("other", None, None, shares_in_state_only=False),
    )
}
"""By name, as the policy file's `law` gives it."""
