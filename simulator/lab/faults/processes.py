"""Faults of the post's own process."""

import time
from random import Random
from typing import ClassVar

from simulator.lab.faults.injection import Injection
from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.site import CampaignSite


class PostKilled(Injection):
    """The post ends between two instructions, as in a power cut that leaves the disk whole."""

    name: ClassVar = "post killed"
    what: ClassVar = "kill -9 of the post at a random instant"
    heals: ClassVar = "the post is started again within half a second"
    weight: ClassVar = 26

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Kill, wait, start."""
        del site
        time.sleep(draw.uniform(0, 0.3))
        unit.kill()
        time.sleep(draw.uniform(0, 0.5))
        unit.start()


class PostKilledAtStart(Injection):
    """The post ends while it starts: opening, checking and migrating its outbox, connecting."""

    name: ClassVar = "post killed while starting"
    what: ClassVar = "kill -9 of the post three times in a row, each within 0.4 s of its start"
    heals: ClassVar = "the post is started a fourth time"
    weight: ClassVar = 4

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Kill thrice."""
        del site
        for _ in range(3):
            unit.kill()
            unit.start()
            time.sleep(draw.uniform(0.02, 0.4))
        unit.kill()
        unit.start()


class PostFrozen(Injection):
    """The post stands still, as under a kernel that swaps or a debugger."""

    name: ClassVar = "post frozen"
    what: ClassVar = "the post's process stands still for up to 4 s (SIGSTOP)"
    heals: ClassVar = "SIGCONT"
    weight: ClassVar = 5

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Stop, wait, continue."""
        del site
        unit.freeze()
        time.sleep(draw.uniform(0.2, 4))
        unit.thaw()
