"""Faults of the network, by the proxy on the post's way to its broker."""

import time
from random import Random
from typing import ClassVar

from simulator.lab.faults.injection import Injection
from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.site import CampaignSite


class ConnectionReset(Injection):
    """Both ends hear of it."""

    name: ClassVar = "connection reset"
    what: ClassVar = "the connection is reset (TCP RST)"
    heals: ClassVar = "the post connects again"
    weight: ClassVar = 10

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Reset."""
        del site, draw
        unit.proxy.reset()


class ConnectionEnded(Injection):
    """As by a load balancer that is drained."""

    name: ClassVar = "connection ended"
    what: ClassVar = "the connection is closed in good order (TCP FIN)"
    heals: ClassVar = "the post connects again"
    weight: ClassVar = 5

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """End."""
        del site, draw
        unit.proxy.end()


class CutAmidPacket(Injection):
    """Some of a record has arrived, and the broker has not taken it."""

    name: ClassVar = "cut amid a record"
    what: ClassVar = "the connection is reset after 1 to 9,000 more bytes from the post"
    heals: ClassVar = "the post connects again"
    weight: ClassVar = 10

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Cut, sooner or later."""
        del site
        unit.proxy.reset_after(draw.randint(1, 9000))
        time.sleep(draw.uniform(0.3, 0.8))


class HalfOpen(Injection):
    """A connection that the other side has forgotten; only silence tells."""

    name: ClassVar = "half-open connection"
    what: ClassVar = "what both sides send is taken and delivered to nobody, for ever"
    heals: ClassVar = "the post hears nothing for two keep-alives and connects again"
    weight: ClassVar = 6

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Fall silent."""
        del site, draw
        unit.proxy.swallow()


class AnswersLost(Injection):
    """The broker takes records, and the post does not hear of it: they are sent again."""

    name: ClassVar = "acknowledgements lost"
    what: ClassVar = "what the broker sends is delivered to nobody, for ever"
    heals: ClassVar = "the post hears nothing for two keep-alives and connects again"
    weight: ClassVar = 5

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Swallow the answers."""
        del site, draw
        unit.proxy.swallow(up=False)


class Stalled(Injection):
    """Nothing passes for a while, and nothing is lost."""

    name: ClassVar = "stalled connection"
    what: ClassVar = "no byte passes for up to 6 s"
    heals: ClassVar = "all bytes held back pass"
    weight: ClassVar = 6

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Hold back, wait, let go."""
        del site
        unit.proxy.stall()
        time.sleep(draw.uniform(0.2, 6))
        unit.proxy.flow()


class Slow(Injection):
    """A bad radio link."""

    name: ClassVar = "slow connection"
    what: ClassVar = "each 4 KB of bytes is held for 50 to 400 ms, for 2 s"
    heals: ClassVar = "bytes pass at once"
    weight: ClassVar = 7

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Slow down, wait, speed up."""
        del site
        unit.proxy.delay(draw.uniform(0.05, 0.4))
        time.sleep(2)
        unit.proxy.flow()


class NetworkDown(Injection):
    """Nobody answers at the broker's address."""

    name: ClassVar = "no network"
    what: ClassVar = "connections are reset and refused for up to 5 s"
    heals: ClassVar = "connections are accepted"
    weight: ClassVar = 6

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Go down, wait, come up."""
        del site
        unit.proxy.down()
        time.sleep(draw.uniform(0.2, 5))
        unit.proxy.up()
