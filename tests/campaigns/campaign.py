"""What a campaign is: a site, faults that strike it, and a judge of what came of every record."""

from abc import ABC, abstractmethod
from time import monotonic
from typing import Generic, TypeVar

from tests.campaigns.command import Outcome
from tests.campaigns.progress import ProgressDisplay

Site = TypeVar("Site")
Result = TypeVar("Result", bound=Outcome)


class Campaign(ABC, Generic[Site, Result]):
    """Has faults strike a site that runs, and judges what is left when all has settled."""

    def __init__(self, site: Site, progress: ProgressDisplay) -> None:
        self.site = site
        self.progress = progress
        self.problems: list[str] = []
        """What went wrong beside the records, such as a process that ended by itself."""
        self.began = monotonic()

    def run(self) -> Result:
        """Inflict everything, and judge.

        Raises:
            PlatepostError: the site cannot go on.

        """
        self.began = monotonic()
        self.inflict()
        return self.judge()

    @property
    def seconds(self) -> float:
        """How long the campaign has run."""
        return round(monotonic() - self.began, 1)

    @abstractmethod
    def inflict(self) -> None:
        """Have every fault strike, and wait until all that can still arrive has arrived."""

    @abstractmethod
    def judge(self) -> Result:
        """Judge what came of every record."""
