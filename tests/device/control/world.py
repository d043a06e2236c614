"""One agency with `post-1`, someone of each role, and a clock in hand."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from joserfc.jwk import ECKey

from platepost.device.clock.clock import Clock
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.config import Configuration, load
from platepost.device.control import ConfigurationStore, RemoteConfiguration, SigningKeys
from platepost.device.logbook import Logbook
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.provisioning.control.signing import sign_command, sign_configuration
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import Person
from platepost.wire.contract.examples import ExampleSigner, MemoryStore
from platepost.wire.jose import sign
from platepost.wire.records import CONFIGURATION_TYPE, ClockQuality, Purpose, Recorder, Role, Source
from platepost.wire.records.signing import read_key

RUN = "019c1503-fe00-7000-8000-000000000001"
GOOD_CLOCK = ClockQuality(source="kernel", synchronised=True)
BAD_CLOCK = ClockQuality(source="kernel", synchronised=False)
SOURCE = Source("riverside", "post-1")


@dataclass
class World:
    fleet: Fleet
    directory: Path
    """Where the post keeps what this test makes it keep."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: ClockQuality = GOOD_CLOCK
    version: int = 0
    steady: float = 0.0
    """What a clock shows that is never set."""

    @property
    def people(self) -> dict[str, Person]:
        return {role.value: Person.load(self.fleet.operator(f"a-{role.value}")) for role in Role}

    @property
    def base(self) -> Configuration:
        read = load(self.fleet.post("post-1") / "post.toml")
        assert read.control is not None
        return read.model_copy(update={"control": read.control.model_copy(update={"directory": self.directory})})

    def remote(self, **more: Any) -> RemoteConfiguration:
        """Start the post's software, as far as its configuration goes."""
        base = self.base
        assert base.control is not None
        keys = SigningKeys.fixed(Purpose.CONFIGURATION, read_key(base.control.configuration_key.read_bytes()))
        remote = RemoteConfiguration(base, ConfigurationStore(self.directory), keys, SOURCE, **more)
        remote.start()
        return remote

    def logbook(self, store: MemoryStore, *, run: str = RUN) -> Logbook:
        """Open the post's logbook over `store`, in a run that is called `run`."""
        clock = WorldTime(self)
        # A test that sets the time has it pass.
        timekeeper = Timekeeper(quality=lambda: self.clock, wall=clock.wall, steady=clock.wall)
        recorder = Recorder(store, ExampleSigner(), SOURCE, now=timekeeper.now)
        records = RetryingRecorder(recorder, stop=Event(), clock=clock)
        settings = self.base.records
        return Logbook(store, records, timekeeper, run=run, settings=settings)  # type: ignore[arg-type]  # no outbox

    def sign(self, settings: dict[str, Any] | None = None, **more: Any) -> bytes:
        self.version += 1
        wanted = {"version": self.version, "who": "j-stone"} | more
        return sign_configuration(self.fleet, "post-1", settings or {}, **wanted)

    def sign_anything(self, key: ECKey | None = None, *, typ: str = CONFIGURATION_TYPE, **changes: Any) -> bytes:
        """Sign a configuration whose members are changed at will."""
        self.version += 1
        payload = {
            "version": self.version,
            "agency": "riverside",
            "post": "post-1",
            "issued": "2026-01-01T00:00:00Z",
            "expires": "2099-01-01T00:00:00Z",
            "who": "j-stone",
            "settings": {"vision": {"minimum_confidence": 0.5}},
        } | changes
        return sign(json.dumps(payload).encode(), key or self.key, typ=typ)

    @property
    def key(self) -> ECKey:
        return ECKey.import_key(self.fleet.configuration_signing_key.read_bytes())

    def give(self, remote: RemoteConfiguration, message: bytes, *faults: str) -> None:
        remote.receive(message, at=self.now, clock=self.clock, faults=faults)

    def command(self, command: str = "self-test", *, by: str = "technician", **more: Any) -> bytes:
        wanted = {"purpose": "a test", "boot": RUN, "issued": self.now} | more
        return sign_command(self.people[by], wanted.pop("post", "post-1"), command, **wanted)[1]


class WorldTime(Clock):
    """The time of a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def steady(self) -> float:
        return self._world.steady

    def wall(self) -> float:
        return self._world.now.timestamp()
