"""`platepost models evaluate`: the recogniser's figures on labelled pictures."""

import dataclasses
import json
import sys
from pathlib import Path

import click
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
    table, everything = _table(), []
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
        _add_row(table, manifest.path.parent.name, summary)
        if as_json:
            click.echo(json.dumps({"manifest": str(path), **dataclasses.asdict(summary)}))
    if not as_json:
        Console().print(table)
    _write(page, everything)


def _write(page: Path | None, outcomes: list[Outcome]) -> None:
    if page is not None:
        count = write_page(page, "What the recogniser got wrong", outcomes)
        click.echo(f"{count} failures in {page}", err=True)


def _table() -> Table:
    table = Table(title="Recogniser against truth")
    for name in ("set", "pictures", "strict", "O=0 I=1", "any plate", "characters", "at 99 %", "boxes", "extra", "ms"):
        table.add_column(name, justify="left" if name == "set" else "right")
    return table


def _add_row(table: Table, name: str, summary: Summary) -> None:
    shares = (
        summary.strict,
        summary.folded,
        summary.anywhere,
        summary.characters,
        summary.coverage,
        summary.box_recall,
    )
    extra = "-" if summary.extra is None else f"{summary.extra:.2f}"
    detect, read, total = summary.milliseconds
    table.add_row(
        name,
        str(summary.pictures),
        *("-" if share is None else f"{share:.1%}" for share in shares),
        extra,
        f"{detect:.1f}+{read:.1f}={total:.1f}",
    )
