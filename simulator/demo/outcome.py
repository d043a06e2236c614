"""What came of a demonstration: every hit beside what was due, every passage beside what was read."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.scoring.score import Score, ScoredRead, score
from platepost.simulator.scoring.truth import DueHit, TruePassage, Truth
from platepost.wire.hotlist.keys import plate_key
from platepost.wire.records import Health, Hit, HitWithdrawn, Read, Status, read_event


@dataclass(frozen=True, slots=True)
class ReceivedHit:
    """One hit as the subscriber got it."""

    hit: Hit
    received: datetime
    withdrawn: bool
    passage: int | None
    """Which passage of the truth it speaks of, None where it speaks of none."""
    due: DueHit | None
    """Which of the due hits it is, None where it is undue."""

    @property
    def latency(self) -> float:
        """Seconds from the frame that made the hit to the subscriber."""
        return (self.received - self.hit.last_seen).total_seconds()

    @property
    def since_first_seen(self) -> float:
        """Seconds from the first frame with this plate to the subscriber."""
        return (self.received - self.hit.first_seen).total_seconds()


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether every record is whole and genuine."""

    records: int
    """How many records there are, chained or not."""
    chained: int
    """How many of them are in the chain."""
    problems: tuple[str, ...]
    """What is missing, changed, repeated or foreign, the first first; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class DemoCustody:
    """Where the post's records are at the end: what its department says, and what is left on the post."""

    kept: int
    """Records in the department's custody, whatever they are."""
    proved: int
    """Of these, records that the department proved to be the post's own."""
    receipted: int
    """Records of the chain that the custodian has signed for."""
    odd: int
    """Records in custody that are not proved: forged, foreign, unknown, unreadable."""
    released: int
    """Records of the chain that the post has deleted, because the custodian signed for them."""


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """Everything that the demonstration shows at its end."""

    clip: DemoClip
    score: Score | None
    reads: tuple[Read, ...]
    hits: tuple[ReceivedHit, ...]
    missing: tuple[DueHit, ...]
    """Due hits that did not come."""
    account: Mapping[str, int]
    """What the post itself says its run came to."""
    frame_rates: tuple[float, ...]
    """Frames a second that the post evaluated, second by second."""
    health: Health | None
    """The last health record."""
    status: Status | None
    """The last status before the post took its leave."""
    verification: Verification
    custody: DemoCustody
    kinds: Mapping[str, int]
    """How many records of each kind arrived."""
    read_of: Mapping[str, ScoredRead]
    """What the score was given of each read, by the post's identifier of its passage."""

    @property
    def frames_per_second(self) -> float:
        """Median of the frames a second that the post evaluated."""
        return statistics.median(self.frame_rates) if self.frame_rates else 0.0

    @property
    def due(self) -> int:
        """How many hits were due."""
        return len(self.clip.due)

    @property
    def due_received(self) -> int:
        """How many of them came."""
        return self.due - len(self.missing)

    @property
    def undue(self) -> tuple[ReceivedHit, ...]:
        """Hits that were not due; without a truth none can be told."""
        return tuple(hit for hit in self.hits if hit.due is None) if self.clip.truth else ()

    @property
    def latencies(self) -> tuple[float, ...]:
        """Seconds from the frame that made each hit to the subscriber, the shortest first."""
        return tuple(sorted(hit.latency for hit in self.hits))

    def latency(self, share: float) -> float | None:
        """Return the latency that `share` of the hits did not exceed (nearest rank), None without hits."""
        ordered = self.latencies
        return ordered[max(0, -(-round(share * 100) * len(ordered) // 100) - 1)] if ordered else None

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the demonstration failed, in words; empty if it did not."""
        failures = [f"expected hit missing: {self.name_due(hit)}" for hit in self.missing]
        failures += [f"false hit: {hit.hit.plate_read} ({hit.hit.match}, {hit.hit.category})" for hit in self.undue]
        failures += self.verification.problems
        waiting = self.account.get("undelivered", 0)
        if waiting:
            failures.append(f"{waiting} records were not delivered")
        chained, custody = self.verification.chained, self.custody
        if custody.proved < chained:
            failures.append(f"the department proved {custody.proved} of {chained} records; it keeps {custody.kept}")
        if custody.odd:
            failures.append(f"{custody.odd} records in custody are not proved to be the post's own")
        if custody.receipted < chained:
            failures.append(f"the custodian has signed for {custody.receipted} of {chained} records")
        if custody.released < chained:
            failures.append(f"{chained - custody.released} records are still on the post")
        return tuple(failures)

    @property
    def passed(self) -> bool:
        """Whether every due hit came, none was undue, and every record is whole, genuine, kept and released."""
        return not self.failures

    def name_due(self, hit: DueHit) -> str:
        """Say which hit is meant."""
        text = self.clip.truth.passages[hit.passage].text if self.clip.truth else f"passage {hit.passage}"
        return f"{text} ({hit.kind}, {hit.category})"


def judge(
    arrivals: Sequence[Arrival],
    clip: DemoClip,
    *,
    account: Mapping[str, int],
    verification: Verification,
    custody: DemoCustody,
) -> DemoOutcome:
    """Put together what came of a demonstration.

    Raises:
        RecordError: a record is of an unknown kind.
        pydantic.ValidationError: a record does not keep the contract.

    """
    events = [(arrival, read_event(arrival.event)) for arrival in arrivals]
    of_kind = [(arrival, event.data) for arrival, event in events]
    reads = [data for _, data in of_kind if isinstance(data, Read)]
    hits = [(arrival, data) for arrival, data in of_kind if isinstance(data, Hit) and not data.synthetic]
    withdrawn = {data.hit for _, data in of_kind if isinstance(data, HitWithdrawn)}
    healths = [data for _, data in of_kind if isinstance(data, Health)]
    statuses = [data for _, data in of_kind if isinstance(data, Status) and data.state != "offline"]

    began = _footage_began(reads, clip.truth) if clip.truth else None
    scored = [_scored(read, began, clip.truth) for read in reads] if clip.truth and began else []
    clip_score = score(scored, clip.truth) if clip.truth else None
    passage_of = _passages_of(reads, scored, clip_score) if clip_score else {}
    due_of = _assign([(data, passage_of.get(data.passage), data.hit in withdrawn) for _, data in hits], clip.due)
    received = tuple(
        ReceivedHit(
            hit=data,
            received=arrival.received,
            withdrawn=data.hit in withdrawn,
            passage=passage_of.get(data.passage),
            due=due_of.get(data.hit),
        )
        for arrival, data in hits
    )
    latencies = [hit.due for hit in received if hit.due is not None and not hit.withdrawn]
    rates = [health.frame_rate for health in healths if health.frame_rate > 0]
    return DemoOutcome(
        clip=clip,
        score=clip_score,
        reads=tuple(reads),
        hits=received,
        missing=tuple(hit for hit in clip.due if not any(hit is other for other in latencies)),
        account=account,
        # The first and the last second are cut off by the beginning and the end of the footage.
        frame_rates=tuple(rates[1:-1] if len(rates) > 2 else rates),
        health=healths[-1] if healths else None,
        status=statuses[-1] if statuses else None,
        verification=verification,
        custody=custody,
        kinds=Counter(str(arrival.event["type"]) for arrival in arrivals),
        read_of={read.passage: entry for read, entry in zip(reads, scored, strict=False)},
    )


def as_json(outcome: DemoOutcome) -> dict[str, Any]:
    """Return the figures of a demonstration in JSON's types."""
    score = outcome.score
    median, p95 = outcome.latency(0.5), outcome.latency(0.95)
    return {
        "passed": outcome.passed,
        "failures": list(outcome.failures),
        "passages": score.passages if score else None,
        "captured": score.captured if score else None,
        "read_right": score.right if score else None,
        "read_right_folded": score.right_folded if score else None,
        "undue_reads": len(score.undue) if score else None,
        "duplicates": score.duplicates if score else None,
        "hits_due": outcome.due,
        "hits_received": outcome.due_received,
        "hits_undue": len(outcome.undue),
        "hits_withdrawn": sum(hit.withdrawn for hit in outcome.hits),
        "frames": outcome.account.get("frames"),
        "frames_per_second": round(outcome.frames_per_second, 2),
        "frames_dropped": outcome.account.get("dropped"),
        "latency_median_seconds": None if median is None else round(median, 3),
        "latency_p95_seconds": None if p95 is None else round(p95, 3),
        "records": outcome.verification.records,
        "records_chained": outcome.verification.chained,
        "custody": asdict(outcome.custody),
    }


def _footage_began(reads: Sequence[Read], truth: Truth) -> datetime | None:
    """Say when the footage's first frame was shown: what the reads with the right text agree on.

    Records carry times and no frame numbers, for a lens has none.
    """
    began = [
        _shown(read, passage, truth.fps)
        for read in reads
        for passage in truth.passages
        if plate_key(read.plate_read) == plate_key(passage.text)
    ]
    if began:
        return sorted(began)[len(began) // 2]
    if not reads or not truth.passages:
        return None
    earliest = min(passage.frames[0] for passage in truth.passages)
    return min(read.first_seen for read in reads) - timedelta(seconds=earliest / truth.fps)


def _shown(read: Read, passage: TruePassage, fps: float) -> datetime:
    """Say when the footage began if a read is of this passage.

    A plate leaves the picture at once, but is read from further away than the truth counts: the end by which an
    approaching vehicle leaves tells the time better than the one by which it came, and the other way round.
    """
    first, last = (timedelta(seconds=frame / fps) for frame in passage.frames)
    if passage.direction == "approaching":
        return read.last_seen - last
    if passage.direction == "receding":
        return read.first_seen - first
    return read.first_seen - first + ((read.last_seen - last) - (read.first_seen - first)) / 2


def _scored(read: Read, began: datetime, truth: Truth) -> ScoredRead:
    first, last = ((moment - began).total_seconds() * truth.fps for moment in (read.first_seen, read.last_seen))
    return ScoredRead(
        text=read.plate_read, confidence=read.confidence, first_frame=round(first), last_frame=round(last)
    )


def _passages_of(reads: Sequence[Read], scored: Sequence[ScoredRead], found: Score) -> dict[str, int]:
    """Map the post's identifier of each passage to the number of the passage in the truth."""
    numbers = {
        id(read): number
        for number, outcome in enumerate(found.outcomes)
        for read in ((outcome.read,) if outcome.read else ()) + outcome.duplicates
    }
    return {read.passage: numbers[id(entry)] for read, entry in zip(reads, scored, strict=True) if id(entry) in numbers}


def _assign(hits: Sequence[tuple[Hit, int | None, bool]], due: Sequence[DueHit]) -> dict[str, DueHit]:
    """Say which due hit each hit is: of the same passage and category, one of the same kind before one of another.

    A withdrawn hit takes a due one only if no other does: it was rightly sent, and wrongly withdrawn.
    """
    assigned: dict[str, DueHit] = {}
    taken: set[int] = set()
    for withdrawn_too in (False, True):
        for same_kind in (True, False):
            for hit, passage, withdrawn in hits:
                if hit.hit in assigned or (withdrawn and not withdrawn_too):
                    continue
                for number, wanted in enumerate(due):
                    fits = wanted.passage == passage and wanted.category == hit.category and number not in taken
                    if fits and (wanted.kind == hit.match or not same_kind):
                        assigned[hit.hit] = wanted
                        taken.add(number)
                        break
    return assigned
