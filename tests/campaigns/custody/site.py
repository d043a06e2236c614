"""Where custody is put to the test: a fleet with two custodians, a broker with intruders, posts that can be killed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from ctypes import c_double
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from platepost.common.signals import sleep
from platepost.device import config
from platepost.device.outbox.outbox import Outbox
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.passages import SeenVehicle, plate
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.processes import forking
from platepost.wire.records import Purpose, Source
from platepost.wire.records.signing import Keyring, read_key
from platepost.wire.records.topics import ROOT
from tests.campaigns.custody.checker import CustodyChecker, LeftBehind
from tests.campaigns.custody.wire import WireLog
from tests.campaigns.faults.killable_post import LEFT_OUT_SECONDS
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.keeper_process import PRELOADED as KEEPERS
from tests.campaigns.keeper_process import KeeperProcess

AGENCY = "custody"
GROUP = "narcotics"
CUSTODIANS: Mapping[str, tuple[str, ...]] = {"records": (GROUP,), "archive": ()}
"""Those that every post needs, with the groups of each: the first from its enrollment on, others by the root's word."""
RECORDER, INTRUDER, SHARER = "recorder", "intruder", "sharer"
RESTORED = "restored"
"""The post whose disk is taken back."""
VEHICLES = 8
RELEASE_SECONDS = 60.0
"""How long a post may need to take the last receipts, and to release what they are for."""
_INTRUSIONS = {
    INTRUDER: (f"{ROOT}/{AGENCY}/#",),
    SHARER: tuple(f"$share/mine/{ROOT}/{AGENCY}/+/{topic}" for topic in ("read", "hit/+", "covert/+", "audit")),
}


class CustodySite(Site[Broker]):
    """As a context manager, running while it is open; its posts are started by the one who opened it."""

    def __init__(
        self,
        directory: Path,
        *,
        posts: Sequence[str],
        rate: float,
        custodians: Mapping[str, tuple[str, ...]] = CUSTODIANS,
        step: float = 0.0,
        missing_receipt_resend_seconds: float = LEFT_OUT_SECONDS,
        quota_megabytes: float | None = None,
        save_seconds: int = 1,
    ) -> None:
        """Make the fleet; nothing runs yet.

        Args:
            directory: where everything is made; empty.
            posts: the names of the light posts.
            rate: records a second that each makes.
            custodians: with the groups of each; posts are given the first.
            step: seconds by which the posts' clocks advance with every record.
            missing_receipt_resend_seconds: after which a post sends what receipts leave out again.
            quota_megabytes: of each post's outbox; as posts have it where None.
            save_seconds: as of `Broker`.

        """
        fleet = throwaway_fleet(directory / "fleet", agency=AGENCY, subscribers=(RECORDER, INTRUDER, SHARER))
        for name, groups in custodians.items():
            fleet.add_custodian(name, groups=groups, required=name == next(iter(custodians)))
        with fleet.broker.access_list.open("a") as rights:
            rights.write(f"\nuser {RECORDER}\ntopic read {ROOT}/{AGENCY}/#\n")
        super().__init__(directory, fleet, Broker(fleet, directory / "broker", save_seconds=save_seconds))
        self.intrusions: tuple[str, ...] = ()
        """The intruders that the broker granted their topics."""
        self._context = forking(*KEEPERS, "tests.campaigns.faults.killable_post")
        self._names, self._custodians, self._step = posts, custodians, step
        self._left_out_seconds = missing_receipt_resend_seconds
        self._settings: dict[str, Any] = {}
        if quota_megabytes is not None:
            self._settings = {"more": {"outbox": {"quota_megabytes": quota_megabytes}}}
        self.rate: c_double = self._context.RawValue(c_double, rate)
        """Records a second that each post makes at present."""
        self.posts: list[PostUnderTest] = []
        self.keepers: dict[str, KeeperProcess] = {}

    def checker(self) -> CustodyChecker:
        """Return a checker that knows the public keys."""
        keys = {name: [read_key(path.read_bytes()) for path in self._keys_of(name)] for name in self._custodians}
        posts = {name: Keyring.from_files(self.fleet.record_key(name)) for name in self._names}
        return CustodyChecker(keys, posts, added=[*self._custodians][1:])

    def stop_released(self, post: PostUnderTest, signed: set[tuple[str, int]]) -> int | None:
        """Stop a post once it has released what is `signed` for, by chain and number; return its exit code.

        No one but the post knows when it has taken the last receipts, and it tells by its outbox, when it has ended.
        """
        deadline = monotonic() + RELEASE_SECONDS
        wait = 1.0
        while True:
            sleep(wait)
            wait *= 2  # on a busy machine a post needs seconds to connect
            code = post.stop()
            left, _ = self.left(post)
            if code or monotonic() > deadline or not signed & {(left.chain, number) for number in left.numbers}:
                return code
            post.start()

    def left(self, post: PostUnderTest) -> tuple[LeftBehind, int]:
        """Return what a post that has ended still has of its open chain, and of how many other chains it has any."""
        with Outbox.of(config.load(post.folder / "post.toml").outbox) as outbox:
            chain, head = outbox.head.chain, outbox.head.sequence
            others = outbox.oldest_sent().keys() - {chain}
            return LeftBehind(outbox.present(range(1, head + 1)), chain), len(others)

    def _keys_of(self, custodian: str) -> Sequence[Path]:
        keys = self.fleet.keys(Purpose.CUSTODY, custodian)
        return [keys.verifying, *keys.former()]

    def _make(self) -> None:
        super()._make()
        self.wire = WireLog(
            self.fleet.subscriber(RECORDER),
            agency=AGENCY,
            broker=self.broker.address,
            path=self.directory / "wire.jsonl",
            context=self._context,
        )
        self._stack.callback(self.wire.close)
        for name in self._custodians:
            keeper = KeeperProcess(
                self.fleet,
                name,
                broker=self.broker.address,
                folder=self.directory / name,
                context=self._context,
            )
            self.keepers[name] = keeper
            self._stack.callback(keeper.kill)
            keeper.start()
        for keeper in self.keepers.values():
            keeper.wait_until_ready()
        for name, topics in _INTRUSIONS.items():
            with suppress(ProvisioningError):  # a broker that refuses them is the better one
                intruder = Connection(self.fleet.subscriber(name), broker=self.broker.address, topics=topics)
                self._stack.enter_context(intruder)
                self.intrusions += (name,)
        draw = Random(AGENCY)
        vehicles = [SeenVehicle(plate(draw), draw) for _ in range(VEHICLES)]
        for name in self._names:
            self._stack.callback(self._add(name, vehicles).close)

    def _add(self, name: str, vehicles: Sequence[SeenVehicle]) -> PostUnderTest:
        proxy = self.proxy()
        folder = self.add_post(name, through=(proxy,), **self._settings)
        post = PostUnderTest(
            Source(AGENCY, name),
            folder=folder,
            archive=self.directory / "wire.jsonl",
            proxy=proxy,
            vehicles=vehicles,
            step=self._step,
            context=self._context,
            rate=self.rate,
            missing_receipt_resend_seconds=self._left_out_seconds,
            covert=GROUP,
        )
        self.posts.append(post)
        return post
