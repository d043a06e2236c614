"""What people read has no worn words: pages, templates, and messages."""

import ast
import re
import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
PROSE = runpy.run_path(str(HOME / "docs/prose.py"))
PRODUCT = ("common", "department", "device", "provisioning", "simulator", "technician", "wire")
"""Not `models`, whose commands are for those who train."""
SQL = re.compile(r"\b(SELECT|INSERT|CREATE|WHERE|FROM)\b")
LAB_NOTES = ("measurements", "outbox", "reliability", "self-monitoring")


def _offenses(where: str, text: str) -> list[str]:
    return [f"{where}: {words.strip()!r}: {name}" for name, words in PROSE["offenses"](text)]


def pages() -> Iterator[str]:
    """Yield the offenses of all pages but the lab notes and the log of changes."""
    for page in (*HOME.glob("*.md"), *(HOME / "docs").rglob("*.md"), HOME / "examples/README.md"):
        if page.stem not in (*LAB_NOTES, "CHANGELOG"):
            yield from _offenses(str(page.relative_to(HOME)), PROSE["readable"](page.read_text(encoding="utf-8")))


def templates() -> Iterator[str]:
    """Yield the offenses of what a page shows: not of its scripts, its comments, and its variables."""
    for folder in PRODUCT:
        for page in (HOME / folder).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            for left_out in (
                r"<(script|style).*?</\1>",
                r"\{#.*?#\}",
                r"\{\{.*?\}\}",
                r"<[^>]*>",
                r"\{% (?!translate).*?%\}",
            ):
                text = re.sub(left_out, " ", text, flags=re.DOTALL)
            yield from _offenses(str(page.relative_to(HOME)), text)


def _help(node: ast.AST) -> bool:
    """Return whether this is a function whose docstring a command shows."""
    return isinstance(node, ast.FunctionDef) and any("command" in ast.unparse(each) for each in node.decorator_list)


def _no_text(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the strings below a node that no one reads: what another program writes, the fields of log entries."""
    if isinstance(node, ast.Compare):
        yield from node.comparators
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "EventKind":
        yield from node.args[2:]


def messages() -> Iterator[str]:
    """Yield the offenses of texts in the code, but not in docstrings that no command shows."""
    for folder in PRODUCT:
        for file in (HOME / folder).rglob("*.py"):
            if "migrations" in file.parts:
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            remarks = {
                id(line.value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                for line in (node.body[1:] if _help(node) else node.body)
                if isinstance(line, ast.Expr)
            }
            remarks |= {id(part) for node in ast.walk(tree) for part in _no_text(node)}
            texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
            for node in texts:
                if id(node) not in remarks and " " in node.value and not SQL.search(node.value):
                    text = re.sub(r"\{\w+\}", " ", node.value)  # the name of a value is not shown
                    yield from _offenses(f"{file.relative_to(HOME)}:{node.lineno}", text)


@pytest.mark.parametrize("texts", [pages, templates, messages], ids=lambda texts: texts.__name__)
def test_no_word_is_worn(texts: Callable[[], Iterator[str]]) -> None:
    assert list(texts()) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A post with a fault says which.", 1),
        ("Posts report faults by name.", 0),
        ("The list in force hears nobody.", 3),
        ("`says` and [here](in/force.md)", 0),
    ],
)
def test_a_worn_word_is_found_in_text_and_not_in_code(text: str, count: int) -> None:
    assert Counter(name for name, _ in PROSE["offenses"](PROSE["readable"](text))).total() == count
