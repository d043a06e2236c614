"""The figures of an evaluation as tables: for the terminal, and in Markdown for a model card."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.box import SIMPLE
from rich.table import Table

from platepost.models.evaluate.characters import CharacterFigures
from platepost.models.evaluate.metrics import Summary


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


ROWS: Final[dict[str, Callable[[Summary], str]]] = {
    "pictures": lambda summary: str(summary.pictures),
    "best plate right": lambda summary: _percent(summary.strict),
    "best plate right, O=0 I=1": lambda summary: _percent(summary.folded),
    "the same by corrected labels": lambda summary: _percent(summary.corrected),
    "any plate right, O=0 I=1": lambda summary: _percent(summary.anywhere),
    "characters right": lambda summary: _percent(summary.characters),
    "share read at 99 % correct": lambda summary: _percent(summary.coverage),
    "calibration error (ECE)": lambda summary: _number(summary.calibration_error),
    "Brier score": lambda summary: _number(summary.brier),
    "state named": lambda summary: _percent(summary.region_named),
    "state named right": lambda summary: _percent(summary.named_right),
    "state named, or `other`": lambda summary: _percent(summary.region_told),
    "either right": lambda summary: _percent(summary.region_right),
    "California's told as such": lambda summary: _percent(summary.california_told),
    "others told as California's": lambda summary: _percent(summary.california_false),
    "California's told as others": lambda summary: _percent(summary.california_lost),
    "plates found (IoU 0.5)": lambda summary: _percent(summary.box_recall),
    "extra plates a picture": lambda summary: _number(summary.extra),
    "CPU ms, median": lambda summary: f"{summary.cpu_milliseconds:.1f}",
    "wall ms, detector + reader": lambda summary: " + ".join(f"{part:.1f}" for part in summary.milliseconds[:2]),
}
"""Name of each figure, and how it is written."""


def terminal(summaries: Mapping[str, Summary]) -> Table:
    """One column a set, one row a figure."""
    table = Table(title="Recognizer against truth", box=SIMPLE)
    table.add_column("")
    for name in summaries:
        table.add_column(name, justify="right")
    for name, cell in ROWS.items():
        table.add_row(name, *(cell(summary) for summary in summaries.values()))
    return table


def markdown(summaries: Mapping[str, Summary], characters: Mapping[str, Sequence[CharacterFigures]]) -> str:
    """Write the same in Markdown, and for each set the characters that are read wrong."""
    lines = ["| | " + " | ".join(summaries) + " |", "|---|" + "---|" * len(summaries)]
    lines += [f"| {name} | " + " | ".join(map(cell, summaries.values())) + " |" for name, cell in ROWS.items()]
    for name, figures in characters.items():
        lines += ["", f"{name}: characters read wrong (- is none), O counted as 0 and I as 1", ""]
        lines += ["| character | how often | right | taken for |", "|---|---|---|---|"]
        lines += [
            f"| {figure.character} | {figure.count} | {figure.right:.1%} | {_taken(figure)} |"
            for figure in figures
            if figure.taken_for
        ]
    return "\n".join(lines) + "\n"


def _taken(figure: CharacterFigures) -> str:
    return ", ".join(f"{character} {count}x" for character, count in figure.taken_for)
