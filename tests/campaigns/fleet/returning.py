"""A fleet coming back after an outage: who was cut, and when they were connected again."""

import time

from platepost.common.signals import sleep
from platepost.simulator.errors import CampaignError
from tests.campaigns.fleet.figures import Outage
from tests.campaigns.fleet.site import FleetSite
from tests.campaigns.fleet.worker import Count

SAMPLE_SECONDS = 0.25


class Returning:
    """Watches from the moment at which it is made."""

    def __init__(self, site: FleetSite, before: Count) -> None:
        self._site, self._before = site, before
        self._began = time.monotonic()
        self._samples: list[tuple[float, Count]] = []

    def watch(self, patience: float, *, least: float) -> None:
        """Sample until as many are connected as before.

        Args:
            patience: seconds within which that must come about.
            least: seconds to watch at least, for posts that do not know yet that they are cut.

        Raises:
            CampaignError: it did not come about.

        """
        while True:
            count = self._site.count()
            passed = time.monotonic() - self._began
            self._samples.append((passed, count))
            if count.connected >= self._before.connected and passed >= least:
                return
            if passed > patience:
                raise CampaignError(
                    f"{count.connected} of {self._before.connected} posts are back after {passed:.0f} s"
                )
            sleep(SAMPLE_SECONDS)

    def outage(self, kind: str, away_seconds: float) -> Outage:
        """Return what was seen, once all is delivered."""
        first, last = self._before, self._samples[-1][1]
        made = last.connections - first.connections
        return Outage(
            kind=kind,
            away_seconds=away_seconds,
            cut=made,
            attempts=made + last.failures - first.failures,
            half_seconds=self._when(0.5 * made),
            most_seconds=self._when(0.99 * made),
            all_seconds=self._when(made),
            peak=self._peak(),
            delivered_seconds=round(time.monotonic() - self._began, 2),
        )

    def _when(self, made: float) -> float:
        first = self._before.connections
        return next((round(passed, 2) for passed, count in self._samples if count.connections - first >= made), 0.0)

    def _peak(self) -> int:
        most = 0
        for number, (passed, count) in enumerate(self._samples):
            for earlier, before in reversed(self._samples[:number]):
                if passed - earlier >= 1.0:
                    most = max(most, round((count.connections - before.connections) / (passed - earlier)))
                    break
        return most
