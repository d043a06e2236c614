"""The demonstration's hot list: what is on it, decoys that match nothing, and the hits that are due."""

import csv
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from platepost.simulator.errors import SceneError
from platepost.simulator.scene.description import Pattern, Scene
from platepost.wire.hotlist.keys import PlateText, fold, plate_key

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_CATEGORIES = (("stolen_vehicle", 1), ("stolen_plate", 2), ("felony_vehicle", 1), ("missing_person", 1), ("bolo", 3))
_ENTERED, _EXPIRES = "2026-01-05T08:00:00Z", "2036-01-05T08:00:00Z"


def fits(pattern: Pattern, plate: str) -> bool:
    """Whether a plate fits a partial pattern, look-alikes counted equal."""
    if pattern.characters is not None and len(plate) != pattern.characters:
        return False
    return fnmatchcase(plate_key(plate), fold(PlateText(pattern.pattern)))


def _differences(first: str, second: str) -> int:
    """Edit distance (Levenshtein) of two plates in folded form."""
    a, b = plate_key(first), plate_key(second)
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]


def decoys(scene: Scene) -> list[str]:
    """Invented plates that differ from every passage in at least three characters."""
    if scene.watch is None:
        return []
    rng = np.random.default_rng(scene.watch.seed)
    problems: list[str] = []
    seen = {plate_key(passing.text) for passing in scene.passing} | {
        plate_key(entry.plate) for entry in scene.watch.listed
    }

    def letters(count: int) -> str:
        return "".join(rng.choice(list(_LETTERS), count))

    while len(problems) < scene.watch.decoys:
        number = f"{int(rng.integers(1000)):03d}"
        kind = rng.random()
        if kind < 0.75:
            plate = f"{int(rng.integers(1, 10))}{letters(3)}{number}"
        elif kind < 0.9:
            plate = f"{int(rng.integers(1, 10))}{letters(1)}{int(rng.integers(10000, 100000))}"
        else:
            plate = f"{letters(3)}{int(rng.integers(1000, 10000))}"
        far = all(_differences(plate, passing.text) >= 3 for passing in scene.passing)
        fitting = any(fits(pattern, plate) for pattern in scene.watch.pattern)
        if far and not fitting and plate_key(plate) not in seen:
            seen.add(plate_key(plate))
            problems.append(plate)
    return problems


def due(scene: Scene, texts: list[str]) -> list[dict[str, Any]]:
    """Give the hits that passages with these texts must raise.

    Raises SceneError when an entry or a pattern is met by no passage, or a passage by two.
    """
    watch = scene.watch
    if watch is None:
        return []
    hits: list[dict[str, Any]] = []
    for entry in watch.listed:
        met = [index for index, text in enumerate(texts) if plate_key(text) == plate_key(entry.plate)]
        if len(met) != 1:
            raise SceneError(f"watch.listed {entry.plate} is met by {len(met)} passages, not by one")
        kind = "exact" if texts[met[0]] == entry.plate else "look_alike"
        hits.append({"passage": met[0], "kind": kind, "category": entry.category})
    for pattern in watch.pattern:
        met = [index for index, text in enumerate(texts) if fits(pattern, text)]
        if len(met) != 1:
            raise SceneError(f"watch.pattern {pattern.pattern} is met by {len(met)} passages, not by one")
        hits.append({"passage": met[0], "kind": "partial", "category": pattern.category})
    if len({hit["passage"] for hit in hits}) != len(hits):
        raise SceneError("a passage meets two entries of the watch list")
    return sorted(hits, key=lambda hit: int(hit["passage"]))


def write_watch(scene: Scene, passages: list[dict[str, Any]], clip: Path) -> None:
    """Write CLIP.hotlist.csv, CLIP.patterns.csv and CLIP.due.json beside the clip."""
    watch = scene.watch
    if watch is None:
        return
    rng = np.random.default_rng([watch.seed, 1])
    rows = [
        [entry.plate, entry.state, entry.category, entry.priority, _ENTERED, _EXPIRES, entry.reference]
        for entry in watch.listed
    ]
    for number, plate in enumerate(decoys(scene)):
        category, priority = _CATEGORIES[int(rng.integers(len(_CATEGORIES)))]
        rows.append([plate, "CA", category, priority, _ENTERED, _EXPIRES, f"DEMO-{number + 1001}"])
    order = rng.permutation(len(rows))
    with clip.with_suffix(".hotlist.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["plate", "state", "category", "priority", "entered", "expires", "reference"])
        table.writerows(rows[int(index)] for index in order)
    with clip.with_suffix(".patterns.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["pattern", "characters", "state", "category", "priority", "case", "author", "expires"])
        for pattern in watch.pattern:
            length = "" if pattern.characters is None else pattern.characters
            table.writerow(
                [
                    pattern.pattern,
                    length,
                    pattern.state,
                    pattern.category,
                    pattern.priority,
                    pattern.case,
                    pattern.author,
                    _EXPIRES,
                ]
            )
    hits = due(scene, [str(passage["text"]) for passage in passages])
    clip.with_suffix(".due.json").write_text(json.dumps(hits, indent=1) + "\n", "utf-8")
