"""Faults of the post's clock: the time of day is set, as by a person, a bad time source or an empty battery."""

import time
from random import Random
from typing import ClassVar

from simulator.lab.faults.injection import Injection
from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.site import CampaignSite


class ClockStepped(Injection):
    """Records made meanwhile bear another time; order, chain and delivery must not care."""

    name: ClassVar = "clock stepped"
    what: ClassVar = "the clock that records are stamped with is set back or forth by a second to 30 days"
    heals: ClassVar = "it is set right after up to 2 s"
    weight: ClassVar = 5

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Set wrong, wait, set right."""
        del site
        unit.offset.value = draw.choice([-1, 1]) * 10 ** draw.uniform(0, 6.4)
        time.sleep(draw.uniform(0.2, 2))
        unit.offset.value = 0.0
