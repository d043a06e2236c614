"""A post that does what a test tells it: a post's own recorder, outbox and uplink, and vehicles that are made up.

Its records are signed, chained, kept on disk and delivered as in the field. Not simulated: camera, recognizer, hot list
(a test says what is listed), control. `platepost simulate run` has those.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from platepost.common.signals import sleep
from platepost.device.config import load
from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.settings import UplinkTiming
from platepost.device.uplink.uplink import Uplink
from platepost.simulator.errors import SimulatorError
from platepost.simulator.ground.light_post import LightPost
from platepost.simulator.ground.passages import SeenVehicle
from platepost.simulator.ground.proxy import Proxy
from platepost.wire.records import Hit, HotListState, Read, Recorder

DELIVERY_SECONDS = 30.0
_POLL_SECONDS = 0.01
_IMPATIENT = {
    "reconnect_seconds": 0.2,
    "optional_receivers": ("read", "hit", "status", "audit"),
}


@dataclass(frozen=True, slots=True)
class PassedBy:
    """What a post said of one vehicle."""

    read: Read
    hit: Hit | None


class SimulatedPost:
    """A running post; a context manager. Its methods return once the broker has what they made it say."""

    def __init__(self, configuration: Path, *, network: Proxy, public_key: Path) -> None:
        """Open the outbox; nothing is connected yet.

        Args:
            configuration: its `post.toml`.
            network: what leads to the broker.
            public_key: PEM by which its records are verified.

        """
        self._network = network
        self._away = False
        self._born = False
        loaded = load(configuration)
        self.name, self.agency = loaded.post.name, loaded.post.agency
        self.public_key = public_key
        self._draw = random.Random(1)
        self._outbox = Outbox.of(loaded.outbox)
        built = datetime.now(UTC).replace(microsecond=0)
        hot_list = HotListState(
            state="current", version=1, issuer="Simulated department", built=built, age_seconds=0.0, entries=1000
        )
        self._recorder = Recorder.of(loaded.records, self._outbox, loaded.post.source, now=lambda: datetime.now(UTC))
        self._post = LightPost(
            self._recorder, place=loaded.post.place, configuration=loaded.digest, hot_list=lambda: hot_list
        )
        self._uplink = Uplink(
            loaded.uplink.model_validate({**dict(loaded.uplink), **_IMPATIENT}),  # a copy checks no name
            self._outbox,
            client_id=self.name,
            timing=UplinkTiming(max_backoff_seconds=0.5, first_refusal_wait_seconds=0.2, max_refusal_wait_seconds=0.5),
        )
        self._uplink.will, self._uplink.on_connected = self._post.will, self._be_born

    # --- what it sees

    def passes(
        self,
        text: str,
        *,
        listed: str | None = None,
        matched: str | None = None,
        match: str = "exact",
        priority: int = 1,
        overview: bool = False,
    ) -> PassedBy:
        """Have a vehicle pass.

        Args:
            text: its plate, as the post reads it.
            listed: the category under which the hot list has it; None where it is not listed.
            matched: the list's own spelling, where that is another.
            match: how it matched: `exact`, `look_alike`, `near` or `partial`.
            priority: of the entry; 1 is the most urgent.
            overview: whether the read, too, shows the vehicle.

        """
        vehicle, hit = SeenVehicle(text, self._draw), None
        if listed is not None:
            hit = self._post.hit(vehicle, category=listed, matched=matched, match=match, priority=priority)
            self._recorder.record(hit)
        passage, hits = (hit.passage, (hit.hit,)) if hit else (None, ())
        read = self._post.read(vehicle, passage=passage, hits=hits, overview=overview)
        self._recorder.record(read)
        self.deliver()
        return PassedBy(read, hit)

    def misreads(self, text: str, *, listed: str, final: str) -> PassedBy:
        """Let a vehicle pass that is read first as `text`, which is listed, then as `final`: its hit is withdrawn."""
        hit = self._post.hit(SeenVehicle(text, self._draw), category=listed)
        self._recorder.record(hit)
        read = self._post.read(SeenVehicle(final, self._draw), passage=hit.passage)
        self._recorder.record(self._post.withdrawal(hit, final))
        self._recorder.record(read)
        self.deliver()
        return PassedBy(read, hit)

    # --- how it is

    def says(self, action: str, *, outcome: str = "success") -> None:
        """Have it write an audit record, such as `tamper_opened`."""
        self._recorder.record(self._post.event(action, source="board", outcome=outcome))
        self.deliver()

    def degrades(self, **reasons: str) -> None:
        """Have it report faults, each reason's name with a message; without any, that all is well."""
        self._recorder.record(self._post.degrade(**reasons))
        self.deliver()

    def vanishes(self) -> None:
        """Cut its network: the broker publishes its will. What it sees meanwhile waits on its disk."""
        self._away = True
        self._network.down()

    def comes_back(self) -> None:
        """Give it its network back; return once it has delivered what waited."""
        self._network.up()
        self._away = False
        self._wait(lambda: self._uplink.state().connected, "connected")
        self.deliver()

    # --- life

    def start(self) -> None:
        """Connect, and return once the broker has its status.

        Raises:
            SimulatorError: it could not connect.

        """
        self._uplink.start()
        self._wait(lambda: self._uplink.state().connected, "connected")
        self.deliver()

    def deliver(self) -> None:
        """Wait until the broker has acknowledged all that was recorded; without a network, return at once.

        Raises:
            SimulatorError: it did not in time.

        """
        if not self._away:
            self._wait(lambda: self._born and not self._waiting(), "done with delivering")

    def close(self) -> None:
        """Say farewell and end; a second call does nothing."""
        self._uplink.drain(0.0 if self._away else 2.0)
        self._outbox.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _waiting(self) -> int:
        return self._outbox.depth()

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DELIVERY_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                state = self._uplink.state()
                raise SimulatorError(
                    f"{self.name} is not {what} after {DELIVERY_SECONDS:.0f} s: {state.problem or state}"
                )
            sleep(_POLL_SECONDS)

    def _be_born(self) -> None:
        self._recorder.record(self._post.status())
        self._born = True
