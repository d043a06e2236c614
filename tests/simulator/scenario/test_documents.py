"""The page for people says what the files may say."""

import re
from pathlib import Path
from runpy import run_path
from typing import Any, get_args

from platepost.simulator.scenario.description import Check
from platepost.simulator.scenario.events import Event
from platepost.simulator.scenario.load import parse

DOCS = Path(__file__).parents[3] / "docs"
PAGE = run_path(str(DOCS / "generated.py"))["expand"]((DOCS / "scenarios.md").read_text(encoding="utf-8"))


def kinds(union: Any, tag: str) -> set[str]:
    return {get_args(model.model_fields[tag].annotation)[0] for model in get_args(get_args(union)[0])}


def test_its_example_is_right() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(parse(example, origin="docs/scenarios.md", scenario_folder=Path()).expect) == 4


def test_it_tells_of_every_event_and_every_demand_and_of_no_other() -> None:
    events, demands = (PAGE.partition(f"### {name}\n")[2].partition("\n#")[0] for name in ("Events", "Demands"))
    for text, union, tag in ((events, Event, "do"), (demands, Check, "check")):
        cells = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
        told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} - {tag}
        assert told == kinds(union, tag)
