"""Reading a scenario file: every error with file and line, and with what would be right."""

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from platepost.simulator.errors import ScenarioFileError
from platepost.simulator.scenario.description import Scenario
from platepost.simulator.scenario.references import misfits
from platepost.simulator.scenario.toml_files import Lines

SHIPPED = Path(__file__).parent.parent / "scenarios"
"""The scenarios that ship."""

Place = Sequence[str | int]


def shipped() -> tuple[Path, ...]:
    """Return the files of the scenarios that ship, by name."""
    return tuple(sorted(SHIPPED.glob("*.toml")))


def find(name: str) -> Path:
    """Return the file of a scenario that ships, or the file at that path.

    Raises:
        ScenarioFileError: there is neither.

    """
    if (path := Path(name)).is_file():
        return path
    names = [file.stem for file in shipped()]
    if name in names:
        return SHIPPED / f"{name}.toml"
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; `platepost simulate scenarios` lists those that ship"
    raise ScenarioFileError(f"{name}: no such file, and no scenario of this name ships{hint}")


def load(path: Path) -> Scenario:
    """Read and check a scenario file.

    Raises:
        ScenarioFileError: one line for each fault, with file and line.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioFileError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    return parse(text, origin=str(path), scenario_folder=path.parent)


def parse(text: str, *, origin: str, scenario_folder: Path) -> Scenario:
    """Check a scenario that has been read already, and what it refers to.

    Args:
        text: the file's.
        origin: what messages call it.
        scenario_folder: the folder where clips of its own lie.

    Raises:
        ScenarioFileError: as for `load`.

    """
    try:
        table = tomllib.loads(text)
    except ValueError as error:
        raise ScenarioFileError(_syntax(error, text, origin)) from error
    lines = Lines(text)
    try:
        scenario = Scenario.model_validate(table)
    except ValidationError as error:
        faults = [_explain(fault, lines, origin) for fault in _own(error.errors())]
        raise ScenarioFileError("\n".join(faults)) from error
    problems = [*scenario.faults(), *misfits(scenario, scenario_folder=scenario_folder)]
    if problems:
        raise ScenarioFileError(
            "\n".join(f"{origin}:{lines.of(place)}: {_name(place)}: {message}" for place, message in problems)
        )
    return scenario


def _own(faults: Sequence[Any]) -> list[Any]:
    """Leave out that an array is too short where an entry of it is at fault: pydantic counts the good ones only."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(place[: len(fault["loc"])] == fault["loc"] for place in places if place != fault["loc"])
    ]


def _explain(fault: Any, lines: Lines, origin: str) -> str:
    place = _without_tags(fault["loc"])
    where = f"{origin}:{lines.of(place)}: {_name(place)}"
    if fault["type"] == "missing":
        return f"{where}: missing"
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    if fault["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        context = fault["ctx"]
        key = str(context["discriminator"]).strip("'")
        known = [name.strip(" '") for name in str(context.get("expected_tags", "")).split(",")]
        tag = str(context.get("tag", ""))
        near = difflib.get_close_matches(tag, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}" if known != [""] else ""
        wrong = f"unknown kind {tag!r}" if tag else f"`{key}` is missing"
        return f"{where}.{key}: {wrong}{'; ' + hint if hint else ''}"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    wrong = "" if isinstance(fault["input"], dict | list) else f" = {fault['input']!r}"
    return f"{where}{wrong}: {message}"


def _without_tags(place: Place) -> Place:
    """Leave out the tag of a union that pydantic puts into the place: `expect.3.hits.count` is `expect.3.count`."""
    if len(place) > 2 and place[0] in {"events", "expect"} and isinstance(place[1], int):
        return (*place[:2], *place[3:])
    return place


def _name(place: Place) -> str:
    name = ""
    for part in place:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name or "the file"


def _syntax(error: ValueError, text: str, origin: str) -> str:
    message, _, where = str(error).partition(" (at ")
    if where.startswith("line "):
        return f"{origin}:{where.split()[1].rstrip(',')}: {message}"
    return f"{origin}:{len(text.splitlines())}: {message}"
