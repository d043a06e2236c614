"""What a technician reads, in their language: phrases that can be translated later, and gettext's .po files of them.

A page is in the language that its browser asks for, a terminal in that of its locale.
"""

import ast
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, reduce
from pathlib import Path
from typing import Any, Self

from pydantic_core import core_schema

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "es": "Español"}
"""Each by its own name."""
_TRANSLATIONS = Path(__file__).parent / "translations"
_LOCALE = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""Environment variables that name a terminal's language, the first first, as gettext(3) looks at them."""
_YES, _NO = frozenset({"y", "yes", "s", "si", "sí"}), frozenset({"n", "no"})
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
        phrase = super().__new__(cls, text.format(**fields) if fields else text)
        phrase.text, phrase.fields = text, fields
        return phrase

    def within(self, catalog: Catalog) -> str:
        """Return it in a catalog's language; in English where that lacks it."""
        text = catalog.get(self.text, self.text)
        fields = {name: translated(value, catalog) for name, value in self.fields.items()}
        return text.format(**fields) if fields else text

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> core_schema.CoreSchema:
        """Keep it in JSON so that it can be said in another language later; a plain text is one without fields."""
        return core_schema.no_info_plain_validator_function(
            _read, serialization=core_schema.plain_serializer_function_ser_schema(_kept, when_used="json")
        )


def _kept(value: str) -> Any:
    if not isinstance(value, Phrase):
        return value
    return {"text": value.text, "fields": {name: _kept(field) for name, field in value.fields.items()}}


def _read(value: Any) -> Phrase:
    if isinstance(value, Phrase):
        return value
    if isinstance(value, str):
        return Phrase(value)
    try:
        fields = {name: field if isinstance(field, str) else _read(field) for name, field in value["fields"].items()}
        return Phrase(value["text"], **fields)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("a phrase has a text and its fields") from error


def listed(phrases: Iterable[str]) -> str:
    """Return phrases with commas between them, as one that can be translated; an empty text for none."""
    items = tuple(phrases)
    return reduce(lambda before, phrase: Phrase("{first}, {next}", first=before, next=phrase), items) if items else ""


def message(error: Exception) -> Phrase:
    """Return what an error says, as it can be translated if it was raised with a phrase."""
    text = error.args[0] if error.args else ""
    return text if isinstance(text, Phrase) else Phrase(str(error))


def translated(value: Any, catalog: Catalog) -> Any:
    """Return a value of JSON's types with the phrases in it in a catalog's language."""
    if isinstance(value, Phrase):
        return value.within(catalog)
    if isinstance(value, dict):
        return {key: translated(item, catalog) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [translated(item, catalog) for item in value]
    return value


@cache
def catalog(language: str) -> Catalog:
    """Return the translations into a language of `LANGUAGES`."""
    if language == ENGLISH:
        return {}
    text = (_TRANSLATIONS / f"{language}.po").read_text(encoding="utf-8")
    entries = ((_joined(match[1]), _joined(match[2])) for match in _ENTRY.finditer(text))
    return {text: other for text, other in entries if text}  # the one without a text is the file's header


def _joined(quoted: str) -> str:
    return "".join(ast.literal_eval(line) for line in quoted.splitlines())


def preferred(accepted: str) -> str:
    """Return the language of `LANGUAGES` that an `Accept-Language` header (RFC 9110, 12.5.4) asks for first."""
    preferences: list[tuple[float, int, str]] = []
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            preferences.append((-float(weight or 1), len(preferences), name.lower().partition("-")[0]))
        except ValueError:
            continue
    known = (name for weight, _, name in sorted(preferences) if name in LANGUAGES and weight < 0)
    return next(known, ENGLISH)


def terminal_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of `LANGUAGES` that a terminal's locale names first, such as `es_MX.UTF-8`."""
    named = next((value for name in _LOCALE if (value := environment.get(name))), "")
    languages = (re.split(r"[_.@]", part)[0].lower() for part in named.split(":"))
    return next((name for name in languages if name in LANGUAGES), ENGLISH)


def spoken(text: str) -> str:
    """Return a phrase in the terminal's language; any other text as it is."""
    shown: str = translated(text, catalog(terminal_language()))
    return shown


def agreed(answer: str) -> bool | None:
    """Return whether a person said yes, in whichever language; None if that was neither yes nor no."""
    word = answer.strip().lower()
    return word in _YES if word in _YES | _NO else None


def local(moment: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    """Write a moment in this machine's time, with the name of its zone."""
    return f"{moment.astimezone():{form} %Z}"


def day(moment: datetime) -> str:
    """Write the day of a moment, by this machine's time."""
    return f"{moment.astimezone():%Y-%m-%d}"
