"""The course of a run: records come while keeper, broker and database fail, and at the end a checker judges."""

import json
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic
from typing import Any

from platepost.common.errors import PlatepostError
from platepost.common.signals import sleep
from platepost.simulator.lab.custody.wire import messages_of
from platepost.simulator.lab.department.checker import DepartmentChecker
from platepost.simulator.lab.department.disturbances import DISTURBANCES, DisturbanceCounts, drawn_course
from platepost.simulator.lab.department.plan import Plan
from platepost.simulator.lab.department.publisher import PublisherCount, PublisherStage
from platepost.simulator.lab.department.site import DepartmentSite
from platepost.simulator.lab.department.stated import CustodyStatement
from platepost.simulator.processes import results
from platepost.wire.records.signing import read_key

SAMPLE_SECONDS = 2.0
STUCK_SECONDS = 180.0
"""After which a run ends in which nothing is receipted any more."""
_CHECK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class DepartmentSample:
    """How far a run was at one moment."""

    seconds: float
    receipted: int
    """Records made and deleted by their posts."""
    keeper_megabytes: float | None
    """Resident memory of the keeper; None while it was away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentOutcome:
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
    problems: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return everything for scripts."""
        return {"passed": self.passed, **asdict(self)}


class DepartmentCampaign:
    """One run on a site that is open."""

    def __init__(
        self,
        site: DepartmentSite,
        *,
        records: int,
        seed: int,
        counts: DisturbanceCounts,
        told: Callable[[str, int], object],
    ) -> None:
        """Draw the course.

        Args:
            site: where.
            records: how many there are to be.
            seed: what the course and the plan depend on.
            counts: how often each disturbance is to come.
            told: called with what is being done, and how many records are receipted.

        """
        self._site, self._records, self._seed, self._told = site, records, seed, told
        self._draw = Random(seed)
        self._not_inflicted = {}
        if counts.fills and site.namespaces.no_mounts:
            self._not_inflicted["database's disk full"] = site.namespaces.no_mounts
        course = drawn_course(self._draw, counts, records=records)
        self._course = [step for step in course if step[1] not in self._not_inflicted]
        self._inflicted: Counter[str] = Counter()
        self._samples: list[DepartmentSample] = []
        self._problems: list[str] = []

    def run(self, *, odd: int, window: int) -> DepartmentOutcome:
        """Let records come, inflict the course, and judge.

        Args:
            odd: records of each oddity.
            window: records that may lack their receipt at a time.

        """
        began = monotonic()
        with self._site.publisher(records=self._records, odd=odd, window=window, seed=self._seed):
            self._publish(began)
        self._told("the keeper ends", self._records)
        code = self._site.department.stop()
        if code:
            self._problems.append(f"the keeper ended with exit code {code}")
        self._told("the department verifies its custody", self._records)
        receipts, found = self._check()
        plan = Plan.load(self._site.plan)
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
            problems=(*self._problems, *found),
            seconds=round(monotonic() - began, 1),
        )

    # --- what happens

    def _publish(self, began: float) -> None:
        course = iter([*self._course, (self._records + 1, "")])
        due, name = next(course)
        sampled, moved, before = began, monotonic(), -1
        while self._count(PublisherCount.STAGE) != PublisherStage.DONE:
            sleep(_CHECK_SECONDS)
            self._restart_ended("undisturbed")
            receipted = self._receipted()
            if receipted != before:
                moved, before = monotonic(), receipted
            elif monotonic() - moved > STUCK_SECONDS:
                self._problems.append(f"nothing was receipted for {STUCK_SECONDS:.0f} s")
                return
            if monotonic() - sampled >= SAMPLE_SECONDS:
                sampled = monotonic()
                self._samples.append(DepartmentSample(round(sampled - began, 1), receipted, self._resident()))
            self._told(f"{sum(self._inflicted.values())} of {len(self._course)} disturbances", receipted)
            if receipted >= due:
                self._inflict(name)
                due, name = next(course)
                moved = monotonic()

    def _inflict(self, name: str) -> None:
        self._told(name, self._receipted())
        try:
            DISTURBANCES[name](self._site, self._draw)
        except PlatepostError as error:
            self._problems.append(f"{name}: {error}")
        self._inflicted[name] += 1
        self._restart_ended(name)

    def _restart_ended(self, name: str) -> None:
        if not self._site.department.running:
            self._problems.append(f"{name}: the keeper ended by itself: {self._site.department.log_tail()}")
            self._site.department.start()

    def _count(self, which: PublisherCount) -> int:
        return int(self._site.counts[which])

    def _receipted(self) -> int:
        return self._count(PublisherCount.MADE) - self._count(PublisherCount.HELD)

    def _resident(self) -> float | None:
        pid = self._site.department.pid
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        except (OSError, IndexError):
            return None
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

    # --- what came of it

    def _check(self) -> tuple[int, list[str]]:
        """Have a process judge that has nothing but the plan, the receipts, and what the department says."""
        department, stated = self._site.department, self._site.directory / "stated.json"
        statement = {"status": department.run_json("status"), "verified": department.run_json("verify", allowed=(0, 1))}
        stated.write_text(json.dumps(statement), encoding="utf-8")
        given = (self._site.plan, self._site.wire_log, self._site.custodian_key, self._site.late, stated)
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
            if before.keeper_megabytes is not None and after.keeper_megabytes is not None
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
