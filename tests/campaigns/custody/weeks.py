"""A custodian that is away for weeks while a post reads: what fits waits, what does not is named, and all comes after.

The post's clock runs ahead with every record, so that a week passes as fast as the disk takes its records.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from rich.console import Console

from platepost.common.errors import RecordError
from platepost.common.signals import sleep
from platepost.wire.faults import Fault
from platepost.wire.records import Audit, Read, Status
from platepost.wire.records.canonical import parse
from platepost.wire.records.envelope import TYPES
from tests.campaigns.campaign import Campaign
from tests.campaigns.command import Outcome
from tests.campaigns.custody.checker import CustodyChecker
from tests.campaigns.custody.site import GROUP, CustodySite
from tests.campaigns.faults.killable_post import HITS, LEFT_OUT_SECONDS
from tests.campaigns.faults.post_under_test import PostUnderTest
from tests.campaigns.faults.storage_log import LoggedRecord
from tests.campaigns.progress import ProgressDisplay

KEEPER, POST = "records", "alone"
CUSTODIAN = {KEEPER: (GROUP,)}
DAY = 24 * 3600.0
DAYS = 7
FAST = 2000.0
"""Records a second, or as many as the machine makes."""
AFTERWARDS = 2.0
"""Records a second once the custodian is back, so that the post's clock goes on."""
QUIET = 0.001
KEPT_AT_LEAST = 1000.0
"""Records a second that a custodian keeps on its return, about."""
SAVE_SECONDS = 60
"""Of the broker, which no one kills: with a full queue it would write 256 MiB every other second, and take nothing."""
BEFORE = 50
"""Records before the custodian goes."""
CATCH_UP_SECONDS = 1200.0
_CHECK_SECONDS = 0.5


def step_seconds(reads_a_day: float) -> float:
    """Return by how much the clock has to run ahead with every record for so many reads a day."""
    return DAY * (1 - HITS) / reads_a_day


def missing_receipt_resend_seconds(reads_a_day: float) -> float:
    """Return the seconds after which a post sends what a receipt leaves out again.

    Sooner than a week's records are kept, each would be sent again before a receipt can come. Posts have five minutes.
    """
    return max(LEFT_OUT_SECONDS, reads_a_day * DAYS / KEPT_AT_LEAST)


@dataclass(frozen=True, slots=True)
class Week:
    """How things stood at the end of a week without the custodian."""

    records: int
    """That the post was told are stored, since its first."""
    megabytes: float
    """What its outbox takes on the disk."""
    pictures: int
    """Of reads, named as dropped so far."""
    reads: int
    """Named as dropped so far."""
    seconds: float
    """That the week took."""


@dataclass(frozen=True, kw_only=True)
class WeeksOutcome(Outcome):
    """What came of the weeks."""

    weeks: tuple[Week, ...]
    stored: int
    """Records that the post was told are stored."""
    hits: int
    """Hits among them."""
    pictures: int
    """Of reads, named as dropped."""
    reads: int
    """Named as dropped."""
    bare: int
    """Reads that came without their picture at last."""
    behind: str
    """What the status said of custody when it was behind."""
    catch_up_seconds: float
    """From the custodian's return until the last of what had waited was receipted."""
    receipts: int

    def show(self, console: Console) -> None:
        """Show how things stood at the end of each week, and what came of all records."""
        for number, week in enumerate(self.weeks, 1):
            console.print(
                f"week {number}, in {week.seconds:.0f} s: {week.records} records, outbox {week.megabytes} MB; named as "
                f"dropped: {week.pictures} reads' pictures, {week.reads} reads",
                highlight=False,
            )
        console.print(f"the status said: {self.behind}", highlight=False, markup=False)
        console.print(
            f"{self.stored} records, {self.hits} of them hits; {self.receipts} receipts; the custodian had all "
            f"{self.catch_up_seconds:.0f} s after its return; {self.pictures} pictures and {self.reads} reads are "
            f"named as dropped, {self.bare} reads came without their picture",
            highlight=False,
        )


@dataclass(slots=True)
class _PostOnTheWire:
    """What the post has sent."""

    pictures: int = 0
    reads: int = 0
    out_of_order: bool = False
    """Whether more reads were named as dropped than had lost their pictures before."""
    accounts: set[str] = field(default_factory=set)
    whole: dict[tuple[str, int], bool] = field(default_factory=dict)
    """Of each read: whether it came with its picture the last time."""
    behind: str = ""
    in_trouble: bool = False
    """Whether custody is behind by the last status."""

    def hear(self, body: bytes) -> None:
        """Take one message."""
        try:
            event = parse(body)
        except RecordError:
            return
        if event.get("sequence") is None:
            return
        data = event["data"]
        if event["type"] == TYPES[Read]:
            self.whole[event["chain"], event["sequence"]] = all("data" in picture for picture in data["pictures"])
        elif event["type"] == TYPES[Status]:
            behind = [reason for reason in data.get("reasons", ()) if reason["name"] == Fault.CUSTODY_BEHIND]
            self.in_trouble = bool(behind)
            self.behind = self.behind or "".join(reason["message"] for reason in behind)
        elif event["type"] == TYPES[Audit] and data.get("dropped") and event["id"] not in self.accounts:
            self.accounts.add(event["id"])
            self.pictures += data["dropped"]["pictures"]
            self.reads += data["dropped"]["reads"]
            self.out_of_order |= self.reads > self.pictures


class WeeksCampaign(Campaign[CustodySite, WeeksOutcome]):
    """Sends the custodian of a site's one post away for weeks, and calls it back."""

    def __init__(
        self, site: CustodySite, *, weeks: int, reads_a_day: float, seed: int, progress: ProgressDisplay
    ) -> None:
        super().__init__(site, progress)
        self._count = weeks
        self._records = round(reads_a_day * DAYS / (1 - HITS))
        self._draw = Random(seed)
        self._checker: CustodyChecker = site.checker()
        self._wire = _PostOnTheWire()
        self._weeks: list[Week] = []
        self._caught_up = 0.0

    def inflict(self) -> None:
        """Let the weeks pass, and have all that they left receipted."""
        (post,) = self.site.posts
        post.start()
        self._await_stored(post, BEFORE)
        self.site.keepers[KEEPER].stop()
        for number in range(1, self._count + 1):
            self._weeks.append(self._week(post, number))
        self._caught_up = self._return(post)
        self._end(post)

    def judge(self) -> WeeksOutcome:
        """Judge by what was on the wire, and by what the post has left."""
        (post,) = self.site.posts
        bare = sum(not whole for whole in self._wire.whole.values())
        self._judge(bare)
        return WeeksOutcome(
            weeks=tuple(self._weeks),
            stored=len(post.stored),
            hits=sum(record.type.startswith("platepost.hit.") for record in post.stored.records()),
            pictures=self._wire.pictures,
            reads=self._wire.reads,
            bare=bare,
            behind=self._wire.behind,
            catch_up_seconds=self._caught_up,
            receipts=self._checker.receipts,
            problems=(*self._checker.problems, *self.problems),
            seconds=self.seconds,
        )

    # --- what happens

    def _week(self, post: PostUnderTest, number: int) -> Week:
        """Let a week pass; once, at some time of it, the power fails."""
        began = monotonic()
        start = BEFORE + (number - 1) * self._records
        self._await_stored(post, start + int(self._records * self._draw.uniform(0.1, 0.9)))
        post.kill()
        post.start()
        self._await_stored(post, start + self._records)
        size = 0
        for path in (post.folder / "state").glob("outbox.db*"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
        self._check()
        return Week(len(post.stored), round(size / 1e6, 1), self._wire.pictures, self._wire.reads, monotonic() - began)

    def _return(self, post: PostUnderTest) -> float:
        """Call the custodian back; return how long it took until what had waited was receipted."""
        self.site.rate.value = AFTERWARDS
        sleep(_CHECK_SECONDS)
        waited = post.stored.records()
        began = monotonic()
        self.site.keepers[KEEPER].start()
        caught_up = self._await_receipts(post, waited, began)
        while self._wire.in_trouble and monotonic() - began < CATCH_UP_SECONDS:
            sleep(_CHECK_SECONDS)
            self._check()
        if self._wire.in_trouble:
            self.problems.append("custody is behind although every record has its receipt")
        return caught_up

    def _await_receipts(self, post: PostUnderTest, waited: tuple[LoggedRecord, ...], began: float) -> float:
        while late := self._checker.lacking(post.name, waited, CUSTODIAN):
            if monotonic() - began > CATCH_UP_SECONDS:
                self.problems.append(f"{late} records have no receipt after {CATCH_UP_SECONDS:.0f} s")
                break
            sleep(_CHECK_SECONDS)
            self._check()
        return monotonic() - began

    def _end(self, post: PostUnderTest) -> None:
        self.site.rate.value = QUIET
        sleep(2 / AFTERWARDS)
        self._await_receipts(post, post.stored.records(), monotonic())
        signed = {(record.chain, record.sequence) for record in post.stored.records()}
        ended = {
            post.name: self.site.stop_released(post, signed),
            f"keeper {KEEPER}": self.site.keepers[KEEPER].stop(),
        }
        self.problems += [f"{name} ended with exit code {code}" for name, code in ended.items() if code]
        self._check()
        left, others = self.site.left(post)
        if unreleased := signed & {(left.chain, number) for number in left.numbers}:
            self.problems.append(f"{len(unreleased)} records have their receipt and are not released")
        if others:
            self.problems.append(f"records of {others} covert chains are not released")
        self.problems += self._checker.judge(post.name, post.stored.records(), required=CUSTODIAN, left=left)

    def _judge(self, bare: int) -> None:
        if bare > self._wire.pictures:
            self.problems.append(f"{bare} reads came without their picture, and {self._wire.pictures} are named")
        if self._wire.out_of_order:
            self.problems.append("reads were dropped while others had their pictures")
        if not self._wire.behind:
            self.problems.append("the status never said that custody is behind")

    def _await_stored(self, post: PostUnderTest, records: int) -> None:
        while len(post.stored) < records:
            sleep(_CHECK_SECONDS / 10)
            self._check()
            more = f"{len(post.stored)} records"
            self.progress.show("weeks without the custodian", len(self._weeks), self._count, more)

    def _check(self) -> None:
        for topic, body in self.site.wire.news():
            self._checker.feed(topic, body)
            if topic.split("/")[4] != "receipt":
                self._wire.hear(body)
