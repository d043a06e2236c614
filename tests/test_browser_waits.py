"""After a click, a browser's test waits for what the page shows then, before it looks at it at once.

What is read at once may still be on the page of before, or half loaded: on a quick machine the test passes, on a busy
one it fails. The same goes for a reload, which cuts off what the click has begun. A click that opens nothing and sends
nothing is treated as any other.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parent
CLICKS = {"click", "dblclick", "tap"}
KEYS = {"Enter", "Space"}
WAITS = {"drawn_width", "expect", "sees", "until"}
"""And what is named `wait_for...`; and the end of `with page.expect_...`."""
LOOKS = {
    *(".all", "all_inner_texts", "all_text_contents", "bounding_box", "content", "count", "eval_on_selector_all"),
    *("evaluate", "evaluate_all", "get_attribute", "inner_html", "inner_text", "input_value", "is_checked"),
    *("is_disabled", "is_enabled", "is_hidden", "is_visible", "text_content", "title"),
    *("accessibility_faults", "comes_again", "fine", "fine_in_each_look", "page_faults", "pixels_too_wide"),
    *("go_back", "go_forward", "goto", "reload"),
}


def test_after_a_click_a_test_waits_before_it_looks() -> None:
    found = []
    for file in HOME.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "playwright" in text and file != Path(__file__):
            found += [f"{file.relative_to(HOME)}:{line}: {look} right after a click" for line, look in looks(text)]
    assert found == []


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        ("page.click('a')\nassert rows.count() == 1", [2]),
        ("page.keyboard.press('Enter')\nassert page_faults(page) == []", [2]),
        ("page.click('a')\npage.fill('#name', 'x')\npage.reload()", [3]),
        ("page.keyboard.press('Tab')\nassert rows.count() == 1", []),
        ("page.click('a')\nexpect(rows).to_have_count(1)\nassert rows.count() == 1", []),
        ("page.click('a')\nuntil(lambda: rows.count() == 1)", []),
        ("with page.expect_navigation():\n    page.click('a')\nassert rows.count() == 1", []),
        ("with page.expect_navigation():\n    page.click('a')\n    assert rows.count() == 1", [3]),
    ],
)
def test_what_counts_as_waiting(steps: str, lines: list[int]) -> None:
    body = "".join(f"\n    {line}" for line in steps.splitlines())
    assert [line - 1 for line, _ in looks(f"def test_it(page):{body}")] == lines


def looks(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line of each look that comes right after a click, and its name."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    waiting = {function.name for function in functions if _waits_at_its_end(function)}
    for function in functions:
        clicked = False
        for line, name in _steps(function):
            if name == "wait" or name in waiting:
                clicked = False
            elif name == "click":
                clicked = True
            elif clicked and name in LOOKS:
                yield line, name
                clicked = False


def _waits_at_its_end(function: ast.FunctionDef) -> bool:
    names = [name for _, name in _steps(function) if name in {"click", "wait"}]
    return names[-1:] == ["wait"]


def _steps(function: ast.FunctionDef) -> list[tuple[int, str]]:
    """Return each call in the order in which they are made, with its line: `click`, `wait`, or its name."""
    steps = []
    for node in _nodes(function):
        where = (node.end_lineno or 0, node.end_col_offset or 0)
        if isinstance(node, ast.With) and "expect_" in ast.unparse(node.items[0].context_expr):
            steps.append((*where, "wait"))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            if name == "all" and isinstance(node.func, ast.Attribute):
                name = ".all"  # not Python's own
            keys = [each.value for each in node.args if isinstance(each, ast.Constant)]
            if name in CLICKS or (name == "press" and not KEYS.isdisjoint(keys)):
                name = "click"
            elif name in WAITS or name.startswith("wait_for"):
                name = "wait"
            steps.append((*where, name))
    return [(line, name) for line, _, name in sorted(steps)]


def _nodes(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield what is below a node, but for what is asked again and again, as within `until`."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.expr | ast.stmt):
            yield each
        if not isinstance(each, ast.Lambda):
            yield from _nodes(each)
