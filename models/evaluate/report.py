"""An evaluation written to a folder: figures, failures as pictures, reliability diagram."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.evaluate.characters import by_character
from models.evaluate.metrics import PictureResult, summarise
from models.evaluate.page import write_page
from models.evaluate.reliability import draw
from models.evaluate.tables import markdown


def write_report(folder: Path, sets: Mapping[str, Sequence[PictureResult]]) -> list[Path]:
    """Write figures.json, figures.md, failures.html and reliability.png.

    The diagram is left out where matplotlib is not installed, or nothing was read whose text is known; that of an
    earlier evaluation is removed, for it would pass for this one's. The pictures show real plates: keep the folder out
    of every repository. Returns what was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summaries = {name: summarise(outcomes) for name, outcomes in sets.items()}
    characters = {
        name: by_character((outcome.truth, outcome.read) for outcome in outcomes if outcome.truth)
        for name, outcomes in sets.items()
    }
    told = {
        name: {
            **dataclasses.asdict(summary),
            "by_character": [dataclasses.asdict(figure) for figure in characters[name]],
            "reads": [_read(outcome) for outcome in sets[name]],
        }
        for name, summary in summaries.items()
    }
    written = [folder / "figures.json", folder / "figures.md", folder / "failures.html"]
    written[0].write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    written[1].write_text(markdown(summaries, characters), encoding="utf-8")
    everything = [outcome for outcomes in sets.values() for outcome in outcomes]
    write_page(written[2], "What the recogniser got wrong", everything)
    reads = {name: read for name, outcomes in sets.items() if (read := _confidences(outcomes))[0]}
    diagram = folder / "reliability.png"
    diagram.unlink(missing_ok=True)
    if not reads:
        return written
    try:
        draw(diagram, reads)
    except ModuleNotFoundError:
        return written
    return [*written, diagram]


def _read(outcome: PictureResult) -> dict[str, object]:
    return {
        "file": outcome.picture.path.name,
        "truth": outcome.truth,
        "read": outcome.read,
        "confidence": round(outcome.confidence, 4),
        "right": outcome.folded,
        "region": outcome.region,
        "region_claimed": outcome.claimed,
        "boxes": outcome.boxes,
        "boxes_found": outcome.boxes_found,
        "extra": outcome.extra,
    }


def _confidences(outcomes: Sequence[PictureResult]) -> tuple[list[float], list[bool]]:
    read = [outcome for outcome in outcomes if outcome.truth and outcome.read]
    return [outcome.confidence for outcome in read], [outcome.folded for outcome in read]
