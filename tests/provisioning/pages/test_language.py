"""Every text of the technician's pages has its translation, with the same fields, and no translation is left over."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from provisioning.pages.language import ENGLISH, LANGUAGES, Phrase, catalog, preferred, translated

ROOM = Path(__file__).parents[3] / "provisioning"
OTHERS = sorted(set(LANGUAGES) - {ENGLISH})


def _texts() -> set[str]:
    """Return the texts of the pages: of `Phrase` in Python, and of `t` in templates and scripts."""
    found = set()
    for path in (*(ROOM / "technician" / "aim").rglob("*.py"), ROOM / "commands" / "aim.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phrase":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    found.add(text.value)
    for path in (ROOM / "technician" / "aim" / "assets").glob("*.*"):
        if path.suffix in {".html", ".js"}:
            for match in re.finditer(r"""\bt\((?:"([^"]+)"|'([^']+)')""", path.read_text(encoding="utf-8")):
                found.add(match[1] or match[2])
    return found


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_with_its_fields_and_none_is_left_over(language: str) -> None:
    words = catalog(language)
    assert words.keys() == _texts()
    assert [text for text, said in words.items() if not said.strip() or _fields(said) != _fields(text)] == []


def test_phrases_are_english_until_they_are_said_in_another_language() -> None:
    lane = Phrase("left lane")
    said = Phrase("no longer seen: {lane}", lane=lane)
    assert said == "no longer seen: left lane"
    words = {"left lane": "carril izquierdo", "no longer seen: {lane}": "ya no se ve: {lane}"}
    assert translated({"said": (said, 7)}, words) == {"said": ["ya no se ve: carril izquierdo", 7]}
    assert Phrase("{not a field").within(words) == "{not a field"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("de, en-US;q=0.7, es;q=0.3", "en"),
        ("en;q=0.2,es-US", "es"),
        ("es;q=0", "en"),
        ("es;q=x", "en"),
    ],
)
def test_the_browser_says_which_language_comes_first(accepted: str, language: str) -> None:
    assert preferred(accepted) == language
