"""A custodian that is away for weeks while a post reads: what fits waits, what does not is named, and all comes after.

The post's clock runs ahead with every record, so that a week passes as fast as the disk takes its records.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from platepost.common.errors import RecordError
from platepost.common.signals import sleep
from platepost.simulator.lab.custody.checker import CustodyChecker
from platepost.simulator.lab.custody.site import GROUP, CustodySite
from platepost.simulator.lab.faults.killable_post import HITS, LEFT_OUT_SECONDS
from platepost.simulator.lab.faults.post_under_test import PostUnderTest
from platepost.simulator.lab.faults.storage_log import LoggedRecord
from platepost.wire.faults import Fault
from platepost.wire.records import Audit, Read, Status
from platepost.wire.records.canonical import parse
from platepost.wire.records.envelope import TYPES

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
"""Of the broker, which nobody kills: with a full queue it would write 256 MiB every other second, and take nothing."""
BEFORE = 50
"""Records before the custodian goes."""
CATCH_UP_SECONDS = 1200.0
_CHECK_SECONDS = 0.5


def step_seconds(reads_a_day: float) -> float:
    """Return by how much the clock has to run ahead with every record for so many reads a day."""
    return DAY * (1 - HITS) / reads_a_day


def left_out_seconds(reads_a_day: float) -> float:
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


@dataclass(frozen=True, slots=True)
class WeeksOutcome:
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
    problems: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class _Said:
    """What the post has said on the wire."""

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


class WeeksCampaign:
    """Sends the custodian of a site's one post away for weeks, and calls it back."""

    def __init__(self, site: CustodySite, *, weeks: int, reads_a_day: float, progress: Callable[[int], object]) -> None:
        self._site = site
        self._weeks = weeks
        self._records = round(reads_a_day * DAYS / (1 - HITS))
        self._progress = progress
        self._checker: CustodyChecker = site.checker()
        self._said = _Said()
        self._problems: list[str] = []

    def run(self) -> WeeksOutcome:
        """Let the weeks pass, have all that they left receipted, and judge."""
        began = monotonic()
        (post,) = self._site.posts
        post.start()
        self._await_stored(post, BEFORE)
        self._site.keepers[KEEPER].stop()
        weeks = tuple(self._week(post, number) for number in range(1, self._weeks + 1))
        caught_up = self._return(post)
        self._end(post)
        bare = sum(not whole for whole in self._said.whole.values())
        self._judge(bare)
        return WeeksOutcome(
            weeks=weeks,
            stored=len(post.stored),
            hits=sum(record.type.startswith("platepost.hit.") for record in post.stored.records()),
            pictures=self._said.pictures,
            reads=self._said.reads,
            bare=bare,
            behind=self._said.behind,
            catch_up_seconds=caught_up,
            receipts=self._checker.receipts,
            problems=(*self._checker.problems, *self._problems),
            seconds=monotonic() - began,
        )

    # --- what happens

    def _week(self, post: PostUnderTest, number: int) -> Week:
        """Let a week pass; in its midst the power fails once."""
        began = monotonic()
        start = BEFORE + (number - 1) * self._records
        self._await_stored(post, start + self._records // 2)
        post.kill()
        post.start()
        self._await_stored(post, start + self._records)
        size = 0
        for path in (post.folder / "state").glob("outbox.db*"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
        self._check()
        return Week(len(post.stored), round(size / 1e6, 1), self._said.pictures, self._said.reads, monotonic() - began)

    def _return(self, post: PostUnderTest) -> float:
        """Call the custodian back; return how long it took until what had waited was receipted."""
        self._site.rate.value = AFTERWARDS
        sleep(_CHECK_SECONDS)
        waited = post.stored.records()
        began = monotonic()
        self._site.keepers[KEEPER].start()
        caught_up = self._await_receipts(post, waited, began)
        while self._said.in_trouble and monotonic() - began < CATCH_UP_SECONDS:
            sleep(_CHECK_SECONDS)
            self._check()
        if self._said.in_trouble:
            self._problems.append("custody is behind although every record has its receipt")
        return caught_up

    def _await_receipts(self, post: PostUnderTest, waited: tuple[LoggedRecord, ...], began: float) -> float:
        while late := self._checker.lacking(post.name, waited, CUSTODIAN):
            if monotonic() - began > CATCH_UP_SECONDS:
                self._problems.append(f"{late} records have no receipt after {CATCH_UP_SECONDS:.0f} s")
                break
            sleep(_CHECK_SECONDS)
            self._check()
        return monotonic() - began

    def _end(self, post: PostUnderTest) -> None:
        self._site.rate.value = QUIET
        sleep(2 / AFTERWARDS)
        self._await_receipts(post, post.stored.records(), monotonic())
        signed = {(record.chain, record.sequence) for record in post.stored.records()}
        ended = {
            post.name: self._site.stop_released(post, signed),
            f"keeper {KEEPER}": self._site.keepers[KEEPER].stop(),
        }
        self._problems += [f"{name} ended with exit code {code}" for name, code in ended.items() if code]
        self._check()
        left, others = self._site.left(post)
        if unreleased := signed & {(left.chain, number) for number in left.numbers}:
            self._problems.append(f"{len(unreleased)} records have their receipt and are not released")
        if others:
            self._problems.append(f"records of {others} covert chains are not released")
        self._problems += self._checker.judge(post.name, post.stored.records(), required=CUSTODIAN, left=left)

    def _judge(self, bare: int) -> None:
        if bare > self._said.pictures:
            self._problems.append(f"{bare} reads came without their picture, and {self._said.pictures} are named")
        if self._said.out_of_order:
            self._problems.append("reads were dropped while others had their pictures")
        if not self._said.behind:
            self._problems.append("the status never said that custody is behind")

    def _await_stored(self, post: PostUnderTest, records: int) -> None:
        while len(post.stored) < records:
            sleep(_CHECK_SECONDS / 10)
            self._check()
            self._progress(len(post.stored))

    def _check(self) -> None:
        for topic, body in self._site.wire.news():
            self._checker.feed(topic, body)
            if topic.split("/")[4] != "receipt":
                self._said.hear(body)
