"""Brokers that refuse."""

from random import Random
from typing import Literal

from tests.campaigns.faults import refuser
from tests.campaigns.faults.injection import Injection, Strike, pause
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.refuser import Denial
from tests.campaigns.faults.site import CampaignSite

CATEGORY = "stolen_vehicle"
_HEALED = "the address leads to the real broker again"


def _deny_topic(site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    source = post.source
    site.deny(post.name, draw.choice([source.topic("read"), source.hit(CATEGORY), source.topic("audit")]))
    pause(draw.uniform(0.3, 3))
    site.allow(post.name)


def _lead_astray(to: Literal["connect", "publish", "hang_up"], *codes: int) -> Strike:
    """Lead the post to a broker that takes nothing, and back."""

    def strike(site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
        # The one refuser serves all posts: what it says may change under another's hands, and is still a refusal.
        site.refuser.denial = Denial(to, draw.choice(codes))
        post.proxy.forward_to(site.refuser.port)
        pause(draw.uniform(0.3, 3))
        post.proxy.forward_to(site.broker.port)

    return strike


INJECTIONS = (
    Injection(
        name="not authorized",
        what="mosquitto's access list denies the post its reads, or hits of a category, for up to 3 s",
        heals="the access list is put right",
        weight=6,
        strike=_deny_topic,
    ),
    Injection(
        name="broker refuses the client",
        what="CONNACK: server busy, unavailable, quota exceeded, not authorized, connection rate exceeded",
        heals=_HEALED,
        weight=5,
        strike=_lead_astray(
            "connect",
            refuser.BUSY,
            refuser.UNAVAILABLE,
            refuser.QUOTA_EXCEEDED,
            refuser.NOT_AUTHORIZED,
            refuser.CONNECTION_RATE,
        ),
    ),
    Injection(
        name="broker refuses records",
        what="PUBACK: quota exceeded, not authorized, implementation specific, unspecified error",
        heals=_HEALED,
        weight=5,
        strike=_lead_astray(
            "publish", refuser.QUOTA_EXCEEDED, refuser.NOT_AUTHORIZED, refuser.IMPLEMENTATION, refuser.UNSPECIFIED
        ),
    ),
    Injection(
        name="broker hangs up on records",
        what="DISCONNECT at a record: quota exceeded, busy, shutting down, rate too high, administrative",
        heals=_HEALED,
        weight=4,
        strike=_lead_astray(
            "hang_up",
            refuser.QUOTA_EXCEEDED,
            refuser.BUSY,
            refuser.SHUTTING_DOWN,
            refuser.RATE_TOO_HIGH,
            refuser.ADMINISTRATIVE,
        ),
    ),
)
