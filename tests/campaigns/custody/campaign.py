"""The course of a custody campaign: kills while custodians come, go, and are restored, and a disk is set back."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic

from rich.console import Console

from platepost.common.signals import sleep
from platepost.department.custody.receipt_log import LostRange, ReceiptLog
from platepost.provisioning.control.keys.distribution import KeyDistributor, RotationRequest, RotationResult, Step
from platepost.provisioning.errors import ProvisioningError
from platepost.simulator.keeper.keeper import RECEIPTS, STORE
from platepost.wire.records import CustodianTerms, Purpose
from platepost.wire.records.signing import read_key
from tests.campaigns.campaign import Campaign
from tests.campaigns.command import Outcome
from tests.campaigns.custody.site import CUSTODIANS, RESTORED, CustodySite
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.keeper_process import KeeperProcess
from tests.campaigns.progress import ProgressDisplay

FIRST, SECOND = CUSTODIANS
WHO = "campaign"
ADOPTION_SECONDS = 30.0
"""So long posts may take to go by a statement."""
READY_SECONDS = 60.0
"""Until a post that was killed takes keys again."""
QUIET = 0.001
"""Records a second while the last receipts are awaited."""
RECEIPT_SECONDS = 90.0
"""For so long the last receipts are awaited."""
POSTS_KILLED = 0.15
"""Share of the kills that hit a post."""


@dataclass(frozen=True, kw_only=True)
class CustodyOutcome(Outcome):
    """What a campaign came to."""

    seed: int
    kills: int
    stored: int
    """Records that posts were told are stored."""
    receipts: int
    """Genuine ones on the wire."""
    ignored: int
    """Receipts of an epoch that was over."""
    renewed: tuple[str, ...]
    """Custodians by whose new keys genuine receipts came."""
    lost: tuple[str, ...]
    """What a restored custodian named as receipted and not held."""
    kept_back: int
    """Records that the post whose disk was taken back still has, as a custodian holds others of their numbers."""
    intrusions: tuple[str, ...]
    """Intruders that the broker let listen."""

    def show(self, console: Console) -> None:
        """Show the figures."""
        console.print(
            f"seed {self.seed}: {self.kills} kills in {self.seconds:.0f} s; {self.stored} records, "
            f"{self.receipts} receipts, {self.ignored} of an epoch that was over; intruders: "
            f"{', '.join(self.intrusions) or 'refused'}",
            highlight=False,
        )
        for gap in self.lost:
            console.print(f"named by the restored custodian as receipted, not held: {gap}", highlight=False)
        console.print(f"receipts by new keys: {', '.join(self.renewed) or 'none'}", highlight=False)
        console.print(f"{self.kept_back} records are kept back by the post whose disk was taken back", highlight=False)


class CustodyCampaign(Campaign[CustodySite, CustodyOutcome]):
    """Kills custodians and posts of a site, while custodians are added, renewed and restored."""

    def __init__(self, site: CustodySite, *, kills: int, seed: int, progress: ProgressDisplay) -> None:
        super().__init__(site, progress)
        self._kills = kills
        self._seed = seed
        self._draw = Random(seed)
        self._checker = site.checker()
        self._distributor = KeyDistributor(site.fleet, site.broker.address, who=WHO, on_act=lambda _act, _step: None)
        self._signed: dict[str, set[tuple[str, int]]] = {}
        """By post: chain and number of all that it had stored when the last receipts had come."""

    def inflict(self) -> None:
        """Inflict everything, await the last receipts, and end posts and keepers."""
        for post in self.site.posts:
            post.start()
        course: tuple[Callable[[], object], ...] = (
            self._require,
            self._back_up,
            partial(self._renew, FIRST),
            self.site.keepers[SECOND].stop,
            self.site.keepers[SECOND].start,
            partial(self._restore, FIRST),
            partial(self._retire, FIRST),
            partial(self._renew, SECOND),
            partial(self._restore, SECOND),
        )
        steps = {(place + 1) * self._kills // (len(course) + 1): step for place, step in enumerate(course)}
        for number in range(self._kills):
            if number in steps:
                steps[number]()
            self._kill()
            self._check()
            self.progress.show("kills", number + 1, self._kills)
        self._take_disk_back()
        self._settle()
        self._end()

    def judge(self) -> CustodyOutcome:
        """Judge by what the broker delivered, and by what is left on the posts."""
        lost, problems = self._lost(), self.problems
        kept_back = 0
        for post in self.site.posts:
            left, others = self.site.left(post)
            stored = [*post.stored.records()]
            if post.name == RESTORED:
                kept_back = len(left.numbers)
            elif unreleased := self._signed[post.name] & {(left.chain, number) for number in left.numbers}:
                problems.append(f"{post.name}: {len(unreleased)} records have all their receipts and are not released")
            elif others:
                problems.append(f"{post.name}: records of {others} covert chains are not released")
            if not self._checker.has_learned(post.name, SECOND):
                problems.append(f"{post.name} never said that it needs receipts of {SECOND}")
            problems += self._checker.judge(post.name, stored, required=CUSTODIANS, left=left, lost=lost)
        return CustodyOutcome(
            seed=self._seed,
            kills=self._kills,
            stored=sum(len(post.stored) for post in self.site.posts),
            receipts=self._checker.receipts,
            ignored=self._checker.ignored,
            renewed=self._checker.renewed,
            lost=tuple(map(str, lost)),
            kept_back=kept_back,
            intrusions=self.site.intrusions,
            problems=(*self._checker.problems, *problems),
            seconds=self.seconds,
        )

    # --- what happens

    def _kill(self) -> None:
        sleep(self._draw.uniform(0.0, 0.4))
        if self._draw.random() < POSTS_KILLED:
            victim: PostUnderTest | KeeperProcess = self._draw.choice(self.site.posts)
        else:
            victim = self._draw.choice([keeper for keeper in self.site.keepers.values() if keeper.running])
        victim.kill()
        sleep(self._draw.uniform(0.0, 0.2))
        victim.start()

    def _require(self) -> None:
        """Have posts need the second custodian too, by the root's word; it runs already."""
        terms = CustodianTerms(name=SECOND, groups=CUSTODIANS[SECOND], required=True)
        self._note(lambda: self._distributor.declare(terms, ADOPTION_SECONDS))

    def _renew(self, name: str) -> None:
        """Replace the key of a custodian, by its own word; then it signs with the new one."""
        self._note(lambda: self._distributor.distribute(_rotation(name, "replace")))
        key = read_key(self.site.fleet.keys(Purpose.CUSTODY, name).verifying.read_bytes())
        self._checker.learn_key(name, key)
        keeper = self.site.keepers[name]
        keeper.kill()
        keeper.start()

    def _retire(self, name: str) -> None:
        self._note(lambda: self._distributor.distribute(_rotation(name, "retire")))

    def _note(self, act: Callable[[], RotationResult]) -> None:
        """Do what an administrator does, who tries again where a post that was just killed is not ready for it."""
        deadline = monotonic() + READY_SECONDS
        while True:
            try:
                result = act()
                break
            except ProvisioningError:
                if monotonic() > deadline:
                    raise
                sleep(1.0)
        if result.behind:
            statement = result.done.number
            self._checker.problems.append(f"{', '.join(result.behind)} did not go by statement {statement}")

    def _back_up(self) -> None:
        for name, keeper in self.site.keepers.items():
            keeper.kill()
            shutil.copytree(
                keeper.folder,
                self._backup(name),
                ignore=lambda _, names: [each for each in names if not each.startswith(STORE)],
            )
            keeper.start()

    def _restore(self, name: str) -> None:
        """Bring the store back as it was; what it had receipted since is gone."""
        keeper = self.site.keepers[name]
        keeper.kill()
        for path in keeper.folder.glob(f"{STORE}*"):
            path.unlink()
        for path in self._backup(name).iterdir():
            shutil.copy(path, keeper.folder)
        keeper.start()

    def _backup(self, name: str) -> Path:
        return self.site.directory / f"backup-{name}"

    def _take_disk_back(self) -> None:
        """Give a post its disk of some time before; what it records from then on has numbers that were used."""
        post = next(post for post in self.site.posts if post.name == RESTORED)
        state, before = post.folder / "state", self.site.directory / "disk"
        post.stop()
        shutil.copytree(state, before)
        post.start()
        stored = len(post.stored)
        deadline = monotonic() + 10.0
        while len(post.stored) < stored + 5 and monotonic() < deadline:
            sleep(0.1)
        post.stop()
        shutil.rmtree(state)
        shutil.copytree(before, state)
        post.start()
        sleep(1.0)

    # --- the end

    def _check(self) -> None:
        for topic, body in self.site.wire.news():
            self._checker.feed(topic, body)

    def _settle(self) -> None:
        """Wait until each post has the receipts that it needs."""
        self.site.rate.value = QUIET
        for keeper in self.site.keepers.values():
            keeper.start()
        deadline = monotonic() + RECEIPT_SECONDS
        while (late := self._late()) and monotonic() < deadline:
            sleep(0.3)
            self._check()
        if late:
            self._checker.problems.append(f"{late} records have no receipt after {RECEIPT_SECONDS:.0f} s")
        for post in self.site.posts:
            self._signed[post.name] = {(one.chain, one.sequence) for one in post.stored.records()}

    def _end(self) -> None:
        """End posts and keepers; what posts say of their end they take along."""
        expected = {name: set() if name == RESTORED else records for name, records in self._signed.items()}
        ended = {post.name: self.site.stop_released(post, expected[post.name]) for post in self.site.posts}
        ended |= {f"keeper {name}": keeper.stop() for name, keeper in self.site.keepers.items()}
        self._check()
        self.problems += [f"{name} ended with exit code {code}" for name, code in ended.items() if code]

    def _late(self) -> int:
        named = {(gap.post, gap.chain, number) for gap in self._lost() for number in range(gap.first, gap.last + 1)}
        return sum(
            self._checker.lacking(
                post.name,
                (one for one in post.stored.records() if (post.name, one.chain, one.sequence) not in named),
                CUSTODIANS,
            )
            for post in self.site.posts
            if post.name != RESTORED
        )

    def _lost(self) -> tuple[LostRange, ...]:
        return tuple(gap for name in CUSTODIANS for gap in named_incidents(self.site.keepers[name].folder / RECEIPTS))


def _rotation(name: str, step: Step) -> RotationRequest:
    return RotationRequest(
        purpose=Purpose.CUSTODY,
        step=step,
        vouch="key",
        overlap=None,
        seconds=ADOPTION_SECONDS,
        anyway=False,
        custodian=name,
    )


def named_incidents(path: Path) -> tuple[LostRange, ...]:
    """Return what a custodian named as receipted and not held, from a copy of its log of receipts."""
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    with ReceiptLog(copy) as log:
        return log.incidents
