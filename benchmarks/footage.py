"""How many passages of rendered traffic a post captures and reads right, by light and speed.

    python benchmarks/footage.py build/footage [--clips 4] [--condition day] [--mph 65]
    python benchmarks/footage.py build/footage --seeds 50 [--first 0]

Renders what is missing in the folder (half a second of CPU a frame, resumable: a clip that is there is not drawn again)
and plays every clip through the post's own vision. A further clip of each light and speed brings ten passages. With
`--seeds` each seed draws its own light, its speed between 25 and 75 mph, and six vehicles in three lanes. A hit is late
that could go out only more than two frames after the first look that bore it out by itself: that said what the passage
says in the end, as surely as a hit must be by all looks together. A hit is retracted if another text was safe on the
way: were that listed, it would be withdrawn.
With `--decoys` each seed draws two decoys instead, and no plate: lettering on a vehicle, and on a sign or a shirt.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.frame import Frame
from platepost.device.vision.clips import ClipRead
from platepost.device.vision.ctc import folded
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import FrameResult, Pipeline
from platepost.device.vision.recognizer import Recognizer
from platepost.simulator.scene.description import Decoy, Scene
from platepost.simulator.scene.encode import ClipWriter
from platepost.simulator.scene.renderer import Renderer
from platepost.simulator.scene.truth import GroundTruth
from platepost.simulator.scoring.replay import Replay
from platepost.simulator.scoring.score import Score, ScoredRead, score
from platepost.simulator.scoring.truth import load_truth
from tests.street_scenes import CONDITIONS, SPEEDS, campaign_scene, decoy_scene, drawn_scene


def render(scene: Scene, clip: Path) -> None:
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


class Watched(Pipeline):
    """The post's vision, with the frames in which a look first bore out each text, and its hit would first go out."""

    def __init__(self, recognizer: Recognizer) -> None:
        super().__init__(recognizer)
        self.said: dict[int, dict[str, int]] = defaultdict(dict)
        self.early: dict[int, dict[str, int]] = defaultdict(dict)

    def update(self, frame: Frame) -> FrameResult:
        result = super().update(frame)
        for passage in self.passages:
            look = passage.last
            if look.frame is frame and look.plate.reading.confidence >= passage.least_confidence:
                self.said[passage.number].setdefault(folded(look.plate.text), frame.number)
        for passage in result.early:
            self.early[passage.number].setdefault(folded(passage.consensus.text), frame.number)
        return result

    def waited(self, passage: Passage) -> int | None:
        """Return how many frames a hit came after the first look that bore it out; None without a hit.

        A hit of a text that no look bore out by itself came as soon as it could.
        """
        text = folded(passage.consensus.text)
        early = self.early[passage.number].get(text)
        return None if early is None else max(0, early - self.said[passage.number].get(text, early))

    def retracted(self, passage: Passage) -> bool:
        """Return whether a hit of another text would have gone out on the way, to be withdrawn."""
        return any(text != folded(passage.consensus.text) for text in self.early[passage.number])


def watched_reads(clip: Path, recognizer: Recognizer) -> tuple[list[ClipRead], Watched]:
    run = Replay(FootageCamera(path=clip, pace="fast"), recognizer)
    run.pipeline = watched = Watched(recognizer)
    return list(run.reads()), watched


def judge(clip: Path, recognizer: Recognizer) -> tuple[Score, Watched, Counter[str]]:
    reads, watched = watched_reads(clip, recognizer)
    waits = [watched.waited(read.passage) for read in reads]
    late = Counter(
        hits=len(waits) - waits.count(None),
        late=sum(wait is not None and wait > 2 for wait in waits),
        retracted=sum(watched.retracted(read.passage) for read in reads),
    )
    return (
        score([ScoredRead.of(r) for r in reads], load_truth(clip.with_suffix(".truth.json"), clip=clip.name)),
        watched,
        late,
    )


def table(cells: dict[tuple[str, int], Counter[str]]) -> Table:
    counted = ("duplicates", "undue", "hits", "late", "retracted", "frames")
    drawn = Table("light", "mph", "passages", "captured", "right", "read twice", *counted[1:])
    total: Counter[str] = Counter()
    for (condition, mph), cell in [*cells.items(), (("all", 0), total)]:
        if condition != "all":
            total += cell
        captured, passages = cell["captured"], max(cell["passages"], 1)
        drawn.add_row(
            condition, str(mph or ""), str(cell["passages"]), f"{captured / passages:.1%}",
            f"{cell['right'] / max(captured, 1):.1%}",
            *(str(cell[name]) for name in counted),
        )  # fmt: skip
    return drawn


def judge_decoys(clip: Path, decoys: Sequence[Decoy], recognizer: Recognizer) -> dict[str, object]:
    """Say by which texts a post would send hits of a clip without a plate, on the way or at the end."""
    reads, watched = watched_reads(clip, recognizer)
    told = {text for texts in watched.early.values() for text in texts} | {folded(read.text) for read in reads}
    lines = [line for decoy in decoys for line in (decoy.text, *decoy.text.split("\n"))]
    written = {folded("".join(filter(str.isalnum, line))) for line in lines}
    return {
        "clip": clip.name, "decoys": [f"{decoy.kind} {decoy.text!r}" for decoy in decoys],
        "looks": watched.counters.sightings, "reads": [(read.text, round(read.confidence, 3)) for read in reads],
        "told": sorted(told), "hits, were it listed": sorted(told & written),
    }  # fmt: skip


def show_decoys(folder: Path, seeds: Iterable[int], recognizer: Recognizer, *, draw: bool) -> None:
    """Print a line of JSON for each clip of decoys that is there, or is drawn."""
    for seed in seeds:
        clip, scene = folder / f"decoys-{seed}.mp4", decoy_scene(seed)
        if draw and not clip.exists():
            render(scene, clip)
        if clip.exists():
            print(json.dumps(judge_decoys(clip, scene.decoys, recognizer)), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=4, help="clips of ten passages for each light and speed")
    parser.add_argument("--seeds", type=int, default=0, help="clips of six vehicles in three lanes instead, one a seed")
    parser.add_argument("--decoys", type=int, default=0, help="clips with two decoys each instead, one a seed")
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--condition", choices=CONDITIONS, action="append")
    parser.add_argument("--mph", type=int, choices=SPEEDS, action="append")
    parser.add_argument("--no-render", action="store_true", help="score only the clips that are there")
    parser.add_argument("--json", type=Path, help="write what became of each passage")
    told = parser.parse_args(arguments)
    told.folder.mkdir(parents=True, exist_ok=True)
    recognizer = Recognizer.load()
    if told.decoys:
        show_decoys(told.folder, range(told.first, told.first + told.decoys), recognizer, draw=not told.no_render)
        return
    cells: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    rows = []
    drawings = {
        f"{condition}-{mph}-{number}": partial(campaign_scene, condition, mph, number=number)
        for number in range(told.clips)
        for condition in told.condition or CONDITIONS
        for mph in told.mph or SPEEDS
    }
    if told.seeds:
        drawings = {f"seed-{seed}": partial(drawn_scene, seed) for seed in range(told.first, told.first + told.seeds)}
    for name, draw in drawings.items():
        clip = told.folder / f"{name}.mp4"
        if not clip.exists() and not told.no_render:
            render(draw(), clip)
        if not clip.exists():
            continue
        found, pipeline, late = judge(clip, recognizer)
        drawn = draw()
        cells[drawn.weather.light, 0 if told.seeds else round(drawn.passing[0].mph)] += late + Counter(
            passages=found.passages, captured=found.captured, right=found.right_folded,
            duplicates=found.duplicates, undue=len(found.undue), frames=pipeline.counters.frames,
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
        rows += [{"clip": clip.name, "undue": r.text, "frames": (r.first_frame, r.last_frame)} for r in found.undue]
    Console().print(table(dict(sorted(cells.items()))))
    if told.json:
        told.json.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
