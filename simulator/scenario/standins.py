"""What stands in for time, chance and the machine in a post's own code while a scenario is played.

A post of a scenario is `device.post.Post` and nothing less. What is replaced, by name, in the modules of `device`, and
only while `standing_in` is open:

- the steady clock, also where it is a default, the time of day and waiting, by the world's: everywhere but in the
  uplink, which talks to a real broker in real time;
- new identifiers, the digest of the configuration (which would tell this run's folder and ports), ECDSA's nonces (by
  RFC 6979), so that the same scenario and seed give the same records;
- chrony and the kernel's word on the clock, the machine's own readings, the room on the disk, and the capture thread,
  by the scenario's; camera and board come by the post's own `Rig`;
- the networks, by the same ones loaded once.
"""

import hashlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, tzinfo
from functools import partial
from types import FunctionType, ModuleType
from typing import Any
from unittest.mock import patch

import device.config
import device.outbox.file
import device.uplink.in_flight
from device.config import Configuration
from device.records import new_identifier
from simulator.scenario.errors import ScenarioError
from simulator.scenario.harness import Harness
from simulator.scenario.world import World, current

_REAL_TIME = ("device.uplink", "device.health.watchdog")
"""What talks to a broker does so in real time, and who judges whether it tries."""


class _Datetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


@contextmanager
def standing_in(world: World, harnesses: Mapping[str, Harness]) -> Iterator[None]:
    """Replace, for as long as this is open; posts are found by the name of the thread that they run in."""

    def harness() -> Harness:
        actor = current()
        if actor is None or actor.name not in harnesses:
            raise ScenarioError("a post of a scenario is made in its own thread")
        return harnesses[actor.name]

    with ExitStack() as stack:

        def replace(module: object, name: str, by: object) -> None:
            stack.enter_context(patch.object(module, name, by))

        everywhere = _everywhere(world, harness)
        for module in _modules():
            for name, original, by in everywhere:
                if getattr(module, name, None) is original:
                    replace(module, name, by)
            for defaults in _defaults(module):
                if clocks := {name: world.steady for name, value in defaults.items() if value is time.monotonic}:
                    stack.enter_context(patch.dict(defaults, clocks))
        replace(device.outbox.file, "Reserve", lambda _path: harness().disk)
        replace(device.config.Configuration, "digest", property(_digest))
        replace(
            device.uplink.in_flight, "expiry_seconds", partial(device.uplink.in_flight.expiry_seconds, now=world.utc)
        )
        yield


def _modules() -> list[ModuleType]:
    return [
        module
        for name, module in sorted(sys.modules.items())
        if name.startswith("device.") and not name.startswith(_REAL_TIME) and module is not None
    ]


def _defaults(module: ModuleType) -> Iterator[dict[str, Any]]:
    """Yield the keyword defaults of a module's functions and methods: a clock may be one."""
    for thing in vars(module).values():
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        for function in (thing, *vars(thing).values()) if isinstance(thing, type) else (thing,):
            if isinstance(function, FunctionType) and function.__kwdefaults__:
                yield function.__kwdefaults__


def _everywhere(world: World, harness: Callable[[], Harness]) -> tuple[tuple[str, object, object], ...]:
    return (
        ("monotonic", time.monotonic, world.steady),
        ("datetime", datetime, _clockwork(world)),
        ("new_identifier", new_identifier, lambda: harness().chance.identifier(world.wall())),
    )


def _clockwork(world: World) -> type:
    """Return `datetime` with another `now`."""

    # What it makes are plain datetimes, hence the ignores: only `now` is the world's.
    class Simulated(datetime, metaclass=_Datetime):
        def __new__(cls, *parts: Any, **more: Any) -> datetime:  # type: ignore[misc]  # noqa: ANN401
            return datetime(*parts, **more)  # noqa: DTZ001 - as the caller says

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(world.wall(), tz)

    return Simulated


def _digest(configuration: Configuration) -> str:
    """Return the digest of a configuration as it would be in a folder and at brokers that are always the same."""
    text = configuration.model_dump_json()
    text = text.replace(str(configuration.outbox.path.parent.parent), "").replace("localhost:", "")
    brokers = len(configuration.uplink.brokers)
    text = re.sub(r'"brokers":\[[^\]]*\]', f'"brokers":{brokers}', text)
    return hashlib.sha256(text.encode()).hexdigest()
