"""`platepost models make`: go through the recipe."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from platepost.models.outputs import FILE, FOLDER, NEW_FOLDER
from platepost.models.recipe import RECIPE, Ingredients, Kitchen, Recipe


@click.command
@click.argument("folder", type=NEW_FOLDER)
@click.option(
    "--photos",
    type=FOLDER,
    multiple=True,
    required=True,
    help="Folder of real photos with plate boxes and a manifest.json; repeat for more, the one with texts first.",
)
@click.option("--texts", type=FILE, help="Transcriptions of plates without a text in the first manifest.")
@click.option("--recipe", type=FILE, default=RECIPE, help="Use another recipe.")
def make(*, folder: Path, photos: tuple[Path, ...], texts: Path | None, recipe: Path) -> None:
    """Train the networks from scratch in FOLDER, by the recipe; run it again to continue."""
    kitchen = Kitchen(Recipe.read(recipe), folder, Ingredients(photos, texts), _run)
    for stage, before in kitchen.cook():
        click.echo(f"{stage.name}: {'was done before' if before else 'done'}", err=True)
    for name, path in kitchen.shipped().items():
        click.echo(f"{path} is {name}")


def _run(arguments: Sequence[str]) -> None:
    """Run one of the other commands in a process of its own, so that torch and TensorFlow never share one."""
    code = "import sys; from platepost.device.cli import main; sys.argv[0] = 'platepost'; main()"
    done = subprocess.run([sys.executable, "-c", code, "models", *arguments], check=False)
    if done.returncode:
        raise click.ClickException(f"platepost models {' '.join(arguments)}: ended with {done.returncode}")
