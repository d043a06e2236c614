"""`platepost simulate redact`: footage without plates and faces, for sharing."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from platepost.common.commands.options import Number
from platepost.device.camera.footage.recordings import open_recording
from platepost.device.frame import Box
from platepost.simulator.errors import RedactionError
from platepost.simulator.redaction.redact import Redacted, Redactor

LIMITS = (
    "Look through it before you share it: faces from the side, behind glare or far away, and plates in a picture "
    "that is turned on its side, may be left, and so may names in a caption."
)


class _BoxType(click.ParamType[Box]):
    name = "LEFT,TOP,RIGHT,BOTTOM"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Box:
        try:
            left, top, right, bottom = (float(number) for number in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not {self.name}, pixels", param, ctx)
        if not all(map(math.isfinite, (left, top, right, bottom))):
            self.fail(f"{value!r}: an edge is a number of pixels", param, ctx)
        if right <= left or bottom <= top:
            self.fail(f"{value!r}: right must lie right of left, and bottom below top", param, ctx)
        return left, top, right, bottom


@click.command(
    epilog="""\b
Examples:
  platepost simulate redact dusk.mp4 dusk.redacted.mp4
  platepost simulate redact post-7.recording shared.mp4 --key recordings.pem
  platepost simulate redact dusk.mp4 shared.mp4 --cover 0,680,420,720       a caption

\b
Every plate found at a threshold far below a post's, and every face found by BlazeFace, is covered in all frames,
including those where it was missed; nothing of it shows through. Then every frame is read again, and OUT is not written
if a plate can still be read. Sound and metadata (place, date, camera) are removed.
"""
)
@click.argument("source", metavar="IN", type=click.Path(exists=True, path_type=Path))
@click.argument("out", metavar="OUT.mp4", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Private key that decrypts a post's recording.",
)
@click.option("--fps", type=Number(0.001, 1000), help="Frames per second of a folder of images.")
@click.option("--cover", "always", multiple=True, type=_BoxType(), help="Also cover this box in every frame.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as one line of JSON.")
def redact(
    *, source: Path, out: Path, key: Path | None, fps: float | None, always: tuple[Box, ...], as_json: bool
) -> None:
    """Copy IN (a video, a folder of images, or a post's recording) to OUT.mp4 without plates and faces."""
    if out.suffix != ".mp4":
        raise RedactionError(f"{out}: the name must end in .mp4")
    if out.exists():
        raise RedactionError(f"{out} exists already")
    recording = open_recording(source, frames_per_second=fps, key=key)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("looking", total=None)
        redactor = Redactor(
            always=always,
            progress=lambda stage, done, of: progress.update(bar, description=stage, completed=done, total=of or None),
        )
        redacted = redactor.redact(recording, out)
    if as_json:
        click.echo(json.dumps(asdict(redacted) | {"out": str(out)}))
        return
    click.echo(_words(redacted, out))


def _words(redacted: Redacted, out: Path) -> str:
    return (
        f"{out}: {redacted.frames} frames, {redacted.plates} plates and {redacted.faces} faces covered "
        f"({redacted.covers} covers, {redacted.again} of them by the second look). {LIMITS}"
    )
