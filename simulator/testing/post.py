"""A post that does what a test tells it: a post's own recorder, outbox and uplink, and vehicles that are made up.

Its records are signed, chained, kept on disk and delivered as in the field. Not simulated: camera, recogniser, hot list
(a test says what is listed), control. `platepost simulate run` has those.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from device import __version__
from device.clock.kernel import clock_quality
from device.config import load
from device.outbox import Outbox
from device.records import (
    Audit,
    Hit,
    HotListState,
    Model,
    Place,
    Read,
    Recorder,
    Status,
    Versions,
    new_identifier,
)
from device.records.status import Reason
from device.uplink import Tuning, Uplink
from simulator.errors import SimulatorError
from simulator.ground.proxy import Proxy
from simulator.testing.made_up import Circumstances, MadeUp

DELIVERY_SECONDS = 30.0
_POLL_SECONDS = 0.01
_IMPATIENT = {"reconnect_seconds": 0.2, "settle_seconds": 0.2}
_HEARD_OR_NOT = ("read", "hit", "status", "audit")


@dataclass(frozen=True, slots=True)
class PassedBy:
    """What a post said of one vehicle."""

    read: Read
    hit: Hit | None


class SimulatedPost:
    """A running post; a context manager. Its methods return once the broker has what they made it say."""

    def __init__(self, configuration: Path, *, network: Proxy, public_key: Path, seed: int = 1) -> None:
        """Open the outbox; nothing is connected yet.

        Args:
            configuration: its `post.toml`.
            network: what leads to the broker.
            public_key: PEM by which its records are verified.
            seed: of what is drawn.

        """
        self._network, self._away, self._born = network, False, False
        self._configuration = load(configuration)
        self.name = self._configuration.post.name
        self.agency = self._configuration.post.agency
        self.public_key = public_key
        self._draw = random.Random(seed)
        self._boot, self._since = new_identifier(), datetime.now(UTC)
        self._reasons: tuple[Reason, ...] = ()
        self._outbox = Outbox.of(self._configuration.outbox)
        self._recorder = Recorder.of(
            self._configuration.records,
            self._outbox,
            self._configuration.post.source,
            now=lambda: datetime.now(UTC),
        )
        self._versions = Versions(
            software=__version__,
            configuration=self._configuration.digest[:16],
            models=(Model(name="detector", digest="0" * 64), Model(name="reader", digest="0" * 64)),
        )
        now = datetime.now(UTC).replace(microsecond=0)
        self._hotlist = HotListState(
            state="current", version=1, issuer="Simulated department", built=now, age_seconds=0.0, entries=1000
        )
        self._uplink = self._make_uplink()

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
        vehicle = self._vehicle(text)
        hit = None
        if listed is not None:
            hit = vehicle.hit(new_identifier(), category=listed, matched=matched, match=match, priority=priority)
            self._recorder.record(hit)
        read = vehicle.read(hits=(hit.hit,) if hit else (), overview=overview)
        self._recorder.record(read)
        self.deliver()
        return PassedBy(read, hit)

    def misreads(self, text: str, *, listed: str, final: str) -> PassedBy:
        """Have a vehicle pass that is first read as `text`, which is listed, then as `final`: the hit is withdrawn."""
        vehicle = self._vehicle(text)
        hit = vehicle.hit(new_identifier(), category=listed)
        self._recorder.record(hit)
        read = self._vehicle(final, passage=hit.passage).read()
        self._recorder.record(vehicle.withdrawal(hit, final))
        self._recorder.record(read)
        self.deliver()
        return PassedBy(read, hit)

    # --- how it is

    def says(self, action: str, *, outcome: str = "success") -> None:
        """Have it write an audit record, such as `tamper_opened`."""
        facts = {"clock": clock_quality(), "action": action, "occurred": datetime.now(UTC), "where": self.name}
        who = {"source": "board", "outcome": outcome, "identity": self.name}
        self._recorder.record(Audit.model_validate(facts | who))
        self.deliver()

    def ails(self, **reasons: str) -> None:
        """Have it say what ails it, each reason's name with a message; without any, that all is well."""
        self._reasons = tuple(Reason(name=name, message=message) for name, message in reasons.items())
        self._since = datetime.now(UTC)
        self._recorder.record(self._status())
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

    def deliver(self, *, timeout: float = DELIVERY_SECONDS) -> None:
        """Wait until the broker has acknowledged all that was recorded; without a network, return at once.

        Raises:
            SimulatorError: it did not within `timeout` seconds.

        """
        if not self._away:
            self._wait(lambda: self._born and not self._waiting(), "done with delivering", timeout=timeout)

    def close(self) -> None:
        """Say farewell and end; a second call does nothing."""
        self._uplink.drain(0.0 if self._away else 2.0)
        self._outbox.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _vehicle(self, text: str, *, passage: str | None = None) -> MadeUp:
        circumstances = Circumstances(
            place=self._configuration.post.place, versions=self._versions, clock=clock_quality(), hotlist=self._hotlist
        )
        return MadeUp(
            text,
            datetime.now(UTC),
            passage=passage or new_identifier(),
            circumstances=circumstances,
            draw=self._draw,
        )

    def _waiting(self) -> int:
        return self._outbox.undelivered(settling=self._uplink.settling())

    def _wait(self, condition: Callable[[], bool], what: str, *, timeout: float = DELIVERY_SECONDS) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                state = self._uplink.state()
                raise SimulatorError(f"{self.name} is not {what} after {timeout:.0f} s: {state.problem or state}")
            time.sleep(_POLL_SECONDS)

    def _make_uplink(self) -> Uplink:
        own = self._configuration
        here = {"brokers": (f"localhost:{self._network.port}",), **_IMPATIENT, "may_go_unheard": _HEARD_OR_NOT}
        return Uplink(
            own.uplink.model_copy(update=here),
            self._outbox,
            client_id=own.post.name,
            tuning=Tuning(backoff_most_seconds=0.5, refusal_first_seconds=0.2, refusal_most_seconds=0.5),
            will=lambda: self._recorder.unchained(self._status("offline")),
            on_connected=self._be_born,
        )

    def _be_born(self) -> None:
        self._recorder.record(self._status())
        self._born = True

    def _status(self, state: str | None = None) -> Status:
        return Status.model_validate(
            {
                "clock": clock_quality(),
                "state": state or ("degraded" if self._reasons else "online"),
                "reasons": self._reasons if state is None else (),
                "since": datetime.now(UTC) if state == "offline" else self._since,
                "boot": self._boot,
                "place": Place(site=self._configuration.post.site or None),
                "versions": self._versions,
                "hotlist": self._hotlist,
            }
        )
