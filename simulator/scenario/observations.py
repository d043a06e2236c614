"""What the department has at a scenario's end, laid out for the judges: records in the order of their making."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from time import monotonic
from typing import Any

from platepost.simulator.scenario.course import Course, MadeRecord, PostCourse
from platepost.simulator.scenario.wire import READ, STATUS
from platepost.simulator.scoring.score import Score, ScoredRead, score
from platepost.simulator.scoring.truth import Truth

FRAMES_PER_SECOND = 20.0
"""The rate at which the scores count frames, from the scenario's start, whatever the clips' own."""
_FARAWAY = 1 << 60


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """One record as the record keeper has it."""

    post: str
    event: Mapping[str, Any]
    at: float
    """Seconds since the scenario's start at which the post made it, by the true clock."""
    broker: int
    """Which broker brought it first; the first is 1."""
    received_real: float
    """`time.monotonic()` when it arrived."""
    latency: float | None
    """Real seconds from the last frame before it to its arrival; None for what has no frame before it."""

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.event["type"])

    @property
    def data(self) -> Mapping[str, Any]:
        """The record itself."""
        data: Mapping[str, Any] = self.event["data"]
        return data

    @property
    def chained(self) -> bool:
        """Whether it is part of the chain."""
        return "sequence" in self.event

    @property
    def sequence(self) -> int:
        """Its number in the chain; far behind all others where it has none."""
        return int(self.event.get("sequence", _FARAWAY))


@dataclass(frozen=True, slots=True)
class Condition:
    """What a post said of itself, from one status on until the next."""

    begins: float
    ends: float
    state: str
    reasons: frozenset[str]


class Observations:
    """What came of a scenario."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.posts: Mapping[str, PostCourse] = {post.name: post for post in course.posts}
        by_id = {recorded.envelope.id: recorded for post in course.posts for recorded in post.made}
        offset = datetime.now().astimezone().timestamp() - monotonic()
        seen = []
        for broker, arrival in course.arrivals:
            identifier, post = str(arrival.event["id"]), str(arrival.event["source"]).rsplit("/", 1)[-1]
            recorded = by_id.get(identifier)
            at = recorded.at if recorded is not None else self._by_its_clock(arrival.event)
            received = arrival.received.timestamp() - offset
            latency = None if recorded is None else received - recorded.frame
            seen.append(ReceivedRecord(post, arrival.event, at, broker + 1, received, latency))
        self.records = tuple(sorted(seen, key=lambda entry: (entry.post, entry.sequence, entry.at)))
        """Everything that arrived, post by post, in the order of the chain; what is not chained behind it."""

    def of(
        self, *kinds: str, post: str | None = None, after: float = 0.0, before: float | None = None
    ) -> Iterator[ReceivedRecord]:
        """Yield the records of some kinds, of one post or all, made within a time."""
        for entry in self.records:
            within = after <= entry.at and (before is None or entry.at < before)
            if entry.kind in kinds and post in {None, entry.post} and within:
                yield entry

    def made(self, post: str | None = None) -> Iterator[tuple[str, MadeRecord]]:
        """Yield every chained record that was made, whether it arrived or not, with its post."""
        for name, course in self.posts.items():
            if post in {None, name}:
                yield from ((name, recorded) for recorded in course.made)

    def conditions(self, post: str) -> tuple[Condition, ...]:
        """Return what a post said of itself, one after the other."""
        statuses = [entry for entry in self.of(STATUS, post=post) if entry.chained]
        ends = [*(entry.at for entry in statuses[1:]), self.course.lasts]
        return tuple(
            Condition(
                entry.at,
                end,
                str(entry.data["state"]),
                frozenset(str(reason["name"]) for reason in entry.data.get("reasons", ())),
            )
            for entry, end in zip(statuses, ends, strict=True)
        )

    @cached_property
    def scores(self) -> Mapping[str, Score]:
        """How well each post's reads tell what really passed; nothing of clips whose truth is not known."""
        return {name: self._score(name) for name in self.posts}

    def read_seconds(self, entry: ReceivedRecord) -> tuple[float, float]:
        """Return when the plate of a read or hit was first and last seen, seconds since the start."""
        offset = self._offset(entry)
        first, last = (
            (datetime.fromisoformat(entry.data[name]) - self.course.begins).total_seconds() - offset
            for name in ("first_seen", "last_seen")
        )
        return first, last

    def _offset(self, entry: ReceivedRecord) -> float:
        """Return by how much the post's clock was wrong, as the time of the best frame tells."""
        recorded_after = (datetime.fromisoformat(entry.data["captured"]) - self.course.begins).total_seconds()
        return self.posts[entry.post].offset_at(entry.at) if abs(recorded_after - entry.at) > 1.0 else 0.0

    def _score(self, post: str) -> Score:
        passages = tuple(
            passage.model_copy(
                update={
                    "frames": tuple(round(frame * FRAMES_PER_SECOND / stretch.truth.fps) for frame in passage.frames)
                }
            )
            for stretch in self.posts[post].traffic
            if stretch.truth is not None
            for passage in stretch.passages()
        )
        reads = []
        for entry in self.of(READ, post=post):
            first, last = self.read_seconds(entry)
            reads.append(
                ScoredRead(
                    text=entry.data["plate_read"],
                    confidence=entry.data["confidence"],
                    first_frame=round(first * FRAMES_PER_SECOND),
                    last_frame=round(last * FRAMES_PER_SECOND),
                )
            )
        return score(reads, Truth(passages=passages, fps=FRAMES_PER_SECOND))

    def _by_its_clock(self, event: Mapping[str, Any]) -> float:
        return (datetime.fromisoformat(event["time"]) - self.course.begins).total_seconds()
