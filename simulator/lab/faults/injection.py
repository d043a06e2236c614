"""What a fault is to the campaign."""

from abc import ABC, abstractmethod
from random import Random
from typing import ClassVar

from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.site import CampaignSite


class Injection(ABC):
    """One kind of fault. Subclasses must give `name`, `what`, `heals` and `strike`; the rest they may."""

    name: ClassVar[str]
    what: ClassVar[str]
    """What is done, in a sentence without a subject."""
    heals: ClassVar[str]
    """What ends it."""
    weight: ClassVar[int] = 1
    """How often it comes, among the others."""
    broad: ClassVar[bool] = False
    """Whether it befalls every post at once; then no other fault is at work meanwhile."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def unavailable(self, site: CampaignSite) -> str | None:
        """Return why it cannot be inflicted here, None if it can."""
        del site
        return None

    @abstractmethod
    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Inflict it upon a post and end it again; return when recovery can begin.

        Args:
            site: where; broad faults befall all of it.
            unit: the post.
            draw: everything random comes from here.

        """
