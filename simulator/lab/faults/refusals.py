"""Brokers that refuse."""

import time
from random import Random
from typing import ClassVar

from simulator.lab.faults import refuser
from simulator.lab.faults.injection import Injection
from simulator.lab.faults.post_under_test import PostUnderTest
from simulator.lab.faults.refuser import Denial
from simulator.lab.faults.site import CampaignSite

CATEGORY = "stolen_vehicle"


class NotAuthorised(Injection):
    """The broker's rights are wrong for a while: the post keeps what is refused, and delivers the rest."""

    name: ClassVar = "not authorised"
    what: ClassVar = "mosquitto's access list denies the post its reads, or hits of a category, for up to 3 s"
    heals: ClassVar = "the access list is put right"
    weight: ClassVar = 6

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Deny, wait, allow."""
        topic = draw.choice([unit.name.topic("read"), unit.name.hit(CATEGORY), unit.name.topic("audit")])
        site.deny(unit.name.post, topic)
        time.sleep(draw.uniform(0.3, 3))
        site.allow(unit.name.post)


class _Refused(Injection):
    """The address leads to a broker that takes nothing."""

    heals: ClassVar = "the address leads to the real broker again"
    refusals: ClassVar[tuple[Denial, ...]]

    def strike(self, site: CampaignSite, unit: PostUnderTest, draw: Random) -> None:
        """Lead astray, wait, lead back."""
        # The one refuser serves all posts: what it says may change under another's hands, and is still a refusal.
        site.refuser.refusal = draw.choice(self.refusals)
        unit.proxy.lead_to(site.refuser.port)
        time.sleep(draw.uniform(0.3, 3))
        unit.proxy.lead_to(site.broker.port)


class ConnectionRefused(_Refused):
    """At the door."""

    name: ClassVar = "broker refuses the client"
    what: ClassVar = "CONNACK: server busy, unavailable, quota exceeded, not authorised, connection rate exceeded"
    weight: ClassVar = 5
    refusals: ClassVar = tuple(
        Denial("connect", code)
        for code in (
            refuser.BUSY,
            refuser.UNAVAILABLE,
            refuser.QUOTA_EXCEEDED,
            refuser.NOT_AUTHORISED,
            refuser.CONNECTION_RATE,
        )
    )


class PublishRefused(_Refused):
    """Record by record."""

    name: ClassVar = "broker refuses records"
    what: ClassVar = "PUBACK: quota exceeded, not authorised, implementation specific, unspecified error"
    weight: ClassVar = 5
    refusals: ClassVar = tuple(
        Denial("publish", code)
        for code in (refuser.QUOTA_EXCEEDED, refuser.NOT_AUTHORISED, refuser.IMPLEMENTATION, refuser.UNSPECIFIED)
    )


class HangsUp(_Refused):
    """In the middle."""

    name: ClassVar = "broker hangs up on records"
    what: ClassVar = "DISCONNECT at a record: quota exceeded, busy, shutting down, rate too high, administrative"
    weight: ClassVar = 4
    refusals: ClassVar = tuple(
        Denial("hang_up", code)
        for code in (
            refuser.QUOTA_EXCEEDED,
            refuser.BUSY,
            refuser.SHUTTING_DOWN,
            refuser.RATE_TOO_HIGH,
            refuser.ADMINISTRATIVE,
        )
    )
