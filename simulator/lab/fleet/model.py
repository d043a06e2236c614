"""What a larger fleet needs, on paper: a model fitted to what a run of the simulated fleet measured.

Everything is proportional but one thing. A list is sealed to each post, so a delta grows with the fleet, and it goes
to each post: its bytes grow with the square. That, not connections or records, is what divides a large fleet into
districts, each with a broker, a list and a sealing of its own.

What is fitted comes from one machine on which posts, broker and record keeper shared the processor; what is assumed
stands in `Assumptions`, and every figure of it can be set.
"""

import math
from dataclasses import dataclass

from platepost.simulator.lab.fleet.figures import Figures

SECONDS_A_DAY = 86400
NODES = {"mosquitto": 1, "rabbitmq": 3}
"""Machines that one broker is made of."""
CORES_USED = {"mosquitto": 1, "rabbitmq": None}
"""Cores that a machine's broker can use: mosquitto has one thread; None for all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumptions:
    """What was not measured."""

    vehicles_a_day: float = 10_000.0
    """At each post, on average over the fleet."""
    peak: float = 2.0
    """The busiest hour's share over an average hour's: urban arterials have 1.8 to 2."""
    load: float = 0.5
    """Share of a core, and of memory, that may be in use at the peak."""
    cores: int = 8
    """Of a broker's machine."""
    memory_gb: float = 32.0
    link_mbit: float = 1000.0
    """Of a broker's machine, of which `link_load` may be used."""
    link_load: float = 0.6
    list_mb: float = 10.0
    """A complete list without its seal; one a day."""
    deltas_a_day: float = 24.0
    delta_seconds: float = 30.0
    """Within which a delta is to be in force on all posts; two thirds of it may go into sending."""
    return_seconds: float = 60.0
    """Within which a broker is to be able to take all its posts back; their own waits come on top (docs/brokers.md)."""
    absence_hours: float = 24.0
    """How long the record keeper may be away, and the broker keeps records for it."""
    machine_month: float = 140.0
    """Price of such a machine, US dollars a month."""
    mobile_gb: float = 2.0
    """Price of a post's mobile data, US dollars a gigabyte."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What one run says of each post and each record."""

    broker: str
    memory_base: float
    """Bytes of all nodes together without posts."""
    memory_post: float
    """Bytes of all nodes together for each connected post."""
    cpu_idle: float
    """Seconds of the brokers' processors for each post and second at rest."""
    cpu_record: float
    """For each record, delivery to one record keeper included."""
    cpu_connection: float
    """For each connection with its handshake, subscriptions and the list."""
    bytes_record: float
    """On the post's link, both ways, TLS included."""
    bytes_idle: float
    """For each post and second."""
    payload_record: float
    seal_post: float
    """Bytes of a sealed package for each post that it is sealed to."""

    @classmethod
    def of(cls, figures: Figures) -> "Fitted":
        """Fit to a run."""
        connecting, rest, work = figures.connecting, figures.rest, figures.work
        posts, records = figures.posts, max(1, work.records)
        idle = rest.broker_cpu / rest.seconds / posts
        idle_bytes = (rest.bytes_up + rest.bytes_down) / rest.seconds / posts
        moved = work.bytes_up + work.bytes_down - idle_bytes * posts * work.seconds
        return cls(
            broker=figures.broker,
            memory_base=connecting.broker_memory_before,
            memory_post=max(0.0, connecting.broker_memory - connecting.broker_memory_before) / posts,
            cpu_idle=idle,
            cpu_record=max(0.0, work.broker_cpu - idle * posts * work.seconds) / records,
            cpu_connection=connecting.broker_cpu / posts,
            bytes_record=max(0.0, moved) / records,
            bytes_idle=idle_bytes,
            payload_record=work.payload_bytes / records,
            seal_post=figures.delta.package_bytes / posts,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a fleet needs."""

    posts: int
    records_peak: float
    """A second."""
    districts: int
    """Brokers, each with a list of its own."""
    bounds: dict[str, int]
    """How many posts one district may have, by what bounds it."""
    machines: int
    cores: float
    """That all brokers' machines would keep busy at the peak."""
    memory_gb: float
    inbound_mbit: float
    """Into all brokers together, at the peak."""
    delta_bytes: float
    """Of one district's delta."""
    delta_all_bytes: float
    """Of one delta to all posts of all districts."""
    return_seconds: float
    """Least time in which all posts of a district can be taken back."""
    kept_gb: float
    """On the brokers' disks, while the record keeper is away."""
    mobile_gb_month: float
    """A post's, records and lists."""
    brokers_cost: float
    """US dollars a month."""
    mobile_cost: float

    @property
    def bound_by(self) -> str:
        """What bounds a district first."""
        return min(self.bounds, key=lambda name: self.bounds[name])


def need(posts: int, fitted: Fitted, assumed: Assumptions) -> Need:
    """Return what a fleet needs."""
    per_post = assumed.vehicles_a_day / SECONDS_A_DAY
    peak = per_post * assumed.peak
    bounds = district_bounds(fitted, assumed)
    districts = max(1, math.ceil(posts / min(bounds.values())))
    own = math.ceil(posts / districts)
    machines = districts * NODES[fitted.broker]
    busy = posts * (fitted.cpu_idle + peak * fitted.cpu_record)
    delta = own * fitted.seal_post
    lists = assumed.list_mb * 1e6 + delta + assumed.deltas_a_day * delta
    day = per_post * SECONDS_A_DAY * fitted.bytes_record + fitted.bytes_idle * SECONDS_A_DAY + lists
    return Need(
        posts=posts,
        records_peak=posts * peak,
        districts=districts,
        bounds=bounds,
        machines=machines,
        cores=busy,
        memory_gb=(districts * fitted.memory_base + posts * fitted.memory_post) / 1e9,
        inbound_mbit=posts * (peak * fitted.bytes_record + fitted.bytes_idle) * 8 / 1e6,
        delta_bytes=delta,
        delta_all_bytes=posts * delta,
        return_seconds=own * fitted.cpu_connection / (NODES[fitted.broker] * _cores(fitted.broker, assumed)),
        kept_gb=posts * per_post * assumed.absence_hours * 3600 * fitted.payload_record * NODES[fitted.broker] / 1e9,
        mobile_gb_month=30 * day / 1e9,
        brokers_cost=machines * assumed.machine_month,
        mobile_cost=posts * 30 * day / 1e9 * assumed.mobile_gb,
    )


def district_bounds(fitted: Fitted, assumed: Assumptions) -> dict[str, int]:
    """Return how many posts one broker may have, by what bounds it: processor, memory, link, delta, return."""
    nodes, cores = NODES[fitted.broker], _cores(fitted.broker, assumed)
    peak = assumed.vehicles_a_day / SECONDS_A_DAY * assumed.peak
    link = assumed.link_mbit * 1e6 / 8 * assumed.link_load * nodes  # bytes a second, over all machines
    room = assumed.memory_gb * 1e9 * assumed.load * nodes - fitted.memory_base
    return {
        "processor": _least(nodes * cores * assumed.load, fitted.cpu_idle + peak * fitted.cpu_record),
        "memory": _least(room, fitted.memory_post),
        # In from the posts, and out again to the record keeper.
        "link": _least(link, 2 * peak * fitted.bytes_record + fitted.bytes_idle),
        "delta": max(1, int(math.sqrt(link * assumed.delta_seconds * 2 / 3 / max(fitted.seal_post, 1e-9)))),
        "return": _least(nodes * cores * assumed.return_seconds, fitted.cpu_connection),
    }


def _least(room: float, each: float) -> int:
    return max(1, int(room / each)) if each > 0 else 10**9


def _cores(broker: str, assumed: Assumptions) -> int:
    return CORES_USED[broker] or assumed.cores
