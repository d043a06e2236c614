"""Faults of the post's own process, and of its clock."""

from random import Random

from tests.campaigns.faults.injection import Injection, pause
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import CampaignSite


def _kill(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    pause(draw.uniform(0, 0.3))
    post.kill()
    pause(draw.uniform(0, 0.5))
    post.start()


def _kill_at_start(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    # While it opens, checks and migrates its outbox, and connects.
    for _ in range(3):
        post.kill()
        post.start()
        pause(draw.uniform(0.02, 0.4))
    post.kill()
    post.start()


def _freeze(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    post.freeze()
    pause(draw.uniform(0.2, 4))
    post.thaw()


def _step_clock(_site: CampaignSite, post: PostUnderTest, draw: Random) -> None:
    post.offset.value = draw.choice([-1, 1]) * 10 ** draw.uniform(0, 6.4)
    pause(draw.uniform(0.2, 2))
    post.offset.value = 0.0


INJECTIONS = (
    Injection(
        name="post killed",
        what="kill -9 of the post at a random instant",
        heals="the post is started again within half a second",
        weight=26,
        strike=_kill,
    ),
    Injection(
        name="post killed while starting",
        what="kill -9 of the post three times in a row, each within 0.4 s of its start",
        heals="the post is started a fourth time",
        weight=4,
        strike=_kill_at_start,
    ),
    Injection(
        name="post frozen",
        what="the post's process stands still for up to 4 s (SIGSTOP)",
        heals="SIGCONT",
        weight=5,
        strike=_freeze,
    ),
)
CLOCK = Injection(
    name="clock stepped",
    what="the clock that records are stamped with is set back or forth by a second to 30 days",
    heals="it is set right after up to 2 s",
    weight=5,
    strike=_step_clock,
)
"""Records made meanwhile bear another time; order, chain and delivery must not care."""
