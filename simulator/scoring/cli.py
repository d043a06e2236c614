"""`platepost simulate replay`: what a post would read of a clip."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from platepost.common.commands.options import Number
from platepost.device.backends import CameraAddress
from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.commands.options import PathOrAddress, camera_login
from platepost.device.vision.clips import ClipRead
from platepost.device.vision.recognizer import Recognizer
from platepost.simulator.scoring.replay import Replay
from platepost.simulator.scoring.score import Score, ScoredRead, score
from platepost.simulator.scoring.tables import pace_line, reads_table, score_table, summary
from platepost.simulator.scoring.truth import load_truth


@click.command(
    epilog="""\b
Examples:
  platepost simulate replay simulator/footage/street.mp4
  platepost simulate replay simulator/footage/street.mp4 --truth simulator/footage/street.truth.json
  platepost simulate replay --fps 10 --json photos/ > reads.jsonl
  platepost simulate replay post-7.recording --key recordings.pem
  platepost simulate replay --seconds 600 --camera-user post --camera-password-file FILE rtsp://192.168.1.20/stream1
"""
)
@click.argument("clip", type=PathOrAddress(exists=True))
@camera_login
@click.option(
    "--seconds",
    type=Number(1, 86_400),
    default=60,
    show_default=True,
    help="How long a camera is read, which does not end by itself.",
)
@click.option(
    "--truth",
    "truth_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ground truth to score the reads against.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per read, then one with the score.")
@click.option("--fps", type=Number(0.001, 1000), help="Frames per second of a folder of images.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Private key that decrypts a post's recording.",
)
@click.option("--detector", type=click.Path(exists=True, path_type=Path), help="Use another detector.tflite.")
@click.option("--reader", type=click.Path(exists=True, path_type=Path), help="Use another reader.tflite.")
def replay(
    *,
    clip: Path | CameraAddress,
    login: Callable[[str], CameraAddress],
    seconds: float,
    truth_path: Path | None,
    as_json: bool,
    fps: float | None,
    key: Path | None,
    detector: Path | None,
    reader: Path | None,
) -> None:
    """Print the reads that a post would make from CLIP: a video, a folder of images, or the address of a camera.

    Nothing is published. No frame of a file is dropped, and it runs as fast as this machine can; a camera is read live.
    """
    recognizer = Recognizer.load(detector=detector, reader=reader)
    if isinstance(clip, CameraAddress):
        if truth_path is not None or fps is not None or key is not None:
            raise click.UsageError("--truth, --fps and --key are for files, not for a camera.")
        truth = None
        run = Replay(login(clip.address).camera(), recognizer, limit_seconds=seconds)
    else:
        truth = load_truth(truth_path, clip=clip.name) if truth_path is not None else None
        run = Replay(FootageCamera(path=clip, pace="fast", frames_per_second=fps, key=key), recognizer)
    reads = _play(run, as_json=as_json)
    run_score = score([ScoredRead.of(read) for read in reads], truth) if truth is not None else None
    if as_json:
        if run_score is not None:
            click.echo(json.dumps({"score": _score_json(run_score)}))
        return
    console = Console()
    console.print(reads_table(reads))
    if run_score is not None:
        console.print(score_table(run_score))
        console.print(summary(run_score))
    console.print(pace_line(run))


def _play(run: Replay, *, as_json: bool) -> list[ClipRead]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=None)
        run.on_frame = lambda done, of: progress.update(task, completed=done, total=of or None)
        reads = []
        for read in run.reads():
            reads.append(read)
            if as_json:
                click.echo(json.dumps(read.as_json()))
    return reads


def _score_json(score: Score) -> dict[str, Any]:
    return {
        "passages": score.passages,
        "captured": score.captured,
        "read_right": score.right,
        "read_right_folded": score.right_folded,
        "undue_reads": [{"text": read.text, "confidence": round(read.confidence, 4)} for read in score.undue],
        "duplicates": score.duplicates,
        "outcomes": [
            {
                "truth": outcome.passage.text,
                "read": outcome.read.text if outcome.read else None,
                "right": outcome.right,
                "right_folded": outcome.right_folded,
            }
            for outcome in score.outcomes
        ],
    }
