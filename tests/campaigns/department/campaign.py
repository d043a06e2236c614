"""The course of a run: records come while keeper, broker and database fail, and at the end a checker judges."""

import json
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic

from rich.console import Console
from rich.table import Table

from platepost.common.errors import PlatepostError
from platepost.common.signals import sleep
from platepost.simulator.processes import results
from platepost.wire.records.signing import read_key
from tests.campaigns.campaign import Campaign
from tests.campaigns.command import Outcome
from tests.campaigns.custody.wire import messages_of
from tests.campaigns.department.checker import DepartmentChecker
from tests.campaigns.department.disturbances import DISTURBANCES, DisturbanceCounts, drawn_course
from tests.campaigns.department.oddities import Oddity
from tests.campaigns.department.plan import Plan
from tests.campaigns.department.publisher import PublisherCount, PublisherStage
from tests.campaigns.department.site import DepartmentSite
from tests.campaigns.department.stated import CustodyStatement
from tests.campaigns.progress import ProgressDisplay

SAMPLE_SECONDS = 2.0
STUCK_SECONDS = 180.0
"""After which a run ends in which nothing is receipted any more."""
SERIES_ROWS = 12
"""Moments of a run that are shown."""
_CHECK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class DepartmentSample:
    """How far a run was at one moment."""

    seconds: float
    receipted: int
    """Records made and deleted by their posts."""
    keeper_megabytes: float | None
    """Resident memory of the keeper; None while it was away."""


@dataclass(frozen=True, kw_only=True)
class DepartmentOutcome(Outcome):
    """What a run came to."""

    seed: int
    records: int
    """That were sent, odd ones included, each counted once."""
    receipts: int
    inflicted: dict[str, int]
    """How often each disturbance came."""
    not_inflicted: dict[str, str]
    """Disturbances that could not be, and why."""
    verdicts: dict[str, int]
    """Records of each verdict, as planned."""
    rate: float
    """Records a second that were receipted, from the first to the last, everything that failed included."""
    rate_median: float
    """The median of what was receipted in a second, over the seconds between two samples with a keeper."""
    keeper_megabytes: tuple[float, float]
    """The most memory that the keeper had in the first quarter of the run, and in the last."""
    samples: tuple[DepartmentSample, ...]

    def show(self, console: Console) -> None:
        """Show the run moment by moment, what was sent, and how fast it was receipted."""
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        inflicted = ", ".join(f"{name}: {count}" for name, count in sorted(self.inflicted.items()))
        table = Table(title="The run, moment by moment", title_justify="left")
        for name in ("seconds", "records receipted", "keeper, MB"):
            table.add_column(name, justify="right")
        for sample in self.samples[:: max(1, -(-len(self.samples) // SERIES_ROWS))]:
            table.add_row(str(sample.seconds), str(sample.receipted), str(sample.keeper_megabytes or "away"))
        console.print(table)
        console.print(
            f"seed {self.seed}: {self.records} records in {self.seconds:.0f} s ({verdicts}), each oddity of "
            f"{len(Oddity)} kinds; {self.receipts} receipts; {inflicted or 'undisturbed'}",
            highlight=False,
        )
        for name, why in self.not_inflicted.items():
            console.print(f"not inflicted: {name}: {why}", style="yellow", highlight=False)
        console.print(
            f"{self.rate:.0f} records/s receipted with all that failed, {self.rate_median:.0f} in the median second; "
            f"keeper's memory {self.keeper_megabytes[0]:.0f} MB in the first quarter, {self.keeper_megabytes[1]:.0f} "
            "in the last",
            highlight=False,
        )


class DepartmentCampaign(Campaign[DepartmentSite, DepartmentOutcome]):
    """One run on a site that is open."""

    def __init__(
        self,
        site: DepartmentSite,
        *,
        records: int,
        seed: int,
        counts: DisturbanceCounts,
        odd: int,
        window: int,
        progress: ProgressDisplay,
    ) -> None:
        """Draw the course.

        Args:
            site: where.
            records: how many there are to be.
            seed: what the course and the plan depend on.
            counts: how often each disturbance is to come.
            odd: records of each oddity.
            window: records that may lack their receipt at a time.
            progress: where it is shown how far the run is.

        """
        super().__init__(site, progress)
        self._records, self._seed = records, seed
        self._odd, self._window = odd, window
        self._draw = Random(seed)
        self._not_inflicted = {}
        if counts.fills and site.namespaces.no_mounts:
            self._not_inflicted["database's disk full"] = site.namespaces.no_mounts
        course = drawn_course(self._draw, counts, records=records)
        self._course = [step for step in course if step[1] not in self._not_inflicted]
        self._inflicted: Counter[str] = Counter()
        self._samples: list[DepartmentSample] = []

    def inflict(self) -> None:
        """Let records come, inflict the course, and end the keeper."""
        with self.site.publisher(records=self._records, odd=self._odd, window=self._window, seed=self._seed):
            self._publish()
        self._show("the keeper ends", self._records)
        code = self.site.department.stop()
        if code:
            self.problems.append(f"the keeper ended with exit code {code}")

    def judge(self) -> DepartmentOutcome:
        """Judge by the plan, the receipts, and what the department's own commands report."""
        self._show("the department verifies its custody", self._records)
        receipts, found = self._check()
        plan = Plan.load(self.site.plan)
        total: Counter[str] = Counter()
        for post in plan.posts:
            total.update(plan.verdicts(post))
        first, last = self._rates()
        return DepartmentOutcome(
            seed=self._seed,
            records=plan.records,
            receipts=receipts,
            inflicted=dict(self._inflicted),
            not_inflicted=self._not_inflicted,
            verdicts=dict(total),
            rate=round(first, 1),
            rate_median=round(last, 1),
            keeper_megabytes=self._memory(),
            samples=tuple(self._samples),
            problems=(*self.problems, *found),
            seconds=self.seconds,
        )

    # --- what happens

    def _show(self, what: str, receipted: int) -> None:
        more = f"{receipted} of {self._records} records receipted"
        self.progress.show(what, receipted, self._records, more)

    def _publish(self) -> None:
        course = iter([*self._course, (self._records + 1, "")])
        due, name = next(course)
        sampled, moved, before = self.began, monotonic(), -1
        while self._count(PublisherCount.STAGE) != PublisherStage.DONE:
            sleep(_CHECK_SECONDS)
            self._restart_ended("undisturbed")
            receipted = self._receipted()
            if receipted != before:
                if before <= 0 < receipted:
                    self._sample(receipted)  # a keeper that has just answered has loaded all it needs
                moved, before = monotonic(), receipted
            elif monotonic() - moved > STUCK_SECONDS:
                self.problems.append(f"nothing was receipted for {STUCK_SECONDS:.0f} s")
                return
            if monotonic() - sampled >= SAMPLE_SECONDS:
                sampled = monotonic()
                self._sample(receipted)
            self._show(f"{sum(self._inflicted.values())} of {len(self._course)} disturbances", receipted)
            if receipted >= due:
                self._inflict(name)
                due, name = next(course)
                moved = monotonic()
        self._sample(self._receipted())

    def _sample(self, receipted: int) -> None:
        seconds = round(monotonic() - self.began, 1)
        self._samples.append(DepartmentSample(seconds, receipted, self._resident()))

    def _inflict(self, name: str) -> None:
        self._show(name, self._receipted())
        try:
            DISTURBANCES[name](self.site, self._draw)
        except PlatepostError as error:
            self.problems.append(f"{name}: {error}")
        self._inflicted[name] += 1
        self._restart_ended(name)

    def _restart_ended(self, name: str) -> None:
        if not self.site.department.running:
            self.problems.append(f"{name}: the keeper ended by itself: {self.site.department.log_tail()}")
            self.site.department.start()

    def _count(self, which: PublisherCount) -> int:
        return int(self.site.counts[which])

    def _receipted(self) -> int:
        return self._count(PublisherCount.MADE) - self._count(PublisherCount.HELD)

    def _resident(self) -> float | None:
        pid = self.site.department.pid
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        except (OSError, IndexError):
            return None
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

    # --- what came of it

    def _check(self) -> tuple[int, list[str]]:
        """Have a process judge that has nothing but the plan, the receipts, and what the department says."""
        department, stated = self.site.department, self.site.directory / "stated.json"
        statement = {"status": department.run_json("status"), "verified": department.run_json("verify", allowed=(0, 1))}
        stated.write_text(json.dumps(statement), encoding="utf-8")
        given = (self.site.plan, self.site.wire_log, self.site.custodian_key, self.site.late, stated)
        try:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                return next(results(pool, [pool.submit(check, *given)]))
        except BrokenProcessPool:
            return 0, ["the checker ended by itself"]

    def _rates(self) -> tuple[float, float]:
        pairs = list(zip(self._samples, self._samples[1:], strict=False))
        if not pairs:
            return 0.0, 0.0
        first, last = self._samples[0], self._samples[-1]
        rates = [
            (after.receipted - before.receipted) / (after.seconds - before.seconds)
            for before, after in pairs
            if None not in (before.keeper_megabytes, after.keeper_megabytes) and after.seconds > before.seconds
        ]
        whole = (last.receipted - first.receipted) / max(last.seconds - first.seconds, SAMPLE_SECONDS)
        return whole, median(rates) if rates else 0.0

    def _memory(self) -> tuple[float, float]:
        part = max(1, len(self._samples) // 4)
        most = [
            max((each.keeper_megabytes or 0.0 for each in found), default=0.0)
            for found in (self._samples[:part], self._samples[-part:])
        ]
        return most[0], most[1]


def check(plan: Path, wire_log: Path, key: Path, late: str, stated: Path) -> tuple[int, list[str]]:
    """Be the checker in this process; return how many receipts there were, and what is wrong."""
    checker = DepartmentChecker(Plan.load(plan), read_key(key.read_bytes()), late=[late])
    for topic, body, _ in messages_of(wire_log):
        checker.hear(topic, body)
    statement = json.loads(stated.read_text("utf-8"))
    return checker.receipts, checker.judge(CustodyStatement.read(statement["status"], statement["verified"]))
