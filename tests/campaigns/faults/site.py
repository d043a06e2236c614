"""Where a campaign takes place: a throw-away fleet, a real broker, a record keeper, and posts behind proxies."""

import json
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from ctypes import c_double
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from platepost.department.custody.messages import ReceivedMessage
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.errors import BrokerError, CampaignError
from platepost.simulator.ground.passages import SeenVehicle, plate
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.keeper.keeper import RecordKeeper
from platepost.simulator.processes import forking
from platepost.wire.records import Source
from tests.campaigns.faults.judge import Ruling, judge
from tests.campaigns.faults.namespaces import Namespaces, own_disk
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.refuser import Refuser

AGENCY = "faults"
KEEPER = "keeper"
"""The custodian, whose receipts release records."""
WITNESS = "witness"
"""A subscriber, where there is no custodian: at the cluster."""
CHECK_SECONDS = 0.2
KEEPER_SECONDS = 30.0
"""For so long the keeper of records tries to reach the broker."""
PRELOADED = ["tests.campaigns.faults.killable_post"]
VEHICLES = 24
SMALL_QUOTA_MEGABYTES = 0.4
"""The first post's: some hundred reads, so that it gives up reads in a longer outage."""


class CampaignSite(Site[Broker]):
    """Everything but the faults, in one folder that is empty; as a context manager, running while it is open."""

    def __init__(self, directory: Path, *, posts: int, rate: float, namespaces: Namespaces) -> None:
        """Make the fleet; nothing runs yet.

        Args:
            directory: where everything is made.
            posts: how many light posts.
            rate: records a second that each makes.
            namespaces: what `enter_namespaces` could not give this process.

        """
        fleet = throwaway_fleet(directory / "fleet", agency=AGENCY, subscribers=(WITNESS,), custodian=KEEPER)
        super().__init__(directory, fleet, Broker(fleet, directory / "broker"))
        self.namespaces = namespaces
        self.posts: list[PostUnderTest] = []
        self.broker_ends: list[int] = []
        """The exit codes with which the broker ended by itself."""
        self._denied: dict[str, str] = {}
        self._access = threading.Lock()
        self._closing = threading.Event()
        self._count = posts
        self.archive = self.directory / "archive.jsonl"
        self._ids: set[str] = set()
        draw = Random(AGENCY)
        self._vehicles = [SeenVehicle(plate(draw), draw) for _ in range(VEHICLES)]
        self._context = forking(*PRELOADED)
        self.rate: c_double = self._context.RawValue(c_double, rate)
        """Records a second that each post makes at present."""

    # --- the keeper of records

    def keeper_comes(self) -> None:
        """Connect the fleet's custodian; what waits for its session comes first.

        Raises:
            SubscriberError: there was no broker for half a minute, or it refuses the keeper.

        """
        keeper = RecordKeeper(self.fleet, KEEPER, broker=self.broker.address, folder=self.directory / "kept")
        keeper.on_committed = self._committed
        keeper.start(timeout=KEEPER_SECONDS)
        self.keeper = keeper

    def _committed(self, deliveries: Sequence[ReceivedMessage]) -> None:
        """Write down what arrived, repeats included, and tell the posts what is new."""
        received = datetime.now(UTC)
        with self.archive.open("ab") as archive:
            archive.writelines(delivery.body.replace(b"\n", b" ") + b"\n" for delivery in deliveries)
        for delivery in deliveries:
            event = json.loads(delivery.body)
            if event["id"] not in self._ids:
                self._ids.add(event["id"])
                self.arrived(Arrival(topic=delivery.topic, event=event, received=received))

    def keeper_goes(self) -> None:
        """Disconnect it."""
        self.keeper.stop()

    # --- the broker

    def start_broker(self) -> None:
        """Start the broker; no one changes rights, which restarts it, meanwhile."""
        with self._access:
            self.broker.start()

    def _supervise_broker(self) -> None:
        """Start the broker again whenever it has ended by itself, as systemd does."""
        while not self._closing.wait(CHECK_SECONDS):
            with self._access, suppress(BrokerError):
                if (code := self.broker.exit_code) is not None:
                    self.broker_ends.append(code)
                    self.broker.start()

    # --- rights

    def deny(self, post: str, topic: str) -> None:
        """Have the broker refuse a post's records on one topic."""
        with self._access:
            self._denied[post] = f"user {post}\ntopic deny {topic}\n\n"
            self._publish_rights()

    def allow(self, post: str) -> None:
        """Give a post all its rights again."""
        with self._access:
            self._denied.pop(post, None)
            self._publish_rights()

    def _publish_rights(self) -> None:
        path = self.fleet.broker.access_list
        path.write_text(self._rights + "\n" + "".join(self._denied.values()), encoding="utf-8")
        with suppress(BrokerError):  # another fault may kill it just now, and start it again
            self.broker.reload()

    # --- accounts

    def stored(self) -> int:
        """Return how many records all posts were told are stored."""
        return sum(len(post.stored) for post in self.posts)

    def missing(self) -> int:
        """Return how many of them have not arrived."""
        return sum(post.missing() for post in self.posts)

    def rulings(self) -> tuple[Ruling, ...]:
        """Judge every post; all must have ended."""
        for post in self.posts:
            post.stored.close()
        archives = dict.fromkeys(post.archive for post in self.posts)
        return tuple(
            ruling
            for archive in archives
            for ruling in judge(
                (
                    (post.source, self.fleet.record_key(post.name), post.stored_path)
                    for post in self.posts
                    if post.archive == archive
                ),
                archive=archive,
            )
        )

    # --- making

    def add_light_post(
        self,
        name: str,
        *,
        brokers: tuple[str, ...] = (),
        archive: Path | None = None,
        quota_megabytes: float = 64.0,
        rate: float | None = None,
        step: float = 0.0,
    ) -> PostUnderTest:
        """Make one more post; it does not run yet.

        Args:
            name: the post's.
            brokers: `host:port`; the proxy's to the site's broker if none is given.
            archive: where what arrives of it is kept; the site's by default.
            quota_megabytes: of its outbox.
            rate: records a second; the site's by default.
            step: seconds by which its clock advances with every record.

        """
        proxy = self.proxy()
        folder = self.add_post(
            name,
            brokers=brokers or (f"localhost:{proxy.port}",),
            more={"outbox": {"quota_megabytes": quota_megabytes}},
        )
        self._stack.enter_context(own_disk(folder / "state", self.namespaces))
        post = PostUnderTest(
            Source(AGENCY, name),
            folder=folder,
            archive=archive or self.archive,
            proxy=proxy,
            vehicles=self._vehicles,
            step=step,
            context=self._context,
            rate=self._context.RawValue(c_double, rate) if rate else self.rate,
        )
        self._stack.callback(post.close)
        self.posts.append(post)
        return post

    def arrived(self, arrival: Arrival) -> None:
        """Let the post whose record it is know of an arrival."""
        if "sequence" not in arrival.event:
            return
        for post in self.posts:
            if arrival.event.get("source") == post.source.uri:
                post.arrived(arrival.event)

    def _make(self) -> None:
        self._rights = self.fleet.broker.access_list.read_text(encoding="utf-8")
        super()._make()
        supervisor = threading.Thread(target=self._supervise_broker, name="broker supervisor", daemon=True)
        supervisor.start()
        self._stack.callback(supervisor.join)
        self._stack.callback(self._closing.set)
        self.refuser = Refuser(self.loop, self.fleet.broker)
        self._stack.callback(self.refuser.close)
        self.keeper_comes()
        self._stack.callback(self.keeper_goes)
        for number in range(1, self._count + 1):
            self.add_light_post(f"post-{number}", quota_megabytes=SMALL_QUOTA_MEGABYTES if number == 1 else 64.0)
        self._stack.callback(self._end_posts)
        for post in self.posts:
            post.start()

    def _end_posts(self) -> None:
        """End all posts at once: each is waited for afterwards, and one after another they would take too long."""
        for post in self.posts:
            with suppress(CampaignError):  # it has ended
                os.kill(post.pid, signal.SIGKILL)
