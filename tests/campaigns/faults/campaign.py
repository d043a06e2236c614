"""The course of a campaign: every post gets its own faults one after another, and some hit all of them at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic

from platepost.common.signals import check, sleep
from tests.campaigns.campaign import Campaign
from tests.campaigns.faults.catalogue import CATALOGUE, plan
from tests.campaigns.faults.cluster import NAMES, cluster_absent, trouble_cluster
from tests.campaigns.faults.extent import Extent
from tests.campaigns.faults.injection import Injection, pause
from tests.campaigns.faults.judge import Ruling
from tests.campaigns.faults.killable_post import EXIT_OUTBOX
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.result import CampaignResult, Injected, problems_of
from tests.campaigns.faults.site import CampaignSite
from tests.campaigns.faults.week import NAME as WEEK
from tests.campaigns.faults.week import add_week, spend_week
from tests.campaigns.faults.whole import run_whole
from tests.campaigns.progress import ProgressDisplay

RECOVERY_SECONDS = 90.0
"""A post that delivers nothing new for so long after a fault has ended has not recovered."""
IMPATIENT = 0.2
"""Share of the faults after which the next one strikes without waiting for recovery."""
DELIVERY_SECONDS = 120.0
"""What the last records may take to the department, once nothing is at work any more."""
QUIET = 0.01
"""Records a second of a post that only delivers any more."""
WEEK_RATE = 20.0
SLOW_RATE = 2.0
AHEAD = 400
"""Records that the posts may be ahead of the faults."""


class FaultCampaign(Campaign[CampaignSite, CampaignResult]):
    """Inflicts the faults of a plan on a site."""

    def __init__(self, site: CampaignSite, extent: Extent, progress: ProgressDisplay) -> None:
        super().__init__(site, progress)
        self._extent = extent
        self._injected: list[Injected] = []
        self._absent: dict[str, str] = {}
        self._beside_rulings: tuple[Ruling, ...] = ()
        self._stage = "starting"
        self._failed: BaseException | None = None

    def inflict(self) -> None:
        """Inflict everything, and let the posts deliver.

        Raises:
            CampaignError: it could not go on.
            BrokerError: the broker did not come back.

        """
        for kind in CATALOGUE:
            check()  # to ask the machine may take seconds
            if (why := kind.unavailable(self.site)) is not None:
                self._absent[kind.name] = why
        present = [kind for kind in CATALOGUE if kind.name not in self._absent]
        extent = self._extent
        own, broad = plan(present, count=extent.faults, posts=extent.posts, seed=extent.seed)
        week = add_week(self.site, records=extent.week, rate=WEEK_RATE) if extent.week else None
        self._storm(own, broad, week)
        self._beside_rulings = self._beside()
        self._settle()

    def judge(self) -> CampaignResult:
        """Judge every post by its storage log, and by what arrived."""
        self._say("judging")
        rulings = (*self.site.rulings(), *self._beside_rulings)
        return CampaignResult(
            injected=tuple(self._injected),
            absent=self._absent,
            rulings=rulings,
            problems=(*self.problems, *problems_of(rulings)),
            broker_ends=tuple(self.site.broker_ends),
            seconds=self.seconds,
            seed=self._extent.seed,
        )

    # --- the stages

    def _storm(
        self, own: Sequence[Sequence[Injection]], broad: Sequence[Injection], week: PostUnderTest | None
    ) -> None:
        self._say("first records")
        deadline = monotonic() + RECOVERY_SECONDS
        while not all(len(post.stored) for post in self.site.posts if post is not week) and monotonic() < deadline:
            sleep(0.1)
        self._say("faults")
        due = sum(map(len, own))
        with ThreadPoolExecutor(len(own) + 2) as pool:
            work = [
                pool.submit(self._guard, self._disturb, post, injections, number)
                for number, (post, injections) in enumerate(zip(self.site.posts, own, strict=False))
            ]
            work.append(pool.submit(self._guard, self._disturb_all, broad, due))
            if week is not None:
                work.append(pool.submit(self._guard, self._spend_week, week))
            try:
                while not all(task.done() for task in work):
                    sleep(0.5)
                    self._check()
                    self._pace(due + len(broad))
            except BaseException as error:
                self._failed = error
                raise
        self.site.rate.value = self._extent.rate
        if self._failed is not None:
            raise self._failed
        while self.site.stored() < self._extent.records:
            sleep(0.5)
            self._check()

    def _beside(self) -> tuple[Ruling, ...]:
        """Trouble a whole post, and a cluster."""
        self.site.rate.value = SLOW_RATE
        extent, rulings = self._extent, []
        if extent.whole:
            self._say("whole posts")
            draw = Random(f"{extent.seed}/whole")
            ruling, problems = run_whole(self.site, kills=extent.whole, draw=draw, account=self._note)
            rulings.append(ruling)
            self.problems += problems
        if extent.nodes:
            why = cluster_absent()
            if why is not None:
                self._absent |= dict.fromkeys(NAMES.values(), why)
            else:
                self._say("RabbitMQ cluster")
                draw = Random(f"{extent.seed}/cluster")
                self.problems += trouble_cluster(
                    self.site, faults=extent.nodes, draw=draw, account=self._note, look=self._check
                )
        return tuple(rulings)

    def _spend_week(self, post: PostUnderTest) -> None:
        draw = Random(f"{self._extent.seed}/week")
        spend_week(
            post,
            records=self._extent.week,
            draw=draw,
            account=self._note,
            given_up=lambda: self._failed is not None,
        )
        if any(done.name == WEEK and done.recovery is None for done in self._injected):
            self.problems.append("what a week had left was not delivered in time")

    def _settle(self) -> None:
        self._say("delivering what waits")
        for post in self.site.posts:
            post.rate.value = QUIET
        # What a killed broker took along is sent again by a post that runs: none stops before its custodian has it all.
        self._await_arrivals()
        with ThreadPoolExecutor(len(self.site.posts)) as pool:
            codes = dict(zip(self.site.posts, pool.map(PostUnderTest.stop, self.site.posts), strict=True))
        self.problems += [f"{post.name} ended with exit code {code}" for post, code in codes.items() if code]
        self._await_arrivals()

    def _await_arrivals(self) -> None:
        deadline = monotonic() + DELIVERY_SECONDS
        while self.site.missing() and monotonic() < deadline:
            sleep(0.5)
            self._check()

    # --- the faults

    def _disturb(self, post: PostUnderTest, injections: Sequence[Injection], number: int) -> None:
        draw = Random(f"{self._extent.seed}/{number}")
        for injection in injections:
            if self._failed is not None:
                return
            pause(draw.uniform(0, 0.4))
            injection.strike(self.site, post, draw)
            ended = monotonic()
            wait = draw.random() >= IMPATIENT
            self._account(injection, post, self._recovery([post], ended) if wait else None, waited=wait)
            if not post.running:
                self._supervise(post, injection)

    def _supervise(self, post: PostUnderTest, injection: Injection) -> None:
        """Start a post that has ended by itself again, as systemd does; only a missing outbox may end it."""
        code = post.stop()
        if code != EXIT_OUTBOX:
            self.problems.append(f"{post.name} ended by itself, exit code {code}, at {injection.name!r}")
        post.start()

    def _disturb_all(self, injections: Sequence[Injection], others: int) -> None:
        draw = Random(f"{self._extent.seed}/all")
        for number, injection in enumerate(injections, start=1):
            while len(self._injected) < number * others / (len(injections) + 1):
                if self._failed is not None:
                    return
                sleep(0.1)
            injection.strike(self.site, self.site.posts[0], draw)
            self._account(injection, None, self._recovery(self.site.posts, monotonic()), waited=True)

    def _recovery(self, posts: Sequence[PostUnderTest], since: float) -> float | None:
        """Return the seconds until the department had something new of one of `posts`."""
        while monotonic() - since < RECOVERY_SECONDS:
            for post in posts:
                news = post.await_news(since, timeout=1.0 / len(posts))
                if news is not None:
                    return news - since
            if self._failed is not None:
                break
        return None

    def _account(
        self, injection: Injection, post: PostUnderTest | None, recovery: float | None, *, waited: bool
    ) -> None:
        self._note(Injected(injection.name, post.name if post else None, recovery))
        if waited and recovery is None and self._failed is None:
            whom = post.name if post else "no post"
            self.problems.append(f"{whom}: nothing new {RECOVERY_SECONDS:.0f} s after {injection.name!r} had ended")

    def _note(self, injected: Injected) -> None:
        self._injected.append(injected)

    def _guard(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except BaseException as error:
            if self._failed is None:
                self._failed = error
            raise

    # --- progress

    def _say(self, stage: str) -> None:
        self._stage = stage
        self._check()

    def _pace(self, faults: int) -> None:
        """Let the posts make only as many records as the faults so far call for: a busy machine needs its time."""
        due = AHEAD + self._extent.records * len(self._injected) / faults
        self.site.rate.value = self._extent.rate if self.site.stored() < due else SLOW_RATE

    def _check(self) -> None:
        done = len(self._injected)
        more = f"{done} faults, {self.site.stored()} records, {self.site.missing()} under way"
        self.progress.show(self._stage, done, self._extent.faults, more)
