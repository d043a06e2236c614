"""Faults of the network, by the proxy on the post's way to its broker."""

from random import Random

from tests.campaigns.faults.injection import Injection, pause
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import CampaignSite


def _cut_amid_a_record(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    post.proxy.reset_after(draw.randint(1, 9000))
    pause(draw.uniform(0.3, 0.8))


def _stall(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    post.proxy.stall()
    pause(draw.uniform(0.2, 6))
    post.proxy.flow()


def _slow(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    post.proxy.delay(draw.uniform(0.05, 0.4))
    pause(2)
    post.proxy.flow()


def _down(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    post.proxy.down()
    pause(draw.uniform(0.2, 5))
    post.proxy.up()


INJECTIONS = (
    Injection(
        name="connection reset",
        what="the connection is reset (TCP RST)",
        heals="the post connects again",
        weight=10,
        strike=lambda _site, post, _draw: post.proxy.reset(),
    ),
    Injection(
        name="connection ended",
        what="the connection is closed in good order (TCP FIN)",
        heals="the post connects again",
        weight=5,
        strike=lambda _site, post, _draw: post.proxy.end(),
    ),
    Injection(
        name="cut inside a record",
        what="the connection is reset after 1 to 9,000 more bytes from the post",
        heals="the post connects again",
        weight=10,
        strike=_cut_amid_a_record,
    ),
    Injection(
        name="half-open connection",
        what="what both sides send is taken and delivered to nobody, forever",
        heals="the post hears nothing for two keep-alives and connects again",
        weight=6,
        strike=lambda _site, post, _draw: post.proxy.blackhole(),
    ),
    Injection(
        name="acknowledgments lost",
        what="what the broker sends is delivered to nobody, forever",
        heals="the post hears nothing for two keep-alives and connects again",
        weight=5,
        strike=lambda _site, post, _draw: post.proxy.blackhole(from_post=False),
    ),
    Injection(
        name="stalled connection",
        what="no byte passes for up to 6 s",
        heals="all bytes held back pass",
        weight=6,
        strike=_stall,
    ),
    Injection(
        name="slow connection",
        what="each 4 KB of bytes is held for 50 to 400 ms, for 2 s",
        heals="bytes pass at once",
        weight=7,
        strike=_slow,
    ),
    Injection(
        name="no network",
        what="connections are reset and refused for up to 5 s",
        heals="connections are accepted",
        weight=6,
        strike=_down,
    ),
)
