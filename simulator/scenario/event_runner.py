"""Carries out a scenario's events, and waits in real time for their effect, so that simulated time may go on."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial, singledispatchmethod

from platepost.common.signals import sleep
from platepost.simulator.errors import StuckError
from platepost.simulator.scenario import events
from platepost.simulator.scenario.custodian import ScenarioCustodian
from platepost.simulator.scenario.harness import Harness
from platepost.simulator.scenario.simulated_parts import WatchedUplink
from platepost.simulator.scenario.site import ScenarioSite

EFFECT_SECONDS = 30.0
"""Real time within which an event has its effect."""
_CHECK_SECONDS = 0.003
_AGAIN_SECONDS = 0.05
_QUIET_SECONDS = 0.03
"""Real time without news from the broker after which nothing more is on its way."""


class EventRunner:
    """Carries out events at a site."""

    def __init__(self, site: ScenarioSite) -> None:
        self._site = site
        self._impatient = False
        """Whether a post has not delivered although it could: then no one waits for it any more."""

    def perform(self, event: events.Event) -> None:
        """Do one event and wait for its effect.

        Raises:
            StuckError: the effect does not come.

        """
        self._do(event)
        for harness in self._site.harnesses.values():
            harness.camera.disturb()
        self.settle()

    def settle(self) -> None:
        """Wait until every post with a network is connected, has said so, and has judged the lists that reached it."""
        for harness in self._site.harnesses.values():
            self._settle(harness)

    def let_in(self) -> None:
        """Give posts that have said that they boot their network: they say it before anything else, every time.

        What a post has sent for comes before time goes on, too.
        """
        for harness in self._site.harnesses.values():
            harness.look_at_board()
            if harness.uplink is not None and harness.uplink.subscribed and harness.uplink.settled:
                harness.uplink.subscribed = False
                self._settle(harness)
            if harness.boot_due and harness.post is not None:
                harness.boot_due = False
                for proxy in harness.proxies:
                    proxy.flow()
                self._settle(harness)

    def before_leap(self) -> None:
        """Let posts deliver before time leaps, as they would have meanwhile."""
        for harness in self._site.harnesses.values():
            delivered = self._delivered(harness)
            if harness.uplink is not None and harness.uplink.settled and not delivered() and not self._impatient:
                with suppress(StuckError):
                    await_effect(delivered, f"{harness.name} delivers")
                self._impatient = not delivered()

    def deliver(self, harness: Harness) -> None:
        """Wait until nothing waits on a post any more."""
        if harness.post is None or not self._reachable(harness):
            return
        await_effect(self._delivered(harness), f"{harness.name} delivers")

    # --- one event each

    @singledispatchmethod
    def _do(self, event: events.Event) -> None:
        raise NotImplementedError(event)

    @_do.register
    def _(self, event: events.Publish) -> None:
        self._site.publish_list(self._site.scenario.lists[event.list])

    @_do.register
    def _(self, event: events.NetworkDown) -> None:
        for harness in self._of(event.post):
            self.deliver(harness)
            harness.network = False
            for proxy in harness.proxies:
                proxy.down()
            if harness.uplink is not None:
                await_effect(partial(_cut_off, harness.uplink, None), f"{harness.name} loses its network")

    @_do.register
    def _(self, event: events.NetworkUp) -> None:
        for harness in self._of(event.post):
            harness.network = True
            for proxy in harness.proxies:
                proxy.up()
                proxy.flow()

    @_do.register
    def _(self, event: events.BrokerStops) -> None:
        cut_off = []
        for harness in self._site.harnesses.values():
            self.deliver(harness)
            here = f"localhost:{harness.proxies[event.broker - 1].port}"
            if harness.uplink is not None and harness.uplink.state().broker == here:
                cut_off.append((harness, harness.uplink, here))
        self._site.brokers[event.broker - 1].stop()
        for harness, uplink, here in cut_off:
            await_effect(partial(_cut_off, uplink, here), f"{harness.name} loses its broker")

    @_do.register
    def _(self, event: events.BrokerStarts) -> None:
        self._site.brokers[event.broker - 1].start()
        for custodian in self._site.custodians:
            await_effect(custodian.reaches_all, f"{custodian.name} finds the broker")

    @_do.register
    def _(self, event: events.CustodianStops) -> None:
        self._deliver_all()
        self._site.custodians[event.custodian - 1].stop()

    @_do.register
    def _(self, event: events.CustodianStarts) -> None:
        self._site.custodians[event.custodian - 1].start()

    @_do.register
    def _(self, event: events.CustodianBackedUp) -> None:
        self._deliver_all()
        self._stored(event.custodian).back_up()

    @_do.register
    def _(self, event: events.CustodianRestored) -> None:
        self._deliver_all()
        self._stored(event.custodian).restore()

    @_do.register
    def _(self, _: events.DatabaseStops) -> None:
        self._deliver_all()
        self._site.department.stop_database()

    @_do.register
    def _(self, _: events.DatabaseStarts) -> None:
        self._site.department.start_database()

    @_do.register
    def _(self, _: events.DatabaseDiskFills) -> None:
        self._deliver_all()
        self._site.department.fill_disk()

    @_do.register
    def _(self, _: events.DatabaseDiskFreed) -> None:
        self._site.department.free_disk()

    @_do.register
    def _(self, _: events.KeeperKilled) -> None:
        self._site.department.kill()

    @_do.register
    def _(self, event: events.DispatcherDecides) -> None:
        self._deliver_all()
        decisions = self._site.department.dispatchers.decide(event.person, event.plate, event.decides)
        self._site.decisions += [(event.at, decision) for decision in decisions]

    @_do.register
    def _(self, event: events.CaseOpened) -> None:
        for harness in self._of(event.post):
            harness.open_case(opened=True)

    @_do.register
    def _(self, event: events.CaseClosed) -> None:
        for harness in self._of(event.post):
            harness.open_case(opened=False)

    @_do.register
    def _(self, event: events.CameraHangs) -> None:
        for harness in self._of(event.post):
            harness.camera.hang(event.until)

    @_do.register
    def _(self, event: events.CameraFreezes) -> None:
        for harness in self._of(event.post):
            harness.camera.hang(event.until, frozen=True)

    @_do.register
    def _(self, event: events.CameraReleased) -> None:
        for harness in self._of(event.post):
            harness.camera.hangs = None

    @_do.register
    def _(self, event: events.CameraMoved) -> None:
        for harness in self._of(event.post):
            harness.camera.turned = (event.right, event.down)

    @_do.register
    def _(self, event: events.CameraStraightened) -> None:
        for harness in self._of(event.post):
            harness.camera.turned = (0.0, 0.0)

    @_do.register
    def _(self, event: events.LensCovered) -> None:
        for harness in self._of(event.post):
            harness.camera.covered = True

    @_do.register
    def _(self, event: events.LensWiped) -> None:
        for harness in self._of(event.post):
            harness.camera.covered = False

    @_do.register
    def _(self, event: events.ClockSet) -> None:
        for harness in self._of(event.post):
            harness.set_clock(event.offset, synchronised=event.synchronised)

    @_do.register
    def _(self, event: events.DiskFills) -> None:
        for harness in self._of(event.post):
            harness.disk.fill()

    @_do.register
    def _(self, event: events.DiskFreed) -> None:
        for harness in self._of(event.post):
            harness.disk.free()

    @_do.register
    def _(self, event: events.PostRestarts) -> None:
        for harness in self._of(event.post):
            self.deliver(harness)
            harness.restart_after = event.away
            if harness.post is not None:
                harness.post.stop()

    # --- waiting

    def _deliver_all(self) -> None:
        for harness in self._site.harnesses.values():
            self.deliver(harness)

    def _stored(self, number: int) -> ScenarioCustodian:
        custodian = self._site.custodians[number - 1]
        if not isinstance(custodian, ScenarioCustodian):
            raise TypeError("a department's database cannot be restored here")  # the description refuses it
        return custodian

    def _of(self, post: str | None) -> list[Harness]:
        return [harness for name, harness in self._site.harnesses.items() if post in {None, name}]

    def _delivered(self, harness: Harness) -> Callable[[], bool]:
        """Return what is true once a post has delivered; its custodians' receipts are there too if all are at work."""
        if all(custodian.running for custodian in self._site.custodians):
            return harness.released
        return harness.empty

    def _reachable(self, harness: Harness) -> bool:
        return harness.network and any(broker.running for broker in self._site.brokers)

    def _settle(self, harness: Harness) -> None:
        uplink = harness.uplink
        if uplink is None or harness.post is None or harness.restart_after is not None or not self._reachable(harness):
            return
        await_effect(lambda: uplink.settled, f"{harness.name} connects", again=uplink.retry_now)
        published = self._site.published_digest
        await_effect(
            lambda: published in {None, *harness.handled} and not harness.receiving,
            f"{harness.name} judges the hot list",
        )
        self.before_leap()
        quiet = time.monotonic()
        received = len(harness.made)
        while time.monotonic() - quiet < _QUIET_SECONDS:
            sleep(_CHECK_SECONDS)
            if len(harness.made) != received or harness.receiving:
                received, quiet = len(harness.made), time.monotonic()


def _cut_off(uplink: WatchedUplink, broker: str | None) -> bool:
    """Say whether a post is connected no more, or not to this broker."""
    state = uplink.state()
    return not state.connected or broker not in {None, state.broker}


def await_effect(done: Callable[[], bool], what: str, *, again: Callable[[], object] = lambda: None) -> None:
    """Wait in real time.

    Raises:
        StuckError: it is not so in time.

    """
    end = time.monotonic() + EFFECT_SECONDS
    nudge = 0.0
    while not done():
        if time.monotonic() > end:
            raise StuckError(f"{what}: not within {EFFECT_SECONDS:.0f} s")
        if time.monotonic() > nudge:
            nudge = time.monotonic() + _AGAIN_SECONDS
            again()
        sleep(_CHECK_SECONDS)
