"""The recipe that `make models` goes through, and what becomes of it when it is broken off."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from platepost.device.vision.detector import beside
from platepost.models.cli import models
from platepost.models.recipe import RECIPE, Ingredients, Kitchen, Recipe

ROOT = Path(__file__).parents[2]
TINY = """
[ships]
reader = "second"

[[stages]]
name = "first"
net = "reader"
options = { steps = 2, rate = 1e-3, seed = 1 }

[[stages]]
name = "second"
net = "reader"
start = "first"
calibrated = true
options = { steps = 3, seed = 2 }
"""


class Killed(Exception):  # noqa: N818 - it is no error of the recipe's
    """Stands for a machine that is switched off."""


class Cook:
    """Runs nothing: keeps what it was to run, makes the files that would come of it, and dies where it is told to."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.dies_at: int | None = None

    def __call__(self, command: Sequence[str]) -> None:
        self.ran.append(list(command))
        if len(self.ran) - 1 == self.dies_at:
            raise Killed
        for word in command:
            if word.endswith(".tflite"):
                Path(word).touch()


@pytest.fixture
def ingredients(tmp_path: Path) -> Ingredients:
    for name in ("photos", "more"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(f'{{"name": "{name}"}}')
    (tmp_path / "texts.json").write_text("{}")
    return Ingredients((tmp_path / "photos", tmp_path / "more"), tmp_path / "texts.json")


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    (tmp_path / "recipe.toml").write_text(TINY)
    return Recipe.read(tmp_path / "recipe.toml")


def cook(recipe: Recipe, folder: Path, ingredients: Ingredients, run: Cook) -> list[bool]:
    """Go through a recipe; tell of each stage whether it had been done before."""
    return [before for _, before in Kitchen(recipe, folder, ingredients, run).cook()]


def options(arguments: list[str]) -> dict[str, object]:
    """Parse the arguments of one command as it does itself."""
    command: click.Command = models
    while isinstance(command, click.Group):
        name, *arguments = arguments
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    return command.make_context("recipe", list(arguments)).params


def test_each_command_takes_what_the_recipe_gives_it(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, run = Recipe.read(), Cook()
    kitchen = Kitchen(recipe, tmp_path / "made", ingredients, run)
    list(kitchen.cook())
    monkeypatch.chdir(tmp_path)
    for command in run.ran:
        for word in command:
            if word.endswith(".pt"):
                Path(word).parent.mkdir(exist_ok=True)
                Path(word).touch()
    for command in run.ran:
        options(command)
    trained = [command for command in run.ran if command[0] == "train"]
    assert [options(command)["steps"] for command in trained] == [
        s.options["steps"] for s in recipe.stages if s.options
    ]
    shipped = kitchen.shipped()
    assert shipped.pop("detector-near.tflite") == beside(shipped["detector.tflite"])  # what the commands write with it
    assert set(shipped) == {"detector.tflite", "reader.tflite", "region.tflite", "vehicle.tflite"}
    assert all(path.exists() for path in shipped.values())


def test_no_two_trainings_of_a_net_draw_the_same_plates() -> None:
    stages = [stage for stage in Recipe.read().stages if stage.options]
    assert len({(stage.net, stage.options["seed"]) for stage in stages}) == len(stages)


def test_a_stage_begins_with_what_it_builds_on(recipe: Recipe, ingredients: Ingredients, tmp_path: Path) -> None:
    run = Cook()
    assert cook(recipe, tmp_path, ingredients, run) == [False, False]
    train = next(command for command in run.ran if command[:3] == ["train", "reader", str(tmp_path / "second")])
    assert train[train.index("--start") + 1] == str(tmp_path / "first.tflite")
    assert [command[0] for command in run.ran] == ["train", "convert", "train", "convert", "calibrate"]


def test_what_is_done_is_not_done_again(recipe: Recipe, ingredients: Ingredients, tmp_path: Path) -> None:
    cook(recipe, tmp_path, ingredients, Cook())
    again = Cook()
    assert cook(recipe, tmp_path, ingredients, again) == [True, True]
    assert again.ran == []


@pytest.mark.parametrize(("dies_at", "left"), [(0, 5), (1, 5), (2, 3), (3, 3), (4, 3)])
def test_broken_off_it_goes_on_with_the_stage_that_was_not_done(
    recipe: Recipe, ingredients: Ingredients, tmp_path: Path, dies_at: int, left: int
) -> None:
    run = Cook()
    run.dies_at = dies_at
    with pytest.raises(Killed):
        cook(recipe, tmp_path, ingredients, run)
    again = Cook()
    cook(recipe, tmp_path, ingredients, again)
    assert len(again.ran) == left
    assert again.ran[0][:2] == ["train", "reader"], "its checkpoint says how far it had come"


def test_what_another_recipe_or_other_photos_began_is_no_beginning(
    recipe: Recipe, ingredients: Ingredients, tmp_path: Path
) -> None:
    cook(recipe, tmp_path, ingredients, Cook())
    (tmp_path / "changed.toml").write_text(TINY.replace("steps = 2", "steps = 4"))
    with pytest.raises(click.ClickException, match="first was begun by another recipe"):
        cook(Recipe.read(tmp_path / "changed.toml"), tmp_path, ingredients, Cook())
    (tmp_path / "changed.toml").write_text(TINY.replace("steps = 3", "steps = 4"))
    with pytest.raises(click.ClickException, match="second was begun by another recipe"):
        cook(Recipe.read(tmp_path / "changed.toml"), tmp_path, ingredients, Cook())
    (tmp_path / "photos" / "manifest.json").write_text('{"name": "others"}')
    with pytest.raises(click.ClickException, match="first was begun"):
        cook(recipe, tmp_path, ingredients, Cook())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('start = "first"', 'start = "third"', "no stage before it is called third"),
        ('name = "second"', 'name = "first"', "two stages have this name"),
        ('reader = "second"', 'detector = "second"', "no stage of this net is called second"),
        ("steps = 3, ", "", "expected steps and seed"),
        ("options = { steps = 3, seed = 2 }", "", "either options of a training or mean_of"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(TINY.replace(old, new))
    with pytest.raises(click.ClickException, match=told):
        Recipe.read(path)


def test_make_models_goes_through_the_recipe() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is missing: apt-get install make")
    told = subprocess.run(
        ["make", "-n", "models", "PHOTOS=a b", "TEXTS=t"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    (line,) = (line for line in told.stdout.splitlines() if "platepost models" in line)
    assert line.split("platepost models ", 1)[1] == "make build/models --photos a --photos b --texts t"
    assert RECIPE.exists()
