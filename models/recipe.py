"""The recipe of the networks, as data in recipe.toml, and what goes through it: stage by stage, resumable.

Each stage runs the commands that a person would run, in a folder of its own. A stage that is done leaves a note of what
made it; the next run through the recipe begins at the first stage without one. A stage that was broken off goes on from
its checkpoint.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, Self

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from platepost.device.vision.detector import beside
from platepost.models.outputs import FILE, FOLDER, NEW_FOLDER

RECIPE: Final = Path(__file__).with_name("recipe.toml")
Net = Literal["detector", "hidden", "lettering", "reader", "region", "vehicle"]
_GRAFTED: Final[Mapping[Net, Net]] = {"hidden": "reader", "lettering": "region"}
"""What is learned upon a net, and that net."""


class Stage(BaseModel):
    """One training, or one mean of what others made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    net: Net
    start: str | None = None
    """The stage whose weights it begins with; fresh ones without."""
    reader: str | None = None
    """The stage whose reader finds the characters of real plates."""
    mean_of: tuple[str, ...] = ()
    calibrated: bool = False
    """Whether the reader's confidence is fitted."""
    options: Mapping[str, int | float] = {}
    """Of the training."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if bool(self.mean_of) == bool(self.options):
            raise ValueError(f"{self.name}: expected either options of a training or mean_of")
        if self.options and not {"steps", "seed"} <= self.options.keys():
            raise ValueError(f"{self.name}: expected steps and seed, or no second run would make the same")
        return self

    @property
    def makes(self) -> Net:
        """What its file is: a reader with the answer of `hidden` is a reader."""
        return _GRAFTED.get(self.net, self.net)

    @property
    def needs(self) -> tuple[str, ...]:
        """The stages that must be done before."""
        return tuple(name for name in (self.start, self.reader, *self.mean_of) if name)


class Recipe(BaseModel):
    """All stages in their order, and which of them make the files that ship."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ships: Mapping[Net, str]
    stages: tuple[Stage, ...]

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        done: dict[str, Stage] = {}
        for stage in self.stages:
            if stage.name in done:
                raise ValueError(f"{stage.name}: two stages have this name")
            missing = [name for name in stage.needs if name not in done]
            if missing:
                raise ValueError(f"{stage.name}: no stage before it is called {', '.join(missing)}")
            done[stage.name] = stage
        for net, name in self.ships.items():
            if name not in done or done[name].makes != net:
                raise ValueError(f"ships.{net}: no stage of this net is called {name}")
        return self

    @classmethod
    def read(cls, path: Path = RECIPE) -> Self:
        """Read a recipe.

        Raises:
            click.ClickException: it is none; the message says where.

        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
            raise click.ClickException(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a recipe is made with: folders of real photos, the first of them also with texts, and more texts."""

    photos: tuple[Path, ...]
    texts: Path | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the manifests and texts, hexadecimal; the photos themselves are taken for what those say."""
        whole = sha256()
        for path in (*(folder / "manifest.json" for folder in self.photos), *([self.texts] if self.texts else [])):
            whole.update(sha256(path.read_bytes()).digest())
        return whole.hexdigest()


class Kitchen:
    """Goes through a recipe in a folder.

    Args:
        recipe: what is to be done.
        folder: where everything is made.
        ingredients: what it is made with.
        run: runs `platepost models` with such arguments, and raises if that fails.

    """

    def __init__(
        self, recipe: Recipe, folder: Path, ingredients: Ingredients, run: Callable[[Sequence[str]], None]
    ) -> None:
        self._recipe = recipe
        self._folder = folder
        self._ingredients = ingredients
        self._run = run

    def cook(self) -> Iterator[tuple[Stage, bool]]:
        """Do every stage that is not done yet; yield each, and whether it had been done before.

        Raises:
            click.ClickException: a folder holds what another recipe or other photos began.

        """
        digests: dict[str, str] = {}
        for stage in self._recipe.stages:
            digests[stage.name] = digest = self._digest(stage, [digests[name] for name in stage.needs])
            note = self._folder / f"{stage.name}.json"
            report = json.loads(note.read_text(encoding="utf-8")) if note.exists() else None
            if report and report["of"] != digest:
                raise click.ClickException(
                    f"{stage.name} was begun by another recipe or with other photos: delete {note} and"
                    f" {self._folder / stage.name}, and what was made of it"
                )
            finished = report is not None and report["done"] and self._file(stage.name).exists()
            if not finished:
                self._note(note, digest, done=False)
                for command in self._commands(stage):
                    self._run(command)
                self._note(note, digest, done=True)
            yield stage, finished

    def shipped(self) -> dict[str, Path]:
        """Return the files that ship, by the name they ship under."""
        files = {f"{net}.tflite": self._file(name) for net, name in self._recipe.ships.items()}
        small = {beside(Path(name)).name: beside(path) for name, path in files.items() if name == "detector.tflite"}
        return files | small

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.tflite"

    def _note(self, note: Path, digest: str, *, done: bool) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = note.with_suffix(".part")
        part.write_text(json.dumps({"of": digest, "done": done}) + "\n", encoding="utf-8")
        part.replace(note)

    def _digest(self, stage: Stage, before: Sequence[str]) -> str:
        made_of: Any = [stage.model_dump(mode="json"), self._ingredients.digest, *before]
        return sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()

    def _commands(self, stage: Stage) -> Iterator[list[str]]:
        folder, output = str(self._folder / stage.name), str(self._file(stage.name))
        real, first = self._real(stage.net), self._real("region")
        if stage.mean_of:
            files = [str(self._file(name)) for name in stage.mean_of]
            yield ["average", stage.net, *files, output, *real, "--cache", folder]
            return
        options = [word for key, value in stage.options.items() for word in (f"--{key}", str(value))]
        start = ["--start", str(self._file(stage.start))] if stage.start else []
        reader = ["--reader", str(self._file(stage.reader))] if stage.reader else []
        texts = self._texts if stage.net in {"reader", "region"} else []
        yield ["train", stage.net, folder, *real, *texts, *start, *reader, *options]
        own = {"reader": first, "region": [*first, *texts, *start], "hidden": [*first, *start], "lettering": start}
        converted = own.get(stage.net, real)
        yield ["convert", stage.net, f"{folder}/last.pt", output, *converted]
        if stage.calibrated:
            yield ["calibrate", output, "--copies", "20", *first, *self._texts]

    @property
    def _texts(self) -> list[str]:
        return ["--texts", str(self._ingredients.texts)] if self._ingredients.texts else []

    def _real(self, net: Net) -> list[str]:
        photos = self._ingredients.photos[:1] if net == "region" else self._ingredients.photos
        return [word for folder in photos for word in ("--photos", str(folder))]


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
    result = subprocess.run([sys.executable, "-c", code, "models", *arguments], check=False)
    if result.returncode:
        raise click.ClickException(f"platepost models {' '.join(arguments)}: ended with {result.returncode}")
