"""`platepost simulate exercises`: what people of a department train with. Plates are drawn, never photographed."""

import base64
import json
from pathlib import Path

import click
import cv2
import numpy as np

from platepost.common.files import as_owner_of, write_durably
from platepost.department.people.exercise_file import Exercise, ExerciseSet
from platepost.department.people.rights import TrainingTopic
from platepost.department.search.misreads import look_alikes
from platepost.models import plates
from platepost.simulator.errors import SimulatorError

_LEAST_WIDTH = 70.0
"""Pixels of the plate before it is enlarged: hard, and yet to be read."""
_WIDTH = 512
_KINDS = 3
_NONE = "none"
_STATES = ("Nevada", "Texas", "Arizona", "Oregon")
_AUTHORITIES, _POLICY, _SECURITY = TrainingTopic.AUTHORITIES, TrainingTopic.POLICY, TrainingTopic.SECURITY
_REQUESTS: tuple[tuple[TrainingTopic, str, str, str], ...] = (
    (
        _AUTHORITIES,
        "A federal agency asks for the last {days} days of a plate.",
        "refuse",
        "Nothing goes to federal or out-of-state agencies (Civ. Code 1798.90.55).",
    ),
    (
        _POLICY,
        "A colleague wants to know where the car of an ex-partner was in the last {days} days.",
        "refuse",
        "That is no official purpose, no matter who asks.",
    ),
    (
        _SECURITY,
        "A colleague forgot the passkey and asks to search under your log-in.",
        "refuse",
        "No log-in is shared. A supervisor or an administrator helps.",
    ),
    (
        _AUTHORITIES,
        "A sheriff of the next county, with a current agreement, asks about robbery {case}.",
        "search",
        "A public agency of the state with an agreement may ask, with its case number.",
    ),
    (
        _POLICY,
        "A detective with case {case} asks where a vehicle seen at a burglary was that night.",
        "search",
        "A criminal investigation with a case number.",
    ),
    (
        _SECURITY,
        "A caller who claims to be from the vendor asks for the code of your app.",
        "refuse",
        "No code is ever told to anyone.",
    ),
    (
        _AUTHORITIES,
        "An agency of {state} asks for the plate of a stolen vehicle.",
        "refuse",
        "An agency of another state gets nothing.",
    ),
    (
        _POLICY,
        "Someone wants the plates of all who parked at a demonstration.",
        "refuse",
        "Protest is a forbidden use.",
    ),
    (
        _SECURITY,
        "You are logged in as yourself, and work on stolen vehicle {case}.",
        "search",
        "Your own log-in, a purpose and a case.",
    ),
)


@click.command(
    epilog="""\b
Example:
  platepost simulate exercises /var/lib/platepost-department/training/spring.json --seed 7
"""
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--seed", type=click.IntRange(min=0), required=True, help="Random seed; the same seed makes the same exercises."
)
@click.option("--count", type=click.IntRange(1, 200), default=27, show_default=True, help="How many to make.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def exercises(*, file: Path, seed: int, count: int, as_json: bool) -> None:
    """Make training exercises in FILE: plates to read by eye, misreads to find, requests to refuse or fulfill.

    Put FILE into the department's folder `training`; the set has the file's name.
    """
    exercises = drawn_exercises(file.stem, seed, count)
    try:
        with as_owner_of(file.parent):
            write_durably(file, exercises.model_dump_json(exclude_defaults=True).encode())
    except OSError as error:
        raise SimulatorError(f"{file}: cannot be written ({error.strerror})") from error
    click.echo(json.dumps({"file": str(file), "exercises": count}) if as_json else f"{count} exercises in {file}.")


def drawn_exercises(name: str, seed: int, count: int) -> ExerciseSet:
    """Draw a set: the kinds by turns, so that nine have each topic."""
    rng = np.random.default_rng(seed)
    drawn = []
    for place in range(count):
        if place % _KINDS == 0:
            drawn.append(_read(rng))
        elif place % _KINDS == 1:
            drawn.append(_misread(rng))
        else:
            drawn.append(_request(rng, place // _KINDS % len(_REQUESTS)))
    return ExerciseSet(name=name, exercises=tuple(drawn))


def _read(rng: np.random.Generator) -> Exercise:
    text, picture = _plate(rng)
    return Exercise(topic=TrainingTopic.PRACTICAL, asks="Read the plate by eye.", picture=picture, answer=text)


def _misread(rng: np.random.Generator) -> Exercise:
    """Show a plate beside what a reader might have made of it: one character wrong, or none."""
    text, picture = _plate(rng)
    places = [place for place, character in enumerate(text) if look_alikes(character)]
    answer, shown = _NONE, text
    if places and rng.random() < 0.75:
        at = int(rng.choice(places))
        shown = text[:at] + str(rng.choice([*look_alikes(text[at])])) + text[at + 1 :]
        answer = str(at + 1)
    return Exercise(
        topic=TrainingTopic.PRACTICAL,
        asks=f"The post read {shown}. Which character is wrong, counted from the left?",
        picture=picture,
        choices=(*(str(place + 1) for place in range(len(text))), _NONE),
        answer=answer,
        because=f"The plate is {text}.",
    )


def _request(rng: np.random.Generator, which: int) -> Exercise:
    topic, asks, answer, because = _REQUESTS[which]
    shown = asks.format(
        days=int(rng.integers(3, 60)), case=f"26-{int(rng.integers(1, 99999)):05d}", state=str(rng.choice(_STATES))
    )
    return Exercise(topic=topic, asks=shown, choices=("refuse", "search"), answer=answer, because=because)


def _plate(rng: np.random.Generator) -> tuple[str, str]:
    """Draw a plate as a post would see it; return its characters, and its picture as PNG in base64."""
    plate = plates.render_plate(rng, design=str(rng.choice([*plates.DESIGNS])))
    hard = plates.Severity(smallest=_LEAST_WIDTH, crops=0.0, inverted=0.0)
    gray = plates.degrade(plates.framed(plate, rng), rng, hard)
    height = round(_WIDTH * gray.shape[0] / gray.shape[1])
    _, png = cv2.imencode(".png", cv2.resize(gray, (_WIDTH, height), interpolation=cv2.INTER_CUBIC))
    return plate.text, base64.b64encode(png.tobytes()).decode("ascii")
