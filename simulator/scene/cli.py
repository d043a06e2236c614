"""`platepost simulate render`: a scene file to a clip with its truth."""

from contextlib import ExitStack
from pathlib import Path

import click
import cv2
from rich.progress import track

from platepost.common.commands.options import Number
from platepost.common.signals import check
from platepost.simulator.errors import SceneError
from platepost.simulator.scene.description import load_scene
from platepost.simulator.scene.encode import ClipWriter
from platepost.simulator.scene.renderer import Renderer
from platepost.simulator.scene.truth import GroundTruth
from platepost.simulator.scene.watch import write_watch


@click.command(
    epilog="""\b
Examples:
  platepost simulate render simulator/scene/scenes/street_rain.toml build/rain.mp4
  platepost simulate render simulator/scene/scenes/street_dusk.toml --preview dusk.png --at 3.5
"""
)
@click.argument("scene", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--frames", type=click.IntRange(min=1), help="Render only the first N frames.")
@click.option(
    "--preview",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Render one frame to a PNG instead; choose it with --at.",
)
@click.option(
    "--at", "second", type=Number(0, 600), default=0.0, show_default=True, help="Time of the preview, seconds."
)
def render(scene: Path, out: Path | None, frames: int | None, preview: Path | None, second: float) -> None:
    """Render the scene file SCENE to the clip OUT (MP4, H.264).

    It also writes the ground truth (OUT.truth.json, OUT.frames.json) and, if the scene has a [watch] table, the hot
    list, the patterns and the expected hits. Needs OpenGL 3.3: a graphics card, or on Debian `apt-get install libegl1
    libgl1-mesa-dri`.
    """
    described = load_scene(scene)
    if preview is None and out is None:
        raise click.UsageError("give OUT for the clip, or --preview PNG")
    with ExitStack() as stack:
        renderer = stack.enter_context(Renderer(described))
        if preview is not None:
            picture = renderer.shot(round(second * described.clip.fps)).picture
            if not cv2.imwrite(str(preview), picture):
                raise SceneError(f"cannot write {preview}")
            return
        assert out is not None  # noqa: S101  checked above
        count = min(frames or len(renderer), len(renderer))
        truth = GroundTruth(described, out.name)
        size = (described.lens.width, described.lens.height)
        writer = stack.enter_context(ClipWriter(out, size=size, fps=described.clip.fps, quality=described.clip.quality))
        for number in track(range(count), description=out.name):
            check()
            shot = renderer.shot(number)
            writer.add(shot.picture)
            truth.add(shot.sights)
    truth.write(out)
    if described.watch is not None:
        write_watch(described, truth.passages(), out)
    click.echo(f"{out}: {count} frames, {len(truth.passages())} passages, {out.stat().st_size / 1e6:.1f} MB")
