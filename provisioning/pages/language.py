"""Pages in their visitor's language: phrases that can be translated later, and translations in gettext's .po files."""

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "es": "Español"}
"""Languages of pages, each by its own name."""
_TRANSLATIONS = Path(__file__).parent / "translations"
_ENTRY = re.compile(r'^msgid ((?:".*"\n?)+)msgstr ((?:".*"\n?)+)', re.MULTILINE)

Catalog = Mapping[str, str]
"""Translations by their English text."""


class Phrase(str):
    """English for people, made of a text with named fields, that can be said in another language later."""

    __slots__ = ("fields", "text")
    text: str
    fields: Mapping[str, str]

    def __new__(cls, text: str, **fields: str) -> Self:
        """Make a phrase; `text` has each field's name in braces. A field may be a phrase itself."""
        made = super().__new__(cls, text.format(**fields) if fields else text)
        made.text, made.fields = text, fields
        return made

    def within(self, catalog: Catalog) -> str:
        """Return it in a catalog's language; in English where that lacks it."""
        said = catalog.get(self.text, self.text)
        fields = {name: translated(value, catalog) for name, value in self.fields.items()}
        return said.format(**fields) if fields else said


def translated(value: Any, catalog: Catalog) -> Any:  # noqa: ANN401 - JSON's types
    """Return a value of JSON's types with the phrases in it in a catalog's language."""
    if isinstance(value, Phrase):
        return value.within(catalog)
    if isinstance(value, dict):
        return {key: translated(each, catalog) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [translated(each, catalog) for each in value]
    return value


@cache
def catalog(language: str) -> Catalog:
    """Return the translations into a language of `LANGUAGES`."""
    if language == ENGLISH:
        return {}
    text = (_TRANSLATIONS / f"{language}.po").read_text(encoding="utf-8")
    entries = ((_joined(found[1]), _joined(found[2])) for found in _ENTRY.finditer(text))
    return {said: other for said, other in entries if said}  # the one without a text is the file's header


def _joined(quoted: str) -> str:
    return "".join(ast.literal_eval(line) for line in quoted.splitlines())


def preferred(accepted: str) -> str:
    """Return the language of `LANGUAGES` that an `Accept-Language` header (RFC 9110, 12.5.4) asks for first."""
    wanted: list[tuple[float, int, str]] = []
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), len(wanted), name.lower().partition("-")[0]))
        except ValueError:
            continue
    known = (name for weight, _, name in sorted(wanted) if name in LANGUAGES and weight < 0)
    return next(known, ENGLISH)
