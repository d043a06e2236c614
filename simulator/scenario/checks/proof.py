"""Checks of the whole: the chain, that nothing is lost, what was read of what passed, which way records took."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from platepost.simulator.scenario.checks.base import BaseCheck, Counted
from platepost.simulator.scenario.durations import Duration, words
from platepost.simulator.scenario.wire import AUDIT, HIT, READ

if TYPE_CHECKING:
    from platepost.simulator.scenario.observations import Observations


class ChainCheck(BaseCheck):
    """Every record that arrived is whole, genuine and in its place, from the first one on."""

    check: Literal["chain"]
    dropped: Annotated[int, Field(ge=0)] = Field(default=0, description="Reads that the post may report as dropped.")

    @property
    def says(self) -> str:
        """The demand in words."""
        but = f", except {self.dropped} reads at most that the post reports as dropped" if self.dropped else ""
        return f"chain whole and every signature genuine{but}{self._of()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Ask the verifier's report."""
        problems = []
        for name in self.names(observed):
            report = observed.posts[name].report
            problems += [f"{name}: {problem.kind}: {problem.message}" for problem in report.problems[:5]]
            if len(report.chains) != 1:
                problems.append(f"{name}: {len(report.chains)} chains where there should be one")
            dropped = sum(chain.dropped for chain in report.chains)
            if dropped > self.dropped:
                problems.append(f"{name}: {dropped} reads were dropped, {self.dropped} at most may be")
        return tuple(problems)


class DeliveredCheck(BaseCheck):
    """Every record that was signed reached the record keeper; reads may be dropped where the post reports it.

    Where the post can be reached at the end, it has let go of all: custodians have signed for them.
    """

    check: Literal["delivered"]
    but_reads: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Reads that may be dropped and accounted for."
    )

    @property
    def says(self) -> str:
        """The demand in words."""
        but = f" but for {self.but_reads} reads at most, which the post accounts for" if self.but_reads else ""
        return f"every signed record arrived{but}, and none waits for a receipt{self._of()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Compare what was made with what arrived."""
        problems = []
        for name in self.names(observed):
            there = {str(entry.event["id"]) for entry in observed.records if entry.post == name}
            lost = [recorded.envelope for _, recorded in observed.made(name) if recorded.envelope.id not in there]
            counted = sum(
                entry.data["dropped"]["reads"]
                for entry in observed.of(AUDIT, post=name)
                if entry.data["action"] == "records_dropped"
            )
            others = [envelope for envelope in lost if envelope.type != READ]
            problems += [f"{name}: {envelope.type} number {envelope.sequence} is lost" for envelope in others[:5]]
            reads = len(lost) - len(others)
            if reads > self.but_reads:
                problems.append(f"{name}: {reads} reads did not arrive, {self.but_reads} at most may be missing")
            if reads != counted:
                problems.append(f"{name}: {reads} reads did not arrive, the post reports {counted}")
            if unreleased := observed.posts[name].unreleased:
                problems.append(f"{name}: {unreleased} records are still on the post")
        return tuple(problems)


class CustodyCheck(BaseCheck):
    """The custodians hold every record that was signed, and posts have let go of all of them."""

    check: Literal["custody"]
    lost: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Records that custodians must name as receipted and not held, exactly."
    )

    @property
    def says(self) -> str:
        """The demand in words."""
        but = f" but {self.lost}, which they name as receipted and not held" if self.lost else ""
        return f"custodians hold every record{but}, and none is left on the post{self._of()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Ask the custodians' stores and logs, and the posts' outboxes."""
        problems = []
        for name in self.names(observed):
            course = observed.posts[name]
            if course.unreleased is None:
                problems.append(f"{name}: it cannot be reached at the end, no one knows what is left on it")
            elif course.unreleased:
                problems.append(f"{name}: {course.unreleased} records are still on the post")
            for custodian in course.custody:
                if custodian.named != self.lost:
                    problems.append(f"{name}: {custodian.name} names {custodian.named} records as receipted, not held")
                if custodian.kept + self.lost < len(course.made):
                    problems.append(f"{name}: {custodian.name} holds {custodian.kept} of {len(course.made)} records")
        return tuple(problems)


class TruthCheck(BaseCheck):
    """What was read of what really passed."""

    check: Literal["truth"]
    missed: Annotated[int, Field(ge=0)] = Field(default=0, description="Passages without a read, at most.")
    wrong: Annotated[int, Field(ge=0)] = Field(default=0, description="Passages read wrongly, at most.")
    undue: Annotated[int, Field(ge=0)] = Field(default=0, description="Reads of nothing, or again, at most.")

    @property
    def says(self) -> str:
        """The demand in words."""
        return (
            f"of what passed, at most {self.missed} missed, {self.wrong} misread, {self.undue} read that were not "
            f"there{self._of()}"
        )

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Ask the score."""
        problems = []
        for name in self.names(observed):
            score = observed.scores[name]
            if not score.outcomes:
                problems.append(f"{name}: nothing passes whose truth is known")
            missed = [outcome.passage.text for outcome in score.outcomes if outcome.read is None]
            wrong = [
                f"{outcome.passage.text} as {outcome.read.text}"
                for outcome in score.outcomes
                if outcome.read is not None and not outcome.right_folded
            ]
            undue = [read.text for read in score.undue] + [
                read.text for outcome in score.outcomes for read in outcome.duplicates
            ]
            for entries, most, what in (
                (missed, self.missed, "missed"),
                (wrong, self.wrong, "misread"),
                (undue, self.undue, "read without having passed, or again"),
            ):
                if len(entries) > most:
                    problems.append(f"{name}: {len(entries)} {what}, {most} at most may be: {', '.join(entries)}")
        return tuple(problems)


class BrokerCheck(Counted):
    """How many records a broker brought first."""

    check: Literal["broker"]
    broker: Annotated[int, Field(ge=1)] = Field(description="Which one, the first is 1.")

    @property
    def says(self) -> str:
        """The demand in words."""
        return f"records by broker {self.broker}: {self._many()}{self._when()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count the chained ones."""
        count = sum(
            entry.broker == self.broker and entry.chained
            for entry in observed.records
            if self.post in {None, entry.post} and self._covers(entry.at)
        )
        return self._wrong(count, f"records by broker {self.broker}")


class LatencyCheck(BaseCheck):
    """How long hits take from the frame to the record keeper, in real time of the machine that plays."""

    check: Literal["latency"]
    within: Duration = Field(description="Real seconds that half of the hits must not exceed.")

    @property
    def says(self) -> str:
        """The demand in words."""
        return f"half of the hits are with the archive service {words(self.within)} after their frame{self._of()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Take the median."""
        latencies = sorted(entry.latency for entry in observed.of(HIT, post=self.post) if entry.latency is not None)
        if not latencies:
            return ("no hit arrived",)
        median = latencies[(len(latencies) - 1) // 2]
        return () if median <= self.within else (f"half of the hits took {median:.2f} s or more",)
