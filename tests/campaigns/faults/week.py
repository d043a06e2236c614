"""A week without network, simulated: the post's clock runs ahead while it records, and it is killed once a day."""

from collections.abc import Callable
from random import Random
from time import monotonic

from platepost.common.signals import sleep
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.result import Injected
from tests.campaigns.faults.site import CampaignSite

DAYS = 7
DAY = 24 * 3600.0
NAME = "7 days without network"
DAILY = "post killed, once a simulated day"
WHAT = "no connection for 7 days of the post's clock; records of the whole week pile up"
HEALS = "connections are accepted; recovery is when everything has arrived"
DELIVERY_SECONDS = 300.0
AFTERWARDS = 0.5
"""Records a second once the week is over."""


def add_week(site: CampaignSite, *, records: int, rate: float) -> PostUnderTest:
    """Make the post that will be alone; it makes about `records` records in its week."""
    return site.add_light_post("week", rate=rate, step=DAYS * DAY / records)


def spend_week(
    post: PostUnderTest,
    *,
    records: int,
    draw: Random,
    account: Callable[[Injected], None],
    given_up: Callable[[], bool],
) -> None:
    """Let the week pass, and what it left be delivered, unless the campaign is given up meanwhile."""
    post.proxy.down()
    post.start()
    for day in range(1, DAYS + 1):
        while len(post.stored) < day * records / DAYS:
            if given_up():
                return
            sleep(0.1)
        if day < DAYS:
            sleep(draw.uniform(0, 0.3))
            post.kill()
            post.start()
            account(Injected(DAILY, post.name, None))
    post.rate.value = AFTERWARDS
    post.proxy.up()
    began = monotonic()
    known = {record.id for record in post.stored.records()}
    while post.lacks(known) and not given_up() and monotonic() - began < DELIVERY_SECONDS:
        sleep(0.1)
    account(Injected(NAME, post.name, None if post.lacks(known) else monotonic() - began))
