"""An evaluation written to a folder: figures, failures as pictures, reliability diagram."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from platepost.models.evaluate.characters import by_character
from platepost.models.evaluate.metrics import PictureResult, summarise
from platepost.models.evaluate.page import write_page
from platepost.models.evaluate.reliability import draw
from platepost.models.evaluate.tables import markdown


def write_report(folder: Path, sets: Mapping[str, Sequence[PictureResult]]) -> list[Path]:
    """Write figures.json, figures.md, failures.html and reliability.png.

    The diagram is left out where matplotlib is not installed, or nothing was read whose text is known; that of an
    earlier evaluation is removed, for it would pass for this one's. The pictures show real plates: keep the folder out
    of every repository. Returns what was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summaries = {name: summarise(results) for name, results in sets.items()}
    characters = {
        name: by_character((result.truth, result.read) for result in results if result.truth)
        for name, results in sets.items()
    }
    report = {
        name: {
            **dataclasses.asdict(summary),
            "by_character": [dataclasses.asdict(figure) for figure in characters[name]],
            "reads": [_read(result) for result in sets[name]],
        }
        for name, summary in summaries.items()
    }
    written = [folder / "figures.json", folder / "figures.md", folder / "failures.html"]
    written[0].write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    written[1].write_text(markdown(summaries, characters), encoding="utf-8")
    everything = [result for results in sets.values() for result in results]
    write_page(written[2], "What the recognizer got wrong", everything)
    reads = {name: read for name, results in sets.items() if (read := _confidences(results))[0]}
    diagram = folder / "reliability.png"
    diagram.unlink(missing_ok=True)
    if not reads:
        return written
    try:
        draw(diagram, reads)
    except ModuleNotFoundError:
        return written
    return [*written, diagram]


def _read(result: PictureResult) -> dict[str, object]:
    return {
        "file": result.picture.path.name,
        "truth": result.truth,
        "read": result.read,
        "confidence": round(result.confidence, 4),
        "right": result.folded,
        "region": result.region,
        "region_claimed": result.claimed,
        "boxes": result.boxes,
        "boxes_found": result.boxes_found,
        "extra": result.extra,
    }


def _confidences(results: Sequence[PictureResult]) -> tuple[list[float], list[bool]]:
    read = [result for result in results if result.truth and result.read]
    return [result.confidence for result in read], [result.folded for result in read]
