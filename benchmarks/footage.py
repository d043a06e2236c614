"""How many passages of rendered traffic a post captures and reads right, by light and speed.

    python benchmarks/footage.py build/footage [--clips 4] [--condition day] [--mph 65]

Renders what is missing in the folder (half a second of CPU a frame, resumable: a clip that is there is not drawn again)
and plays every clip through the post's own vision. A further clip of each light and speed brings ten passages.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from device.vision.recognizer import Recognizer
from simulator.scene.campaign import CONDITIONS, SPEEDS, campaign_scene
from simulator.scene.encode import ClipWriter
from simulator.scene.renderer import Renderer
from simulator.scene.truth import GroundTruth
from simulator.scoring.replay import Replay
from simulator.scoring.score import Score, ScoredRead, score
from simulator.scoring.truth import load_truth


def render(condition: str, mph: int, number: int, clip: Path) -> None:
    scene = campaign_scene(condition, mph, number=number)
    truth = GroundTruth(scene, clip.name)
    partial = clip.with_name(f"partial-{clip.name}")
    with Renderer(scene) as renderer:
        size = (scene.lens.width, scene.lens.height)
        with ClipWriter(partial, size=size, fps=scene.clip.fps, quality=scene.clip.quality, preset="veryfast") as out:
            for frame in track(range(len(renderer)), description=clip.name, console=Console(stderr=True)):
                shot = renderer.shot(frame)
                out.add(shot.picture)
                truth.add(shot.sights)
    truth.write(clip)
    partial.rename(clip)


def judge(clip: Path, recognizer: Recognizer) -> tuple[Score, Replay]:
    run = Replay(clip, recognizer)
    reads = [ScoredRead.of(read) for read in run.reads()]
    return score(reads, load_truth(clip.with_suffix(".truth.json"), clip=clip.name)), run


def table(cells: dict[tuple[str, int], Counter[str]]) -> Table:
    drawn = Table("light", "mph", "passages", "captured", "right of captured", "read twice", "undue", "frames")
    total: Counter[str] = Counter()
    for (condition, mph), cell in [*cells.items(), (("all", 0), total)]:
        if condition != "all":
            total += cell
        captured, passages = cell["captured"], max(cell["passages"], 1)
        drawn.add_row(
            condition, str(mph or ""), str(cell["passages"]), f"{captured / passages:.1%}",
            f"{cell['right'] / max(captured, 1):.1%}", str(cell["duplicates"]), str(cell["undue"]), str(cell["frames"]),
        )  # fmt: skip
    return drawn


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=4, help="clips of ten passages for each light and speed")
    parser.add_argument("--condition", choices=CONDITIONS, action="append")
    parser.add_argument("--mph", type=int, choices=SPEEDS, action="append")
    parser.add_argument("--no-render", action="store_true", help="score only the clips that are there")
    parser.add_argument("--json", type=Path, help="write what became of each passage")
    told = parser.parse_args(arguments)
    told.folder.mkdir(parents=True, exist_ok=True)
    recognizer = Recognizer.load()
    cells: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    rows = []
    for number in range(told.clips):
        for condition in told.condition or CONDITIONS:
            for mph in told.mph or SPEEDS:
                clip = told.folder / f"{condition}-{mph}-{number}.mp4"
                if not clip.exists() and not told.no_render:
                    render(condition, mph, number, clip)
                if not clip.exists():
                    continue
                found, run = judge(clip, recognizer)
                cells[condition, mph] += Counter(
                    passages=found.passages, captured=found.captured, right=found.right_folded,
                    duplicates=found.duplicates, undue=len(found.undue), frames=run.pipeline.counters.frames,
                )  # fmt: skip
                for outcome in found.outcomes:
                    read = outcome.read
                    rows.append(
                        {
                            "clip": clip.name, "truth": outcome.passage.text, "design": outcome.passage.design,
                            "frames": outcome.passage.frames, "direction": outcome.passage.direction,
                            "read": read.text if read else None, "confidence": read.confidence if read else None,
                            "right": outcome.right_folded, "duplicates": [twin.text for twin in outcome.duplicates],
                        }
                    )  # fmt: skip
                rows += [
                    {"clip": clip.name, "undue": r.text, "frames": (r.first_frame, r.last_frame)} for r in found.undue
                ]
    Console().print(table(dict(sorted(cells.items()))))
    if told.json:
        told.json.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
