"""The course of a fleet's run: connect, rest, work, news for all, an outage, a burst, and an account."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from platepost.common.signals import sleep
from platepost.simulator.errors import CampaignError
from tests.campaigns.fleet.collector import Missing, Window, spread
from tests.campaigns.fleet.figures import Connecting, Delta, End, FleetOutcome, Machine, Outage, Rest, Work
from tests.campaigns.fleet.news import complete_list, delta_to, give_out
from tests.campaigns.fleet.proof import prove
from tests.campaigns.fleet.returning import Returning
from tests.campaigns.fleet.site import FleetSite
from tests.campaigns.fleet.worker import Count
from tests.rabbitmq import RabbitCluster

POLL_SECONDS = 0.25
PROMISED_SECONDS = 30.0
"""Within which a delta is in force on every post."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadProfile:
    """How long each part is."""

    rest_seconds: float = 20.0
    work_seconds: float = 60.0
    rate: float = 100.0
    """Records a second by all posts together."""
    outage_seconds: float = 10.0
    burst: int = 5
    """Records of each post at once."""
    part_bytes: int | None = None
    """How large the parts of lists are; None for lists that go whole."""
    patience_seconds: float = 600.0
    """For anything to be done."""


class Campaign:
    """Runs a fleet through a load profile."""

    def __init__(self, site: FleetSite, profile: LoadProfile, *, say: Callable[[str], None]) -> None:
        self._site = site
        self._profile = profile
        self._say = say
        self._problems: list[str] = []

    def run(self) -> FleetOutcome:
        """Run, and return what was measured.

        Raises:
            CampaignError: something did not come about within the time given.

        """
        began = time.monotonic()
        connecting, package = self._connect()
        rest = self._rest()
        self._site.order("rate", self._profile.rate / len(self._site.posts))
        work = self._work("at work", self._profile.work_seconds)
        delta = self._delta(package)
        count = self._site.count()
        held = min(count.connected, count.version)
        outage = self._outage()
        self._site.order("rate", 0.0)
        self._drain()
        burst = self._burst()
        self._drain()
        end = self._end()
        return FleetOutcome(
            seconds=round(time.monotonic() - began, 1),
            broker=self._site.broker_name,
            posts=len(self._site.posts),
            held=held,
            rate=self._profile.rate,
            machine=Machine.here(),
            connecting=connecting,
            rest=rest,
            work=work,
            burst=burst,
            delta=delta,
            outage=outage,
            end=end,
            problems=tuple(self._problems),
        )

    def _connect(self) -> tuple[Connecting, bytes]:
        site, posts = self._site, len(self._site.posts)
        package = complete_list(site.fleet)
        give_out(site.fleet, package, nodes=site.broker.addresses, first=True, part_bytes=self._profile.part_bytes)
        before = site.usage()["broker"]
        began = time.monotonic()
        site.order("connect")
        self._until("connecting", lambda count: count.connected, posts)
        seconds = time.monotonic() - began
        self._until("taking the list", lambda count: count.version if count.newest else 0, posts)
        in_service = time.monotonic() - began
        self._drain()
        after = site.usage()
        return (
            Connecting(
                seconds=round(seconds, 2),
                in_service_seconds=round(in_service, 2),
                broker_cpu=round(after["broker"].cpu - before.cpu, 2),
                broker_memory_before=before.memory,
                broker_memory=after["broker"].memory,
                posts_memory=after["posts"].memory,
                package_bytes=len(package),
            ),
            package,
        )

    def _rest(self) -> Rest:
        self._say("at rest")
        before, count = self._site.usage(), self._site.count()
        sleep(self._profile.rest_seconds)
        after, then = self._site.usage(), self._site.count()
        return Rest(
            seconds=self._profile.rest_seconds,
            broker_cpu=round(after["broker"].cpu - before["broker"].cpu, 3),
            posts_cpu=round(after["posts"].cpu - before["posts"].cpu, 3),
            bytes_up=then.bytes_up - count.bytes_up,
            bytes_down=then.bytes_down - count.bytes_down,
        )

    def _work(self, what: str, seconds: float) -> Work:
        self._say(what)
        return self._measured(lambda: sleep(seconds))

    def _burst(self) -> Work:
        self._say(f"{self._profile.burst} records of each post at once")

        def burst() -> None:
            self._site.order("burst", self._profile.burst)
            self._arrived()

        return self._measured(burst)

    def _measured(self, work: Callable[[], None]) -> Work:
        before, count, began, begin = self._site.usage(), self._site.count(), time.monotonic(), time.time()
        work()
        seconds, end = time.monotonic() - began, time.time()
        after, then = self._site.usage(), self._site.count()
        window: Window = self._site.ask_keeper("window", begin, end)
        return Work(
            seconds=round(seconds, 2),
            most_seconds=window.most_seconds,
            records=window.records,
            hits=window.hits,
            payload_bytes=window.bytes,
            bytes_up=then.bytes_up - count.bytes_up,
            bytes_down=then.bytes_down - count.bytes_down,
            broker_cpu=round(after["broker"].cpu - before["broker"].cpu, 2),
            posts_cpu=round(after["posts"].cpu - before["posts"].cpu, 2),
            keeper_cpu=round(after["keeper"].cpu - before["keeper"].cpu, 2),
            hit_seconds=window.hit_seconds,
        )

    def _delta(self, complete: bytes) -> Delta:
        site, posts = self._site, len(self._site.posts)
        package = delta_to(site.fleet, complete, version=2)
        self._say(f"a delta of {len(package):,} bytes")
        most, began = 0, time.time()
        give_out(site.fleet, package, nodes=site.broker.addresses, first=False, part_bytes=self._profile.part_bytes)
        deadline = time.monotonic() + self._profile.patience_seconds
        installed: dict[str, float] = {}
        while len(installed) < posts and time.monotonic() < deadline:
            sleep(POLL_SECONDS)
            most = max(most, site.usage()["broker"].memory)
            installed = site.ask_keeper("installed", "2")
        delays = spread(sorted(moment - began for moment in installed.values()))
        if len(installed) < posts or delays[-1] > PROMISED_SECONDS:
            self._problems.append(
                f"the delta was in force on {len(installed)} of {posts} posts after {delays[-1] if delays else 0:.1f} s"
            )
        return Delta(
            package_bytes=len(package),
            seconds=tuple(round(value, 2) for value in delays),
            posts=len(installed),
            broker_memory_most=most,
        )

    def _outage(self) -> Outage:
        site, broker = self._site, self._site.broker
        self._say("the broker is away")
        before = site.count()
        if isinstance(broker, RabbitCluster):
            # The others take over at once: the time to return begins with the loss.
            returning = Returning(site, before)
            broker.nodes[-1].kill()
            returning.watch(self._profile.patience_seconds, least=max(POLL_SECONDS, self._profile.outage_seconds))
            broker.start()
            kind = "one node of three killed"
        else:
            broker.stop()
            sleep(self._profile.outage_seconds)
            broker.start()
            returning = Returning(site, before)
            returning.watch(self._profile.patience_seconds, least=0.0)
            kind = "broker stopped"
        self._say("delivering what was recorded meanwhile")
        self._until_kept()
        return returning.outage(kind, self._profile.outage_seconds)

    def _until_kept(self) -> None:
        """Wait until what was recorded up to now has been acknowledged."""
        wanted = self._site.count().recorded
        self._until("delivering", lambda count: count.acknowledged, wanted)

    def _arrived(self) -> None:
        """Wait until the record keeper has all that was recorded up to now."""
        wanted = self._site.count().recorded
        deadline = time.monotonic() + self._profile.patience_seconds
        while self._site.ask_keeper("count") < wanted:
            if time.monotonic() > deadline:
                raise CampaignError("records did not arrive in the time given")
            sleep(0.1)

    def _drain(self) -> None:
        self._until("delivering what waits", lambda count: -count.waiting, 0)

    def _until(self, what: str, figure: Callable[[Count], int], wanted: int) -> None:
        self._say(what)
        deadline = time.monotonic() + self._profile.patience_seconds
        while (now := figure(self._site.count())) < wanted:
            if time.monotonic() > deadline:
                raise CampaignError(f"{what}: {now} of {wanted} after {self._profile.patience_seconds:.0f} s")
            sleep(POLL_SECONDS)

    def _end(self) -> End:
        unreleased = self._unreleased()
        self._say("proving signatures and chains")
        chains = self._site.chains()
        self._arrived()
        missing: Missing = self._site.ask_keeper("missing", chains)
        proof = prove(self._site.fleet, self._site.archive, processes=Machine.here().cores)
        return End(
            recorded=sum(chain.last for chain in chains),
            arrived=self._site.ask_keeper("count"),
            lost=missing.lost,
            repeats=missing.repeats,
            verified=proof.records,
            problems=proof.problems,
            unreleased=unreleased,
        )

    def _unreleased(self) -> int:
        """Wait for the custodian's last receipts; return how many records are still on posts."""
        self._say("awaiting the last receipts")
        deadline = time.monotonic() + self._profile.patience_seconds
        while (left := self._site.count().unreleased) and time.monotonic() < deadline:
            sleep(POLL_SECONDS)
        return left
