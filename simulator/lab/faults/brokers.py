"""Faults of the broker and of the department's record keeper: they befall every post at once."""

import time
from random import Random
from typing import ClassVar

from simulator.lab.faults.injection import Injection
from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.site import CampaignSite


class BrokerKilled(Injection):
    """The broker forgets what it had acknowledged in its last moment."""

    name: ClassVar = "broker killed"
    what: ClassVar = "kill -9 of the broker at a random instant"
    heals: ClassVar = "the broker is started again within 1.5 s"
    weight: ClassVar = 4
    broad: ClassVar = True

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Kill, wait, start."""
        del unit
        time.sleep(draw.uniform(0, 0.5))
        site.broker.kill()
        time.sleep(draw.uniform(0, 1.5))
        site.start_broker()


class BrokerRestarted(Injection):
    """The broker is updated."""

    name: ClassVar = "broker restarted"
    what: ClassVar = "the broker is stopped in good order"
    heals: ClassVar = "the broker is started again within 1.5 s"
    weight: ClassVar = 2
    broad: ClassVar = True

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Stop, wait, start."""
        del unit
        site.broker.stop()
        time.sleep(draw.uniform(0, 1.5))
        site.start_broker()


class BrokerFrozen(Injection):
    """The broker's machine stands still; its kernel goes on taking bytes."""

    name: ClassVar = "broker frozen"
    what: ClassVar = "the broker's process stands still for up to 5 s (SIGSTOP)"
    heals: ClassVar = "SIGCONT"
    weight: ClassVar = 2
    broad: ClassVar = True

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Stop, wait, continue."""
        del unit
        site.broker.freeze()
        time.sleep(draw.uniform(0.5, 5))
        site.broker.thaw()


class KeeperAway(Injection):
    """What the broker takes meanwhile waits in the keeper's session."""

    name: ClassVar = "record keeper away"
    what: ClassVar = "the record keeper disconnects for up to 3 s"
    heals: ClassVar = "it connects again"
    weight: ClassVar = 2
    broad: ClassVar = True

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Disconnect, wait, connect."""
        del unit
        site.keeper_goes()
        time.sleep(draw.uniform(0.2, 3))
        site.keeper_comes()


class KeeperAwayBrokerKilled(Injection):
    """What the broker acknowledged and had not yet saved is gone, unless the posts still have it."""

    name: ClassVar = "record keeper away, broker killed"
    what: ClassVar = "the record keeper disconnects, the broker is killed (-9) up to 3 s later"
    heals: ClassVar = "the broker is started again, the record keeper connects"
    weight: ClassVar = 4
    broad: ClassVar = True

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Disconnect, kill, start, connect."""
        del unit
        site.keeper_goes()
        time.sleep(draw.uniform(0.2, 3))
        site.broker.kill()
        time.sleep(draw.uniform(0, 0.5))
        site.start_broker()
        time.sleep(draw.uniform(0, 1))
        site.keeper_comes()
