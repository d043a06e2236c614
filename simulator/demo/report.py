"""The demonstration's report: one HTML file that holds its pictures and needs nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from platepost.common.pages import PAGES
from platepost.simulator.demo.clip import STREET
from platepost.simulator.demo.outcome import DemoOutcome, ReceivedHit
from platepost.simulator.scoring.score import ScoredPassage
from platepost.wire.records.parts import Picture
from platepost.wire.records.read import Sight

TEMPLATES = Path(__file__).parent / "templates"

MATCH_WORDS = {
    "exact": "exact",
    "look_alike": "look-alike (O/0, I/1)",
    "near": "near: an alternative of the reader",
    "partial": "partial pattern",
}
"""How a hit matched, for people."""


def environment() -> jinja2.Environment:
    """Return the environment of the demonstration's pages; everything put into them is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, PAGES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["words"] = words
    environment.filters["duration"] = duration
    environment.filters["percent"] = percent
    environment.filters["picture"] = picture
    environment.globals["match_words"] = MATCH_WORDS
    return environment


def write_report(path: Path, outcome: DemoOutcome) -> None:
    """Write the report of a demonstration."""
    page = (
        environment()
        .get_template("report.html")
        .render(
            outcome=outcome,
            score=outcome.score,
            rows=_rows(outcome),
            reads={read.passage: read for read in outcome.reads},
            timeline=timeline(outcome),
            made=datetime.now(UTC),
            kinds={kind.removeprefix("platepost.").removesuffix(".v1"): count for kind, count in outcome.kinds.items()},
            rendered=outcome.clip.footage == STREET,
        )
    )
    path.write_text(page, encoding="utf-8")


# --- passages over time


@dataclass(frozen=True, slots=True)
class PassageBar:
    """One passage in the picture of the footage's time; lengths are shares of the whole, 0 to 100."""

    text: str
    left: float
    width: float
    row: int
    state: str
    """`right`, `wrong` or `missed`."""
    hit: bool


def timeline(outcome: DemoOutcome) -> tuple[PassageBar, ...]:
    """Lay the passages out over the footage's time, those that overlap in rows below one another."""
    if outcome.score is None or outcome.clip.truth is None:
        return ()
    end = max((o.passage.frames[1] for o in outcome.score.outcomes), default=0) + 1
    frames = max(end, outcome.clip.truth.frames or 0)
    hit_passages = {hit.passage for hit in outcome.hits}
    rows: list[int] = []
    bars = []
    for number, entry in sorted(enumerate(outcome.score.outcomes), key=lambda item: item[1].passage.frames):
        first, last = entry.passage.frames
        # A label needs more room than a fast vehicle gives it.
        reach = max(last, first + round(frames * 0.085))
        row = next((index for index, free in enumerate(rows) if free < first), len(rows))
        rows[row : row + 1] = [reach]
        bars.append(
            PassageBar(
                text=entry.passage.text,
                left=100 * first / frames,
                width=100 * (last - first + 1) / frames,
                row=row,
                state=_state(entry),
                hit=number in hit_passages,
            )
        )
    return tuple(bars)


# --- the table of passages


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of passages."""

    number: int | None
    truth: str | None
    read: Sight | None
    state: str
    hits: tuple[ReceivedHit, ...]
    frames: tuple[int, int] | None = None
    design: str | None = None


def _rows(outcome: DemoOutcome) -> list[Row]:
    by_passage: dict[int | None, list[ReceivedHit]] = {}
    for hit in outcome.hits:
        by_passage.setdefault(hit.passage, []).append(hit)
    if outcome.score is None:
        return [
            Row(None, None, read, "unscored", tuple(hit for hit in outcome.hits if hit.hit.passage == read.passage))
            for read in outcome.reads
        ]
    rows = []
    shown = set()
    for number, entry in enumerate(outcome.score.outcomes):
        read = _read_of(entry, outcome)
        shown.add(read.passage if read else None)
        passage = entry.passage
        rows.append(
            Row(
                number=number + 1,
                truth=passage.text,
                read=read,
                state=_state(entry),
                hits=tuple(by_passage.get(number, ())),
                frames=passage.frames,
                design=passage.design,
            )
        )
    rows += [Row(None, None, read, "undue", ()) for read in outcome.reads if read.passage not in shown]
    return rows


def _read_of(entry: ScoredPassage, outcome: DemoOutcome) -> Sight | None:
    if entry.read is None:
        return None
    return next(read for read in outcome.reads if outcome.read_of[read.passage] is entry.read)


def _state(entry: ScoredPassage) -> str:
    if entry.read is None:
        return "missed"
    if entry.right:
        return "right"
    return "folded" if entry.right_folded else "wrong"


# --- filters


def words(slug: str) -> str:
    """Turn `stolen_vehicle` into `stolen vehicle`."""
    return slug.replace("_", " ")


def percent(share: float) -> str:
    """Write a share with one decimal, never 100 unless it is."""
    return f"{int(share * 1000) / 10:.1f} %"


def duration(seconds: float | None) -> str:
    """Write a duration as people read it: 240 ms, 3.2 s, 4 min, 2.5 h."""
    if seconds is None:
        return "-"
    for limit, factor, form in ((1, 1000, "{:.0f} ms"), (60, 1, "{:.1f} s"), (3600, 1 / 60, "{:.0f} min")):
        if seconds < limit:
            return form.format(seconds * factor)
    return f"{seconds / 3600:.1f} h"


def picture(pictures: Iterable[Picture], kind: str) -> dict[str, Any] | None:
    """Return the picture of a kind as a data URI with its size, None if the record has none."""
    for picture_file in pictures:
        if picture_file.kind == kind and picture_file.data is not None:
            uri = f"data:{picture_file.media_type};base64,{picture_file.data}"
            return {"uri": uri, "width": picture_file.width, "height": picture_file.height}
    return None
