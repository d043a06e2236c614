"""Doing what a scenario's events say, and waiting in real time until their effect is there, so that time may go on."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial, singledispatchmethod

from simulator.scenario import events
from simulator.scenario.errors import StuckError
from simulator.scenario.parts import WatchedUplink
from simulator.scenario.stage import Stage
from simulator.scenario.stand import Stand

EFFECT_SECONDS = 30.0
"""Real time within which an event has its effect."""
_LOOK_SECONDS = 0.003
_AGAIN_SECONDS = 0.05
_QUIET_SECONDS = 0.03
"""Real time without news from the broker after which nothing more is on its way."""


class Happenings:
    """Does events on a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._impatient = False
        """Whether a post has not delivered although it could: then nobody waits for it any more."""

    def perform(self, event: events.Event) -> None:
        """Do one event and wait for its effect.

        Raises:
            StuckError: the effect does not come.

        """
        self._do(event)
        for stand in self._stage.stands.values():
            stand.camera.disturb()
        self.settle()

    def settle(self) -> None:
        """Wait until every post that has a network is connected, has said so, and has judged the lists that stand."""
        for stand in self._stage.stands.values():
            self._settle(stand)

    def let_in(self) -> None:
        """Give posts that have said that they boot their network: they say it before anything else, every time."""
        for stand in self._stage.stands.values():
            stand.look_at_board()
            if stand.boot_due and stand.post is not None:
                stand.boot_due = False
                for proxy in stand.proxies:
                    proxy.flow()
                self._settle(stand)

    def before_leap(self) -> None:
        """Let posts deliver before time leaps, as they would have meanwhile."""
        for stand in self._stage.stands.values():
            if stand.uplink is not None and stand.uplink.settled and not stand.empty() and not self._impatient:
                with suppress(StuckError):
                    await_effect(stand.empty, f"{stand.name} delivers")
                self._impatient = not stand.empty()

    def deliver(self, stand: Stand) -> None:
        """Wait until nothing waits on a post any more."""
        if stand.post is None or not self._reachable(stand):
            return
        await_effect(stand.empty, f"{stand.name} delivers")

    # --- one event each

    @singledispatchmethod
    def _do(self, event: events.Event) -> None:
        raise NotImplementedError(event)

    @_do.register
    def _(self, event: events.Publish) -> None:
        self._stage.publish(self._stage.scenario.lists[event.list])

    @_do.register
    def _(self, event: events.NetworkDown) -> None:
        for stand in self._of(event.post):
            self.deliver(stand)
            stand.network = False
            for proxy in stand.proxies:
                proxy.down()
            if stand.uplink is not None:
                await_effect(partial(_cut_off, stand.uplink, None), f"{stand.name} loses its network")

    @_do.register
    def _(self, event: events.NetworkUp) -> None:
        for stand in self._of(event.post):
            stand.network = True
            for proxy in stand.proxies:
                proxy.up()
                proxy.flow()

    @_do.register
    def _(self, event: events.BrokerStops) -> None:
        cut_off = []
        for stand in self._stage.stands.values():
            self.deliver(stand)
            here = f"localhost:{stand.proxies[event.broker - 1].port}"
            if stand.uplink is not None and stand.uplink.state().broker == here:
                cut_off.append((stand, stand.uplink, here))
        self._stage.brokers[event.broker - 1].stop()
        for stand, uplink, here in cut_off:
            await_effect(partial(_cut_off, uplink, here), f"{stand.name} loses its broker")

    @_do.register
    def _(self, event: events.BrokerStarts) -> None:
        self._stage.brokers[event.broker - 1].start()

    @_do.register
    def _(self, event: events.CaseOpened) -> None:
        for stand in self._of(event.post):
            stand.open_case(opened=True)

    @_do.register
    def _(self, event: events.CaseClosed) -> None:
        for stand in self._of(event.post):
            stand.open_case(opened=False)

    @_do.register
    def _(self, event: events.CameraHangs) -> None:
        for stand in self._of(event.post):
            stand.camera.hang(event.until)

    @_do.register
    def _(self, event: events.CameraFreezes) -> None:
        for stand in self._of(event.post):
            stand.camera.hang(event.until, frozen=True)

    @_do.register
    def _(self, event: events.CameraReleased) -> None:
        for stand in self._of(event.post):
            stand.camera.hangs = None

    @_do.register
    def _(self, event: events.CameraMoved) -> None:
        for stand in self._of(event.post):
            stand.camera.turned = (event.right, event.down)

    @_do.register
    def _(self, event: events.CameraStraightened) -> None:
        for stand in self._of(event.post):
            stand.camera.turned = (0.0, 0.0)

    @_do.register
    def _(self, event: events.LensCovered) -> None:
        for stand in self._of(event.post):
            stand.camera.covered = True

    @_do.register
    def _(self, event: events.LensWiped) -> None:
        for stand in self._of(event.post):
            stand.camera.covered = False

    @_do.register
    def _(self, event: events.ClockSet) -> None:
        for stand in self._of(event.post):
            stand.set_clock(event.offset, synchronised=event.synchronised)

    @_do.register
    def _(self, event: events.DiskFills) -> None:
        for stand in self._of(event.post):
            stand.disk.fill()

    @_do.register
    def _(self, event: events.DiskFreed) -> None:
        for stand in self._of(event.post):
            stand.disk.free()

    @_do.register
    def _(self, event: events.PostRestarts) -> None:
        for stand in self._of(event.post):
            self.deliver(stand)
            stand.restart_after = event.away
            if stand.post is not None:
                stand.post.stop()

    # --- waiting

    def _of(self, post: str | None) -> list[Stand]:
        return [stand for name, stand in self._stage.stands.items() if post in {None, name}]

    def _reachable(self, stand: Stand) -> bool:
        return stand.network and any(broker.running for broker in self._stage.brokers)

    def _settle(self, stand: Stand) -> None:
        uplink = stand.uplink
        if uplink is None or stand.post is None or stand.restart_after is not None or not self._reachable(stand):
            return
        await_effect(lambda: uplink.settled, f"{stand.name} connects", again=uplink.retry_now)
        wanted = set(self._stage.standing.values())
        await_effect(lambda: wanted <= stand.handled and not stand.receiving, f"{stand.name} judges the hot list")
        self.before_leap()
        quiet = time.monotonic()
        heard = len(stand.recorded)
        while time.monotonic() - quiet < _QUIET_SECONDS:
            time.sleep(_LOOK_SECONDS)
            if len(stand.recorded) != heard or stand.receiving:
                heard, quiet = len(stand.recorded), time.monotonic()


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
        time.sleep(_LOOK_SECONDS)
