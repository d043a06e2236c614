"""`platepost models evaluate`: the recogniser's figures on labelled pictures."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from device.vision.detector import MINIMUM_SCORE
from device.vision.recogniser import Recogniser
from models.evaluate.manifest import read_manifest
from models.evaluate.metrics import Outcome, Summary, summarise
from models.evaluate.page import write_page
from models.evaluate.run import evaluate_manifest


@click.command(
    epilog="""\b
Examples:
  platepost models evaluate data/us_photos
  platepost models evaluate --crop --page failures.html data/us_crops/manifest.json
"""
)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--crop", is_flag=True, help="The pictures are plates cut out already.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON a manifest.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write the failures as an HTML page.")
@click.option("--detector", type=click.Path(path_type=Path, dir_okay=False), help="Another detector.tflite.")
@click.option("--reader", type=click.Path(path_type=Path, dir_okay=False), help="Another reader.tflite.")
@click.option("--minimum-score", type=click.FloatRange(0, 1), default=MINIMUM_SCORE, show_default=True)
def evaluate(
    *,
    manifests: tuple[Path, ...],
    crop: bool,
    as_json: bool,
    page: Path | None,
    detector: Path | None,
    reader: Path | None,
    minimum_score: float,
) -> None:
    """Recognise the pictures of MANIFESTS (files, or folders with manifest.json) and compare with the truth."""
    recogniser = Recogniser.load(detector=detector, reader=reader, minimum_score=minimum_score)
    summaries: dict[str, Summary] = {}
    everything: list[Outcome] = []
    for path in manifests:
        manifest = read_manifest(path)
        outcomes = list(
            track(
                evaluate_manifest(manifest, recogniser, crop=crop),
                total=len(manifest.pictures),
                description=manifest.path.parent.name,
                console=Console(stderr=True),
                disable=as_json or not sys.stderr.isatty(),
            )
        )
        everything += outcomes
        summary = summarise(outcomes)
        summaries[manifest.path.parent.name] = summary
        if as_json:
            click.echo(json.dumps({"manifest": str(path), **dataclasses.asdict(summary)}))
    if not as_json:
        Console().print(_table(summaries))
    _write(page, everything)


def _write(page: Path | None, outcomes: list[Outcome]) -> None:
    if page is not None:
        count = write_page(page, "What the recogniser got wrong", outcomes)
        click.echo(f"{count} failures in {page}", err=True)


def _table(summaries: dict[str, Summary]) -> Table:
    """One column a set, one row a figure."""
    table = Table(title="Recogniser against truth", box=SIMPLE)
    table.add_column("")
    for name in summaries:
        table.add_column(name, justify="right")
    rows: dict[str, Callable[[Summary], str]] = {
        "pictures": lambda summary: str(summary.pictures),
        "best plate right": lambda summary: _percent(summary.strict),
        "best plate right, O=0 I=1": lambda summary: _percent(summary.folded),
        "any plate right, O=0 I=1": lambda summary: _percent(summary.anywhere),
        "characters right": lambda summary: _percent(summary.characters),
        "share read at 99 % correct": lambda summary: _percent(summary.coverage),
        "plates found (IoU 0.5)": lambda summary: _percent(summary.box_recall),
        "extra plates a picture": lambda summary: "-" if summary.extra is None else f"{summary.extra:.2f}",
        "ms, detector + reader": lambda summary: " + ".join(f"{part:.1f}" for part in summary.milliseconds[:2]),
    }
    for name, cell in rows.items():
        table.add_row(name, *(cell(summary) for summary in summaries.values()))
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
