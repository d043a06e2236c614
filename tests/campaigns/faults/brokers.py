"""Faults of the broker and of the department's record keeper: they hit every post at once."""

from random import Random

from tests.campaigns.faults.injection import Injection, pause
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.site import CampaignSite


def _kill(site: CampaignSite, _post: PostUnderTest, draw: Random) -> None:
    pause(draw.uniform(0, 0.5))
    site.broker.kill()
    pause(draw.uniform(0, 1.5))
    site.start_broker()


def _restart(site: CampaignSite, _post: PostUnderTest, draw: Random) -> None:
    site.broker.stop()
    pause(draw.uniform(0, 1.5))
    site.start_broker()


def _freeze(site: CampaignSite, _post: PostUnderTest, draw: Random) -> None:
    site.broker.freeze()
    pause(draw.uniform(0.5, 5))
    site.broker.thaw()


def _keeper_away(site: CampaignSite, _post: PostUnderTest, draw: Random) -> None:
    site.keeper_goes()
    pause(draw.uniform(0.2, 3))
    site.keeper_comes()


def _keeper_away_broker_killed(site: CampaignSite, _post: PostUnderTest, draw: Random) -> None:
    # What the broker acknowledged and had not yet saved is gone, unless the posts still have it.
    site.keeper_goes()
    pause(draw.uniform(0.2, 3))
    site.broker.kill()
    pause(draw.uniform(0, 0.5))
    site.start_broker()
    pause(draw.uniform(0, 1))
    site.keeper_comes()


INJECTIONS = (
    Injection(
        name="broker killed",
        what="kill -9 of the broker at a random instant",
        heals="the broker is started again within 1.5 s",
        weight=4,
        strike=_kill,
        broad=True,
    ),
    Injection(
        name="broker restarted",
        what="the broker is stopped in good order",
        heals="the broker is started again within 1.5 s",
        weight=2,
        strike=_restart,
        broad=True,
    ),
    Injection(
        name="broker frozen",
        what="the broker's process stands still for up to 5 s (SIGSTOP)",
        heals="SIGCONT",
        weight=2,
        strike=_freeze,
        broad=True,
    ),
    Injection(
        name="record keeper away",
        what="the record keeper disconnects for up to 3 s",
        heals="it connects again",
        weight=2,
        strike=_keeper_away,
        broad=True,
    ),
    Injection(
        name="record keeper away, broker killed",
        what="the record keeper disconnects, the broker is killed (-9) up to 3 s later",
        heals="the broker is started again, the record keeper connects",
        weight=4,
        strike=_keeper_away_broker_killed,
        broad=True,
    ),
)
