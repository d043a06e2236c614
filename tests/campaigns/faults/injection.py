"""What a fault is to the campaign, as plain data and a function that inflicts it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from platepost.common.signals import current
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import CampaignSite

Strike = Callable[[CampaignSite, PostUnderTest, Random], object]
"""Inflicts a fault on a post and ends it again; returns when recovery can begin. All that is random is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One kind of fault."""

    name: str
    what: str
    """What is done, in a sentence without a subject."""
    heals: str
    """What ends it."""
    weight: int
    """How often it comes, among the others."""
    strike: Strike
    broad: bool = False
    """Whether it hits every post at once; then no other fault is at work meanwhile."""
    unavailable: Callable[[CampaignSite], str | None] = lambda _site: None
    """Returns why it cannot be inflicted here, None if it can."""


def pause(seconds: float) -> None:
    """Let a fault last so many seconds, no longer than until the command is asked to end: it then heals at once.

    For the threads that inflict faults, in which `sleep` would not notice a stop.
    """
    current().wait(seconds)
