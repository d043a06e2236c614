"""The picture of a scenario's time: what passed, what was read and hit, what posts said of themselves, what happened.

Long stretches in which nothing happens are drawn short; where time is so pressed together, the axis says so.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from platepost.simulator.scenario.durations import words
from platepost.simulator.scenario.events import Event, Publish
from platepost.simulator.scenario.observations import FRAMES_PER_SECOND, Observations
from platepost.simulator.scenario.wire import HIT, READ, WITHDRAWN
from platepost.wire.faults import worst
from platepost.wire.records import Reason

LONGEST_SECONDS = 12.0
"""What passes with nothing in it is drawn as if it were not much longer than this."""
WIDTH, GUTTER, ROW = 1000.0, 150.0, 26.0
_TICKS_MOST, _TICK_APART = 400, 78.0
_LABEL = 8.2
"""Width of a letter in a bar."""


class Scale:
    """From seconds of the scenario to the picture's x, 0 to `WIDTH`."""

    def __init__(self, moments: Sequence[float], *, end: float) -> None:
        knots = sorted({0.0, end, *(moment for moment in moments if 0 <= moment <= end)})
        self._knots = knots
        self._places = [0.0]
        self.pressed: list[tuple[float, float]] = []
        """Stretches, in seconds, that are drawn shorter than they are."""
        for one, other in pairwise(knots):
            gap = other - one
            if gap > LONGEST_SECONDS:
                self.pressed.append((one, other))
                gap = LONGEST_SECONDS * (1 + 0.25 * math.log10(gap / LONGEST_SECONDS))
            self._places.append(self._places[-1] + gap)
        self._whole = self._places[-1] or 1.0

    def of(self, seconds: float) -> float:
        """Return the x of a moment."""
        seconds = min(max(seconds, self._knots[0]), self._knots[-1])
        place = min(max(1, bisect_right(self._knots, seconds)), len(self._knots) - 1)
        one, other = self._knots[place - 1], self._knots[place]
        share = (seconds - one) / (other - one) if other > one else 0.0
        return WIDTH * (self._places[place - 1] + share * (self._places[place] - self._places[place - 1])) / self._whole


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time in a row."""

    text: str
    x: float
    width: float
    row: int
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment in a row."""

    x: float
    row: int
    kind: str
    title: str


@dataclass(slots=True)
class Band:
    """The rows of one post."""

    post: str
    labels: list[str] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def height(self) -> float:
        """How high it is."""
        return len(self.labels) * ROW


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, by its number in the picture."""

    number: int
    x: float
    at: str
    what: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of it."""

    bands: tuple[Band, ...]
    happened: tuple[Happened, ...]
    ticks: tuple[tuple[float, str], ...]
    pressed: tuple[tuple[float, float, str], ...]


def lay_out(observed: Observations, events: Sequence[Event]) -> Timeline:
    """Lay the picture out."""
    moments = [entry.at for entry in observed.records if entry.chained]
    moments += [event.at for event in events]
    moments += [
        edge for post in observed.posts.values() for stretch in post.traffic for edge in (stretch.at, stretch.over)
    ]
    scale = Scale(moments, end=observed.course.lasts)
    ordered = sorted(events, key=lambda event: event.at)
    return Timeline(
        bands=tuple(_band(observed, name, scale) for name in observed.posts),
        happened=tuple(
            Happened(number, scale.of(event.at), words(event.at), describe(event))
            for number, event in enumerate(ordered, start=1)
        ),
        ticks=_ticks(scale, observed.course.lasts),
        pressed=tuple((scale.of(one), scale.of(other), words(other - one)) for one, other in scale.pressed),
    )


def describe(event: Event) -> str:
    """Say what happened."""
    text = event.do.replace("_", " ")
    if isinstance(event, Publish):
        text = f"list {event.list!r} is published"
    broker = getattr(event, "broker", None)
    post = getattr(event, "post", None)
    return text + (f" ({broker})" if broker else "") + (f", {post}" if post else "")


def _band(observed: Observations, post: str, scale: Scale) -> Band:
    band = Band(post)
    _add_passages(band, observed, scale)
    row = len(band.labels)
    band.labels.append("reads and hits")
    for entry in observed.of(READ, HIT, WITHDRAWN, post=post):
        kind = {READ: "read", HIT: "hit"}.get(entry.kind, "withdrawn")
        text = f"{kind}: {entry.data['plate_read']}, {words(entry.at)}"
        band.marks.append(Mark(scale.of(entry.at), row, kind, text))
    row = len(band.labels)
    band.labels.append("says")
    conditions = observed.conditions(post)
    for condition in conditions:
        begin, end = scale.of(condition.begins), scale.of(condition.ends)
        reasons = ", ".join(sorted(condition.reasons)).replace("_", " ")
        kind = f"{condition.state} {_severity(condition.reasons)}".strip()
        band.bars.append(Bar("", begin, max(1.0, end - begin), row, kind, reasons or condition.state))
    for reason in sorted({reason for condition in conditions for reason in condition.reasons}):
        row, how_bad = len(band.labels), _severity({reason})
        band.labels.append(reason.replace("_", " "))
        for condition in conditions:
            if reason in condition.reasons:
                begin, end = scale.of(condition.begins), scale.of(condition.ends)
                title = f"{how_bad}, {words(condition.begins)}"
                band.bars.append(Bar("", begin, max(1.0, end - begin), row, f"fault {how_bad}", title))
    return band


def _severity(reasons: Iterable[str]) -> str:
    """Return how bad the worst of some reasons is; nothing if there are none."""
    return worst(Reason(name=name, message="") for name in reasons) or ""


def _add_passages(band: Band, observed: Observations, scale: Scale) -> None:
    score = observed.scores[band.post]
    free: list[float] = []
    for outcome in sorted(score.outcomes, key=lambda outcome: outcome.passage.frames):
        first, last = (frame / FRAMES_PER_SECOND for frame in outcome.passage.frames)
        x, end = scale.of(first), scale.of(last)
        reach = max(end, x + _LABEL * len(outcome.passage.text) + 8)
        row = next((place for place, until in enumerate(free) if until <= x), len(free))
        free[row : row + 1] = [reach]
        state = "missed" if outcome.read is None else "right" if outcome.right_folded else "wrong"
        title = f"{outcome.passage.text}, {words(first)}: " + (
            f"read {outcome.read.text}" if outcome.read else "missed"
        )
        band.bars.append(Bar(outcome.passage.text, x, max(2.0, end - x), row, state, title))
    band.labels += ["what passed"] * bool(free) + [""] * (len(free) - 1)


def _ticks(scale: Scale, end: float) -> tuple[tuple[float, str], ...]:
    step = next(
        (step for step in (1, 2, 5, 10, 20, 30, 60, 300, 600, 3600, 6 * 3600, 86400) if end / step <= _TICKS_MOST),
        86400,
    )
    ticks: list[tuple[float, str]] = []
    for number in range(int(end // step) + 1):
        x = scale.of(number * step)
        if not ticks or x - ticks[-1][0] > _TICK_APART:
            ticks.append((x, words(number * step)))
    return tuple(ticks)
