"""What people read on the department's pages goes through gettext, so that a translation touches no template."""

import ast
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation.template import templatize

from platepost.department.alerts.console_words import CONSOLE_WORDS
from platepost.department.web.moments import day, minute, second

DEPARTMENT = Path(__file__).parents[3] / "department"
PAGES = sorted(DEPARTMENT.glob("*/templates/**/*.html"))
FOR_PEOPLE = {"alt", "title", "placeholder", "aria-label", "data-label"}
"""Attributes that people read, or have read to them."""
THE_SAME = {"%(time)s: %(system_name)s: %(system)s", "%(time)s: %(status)s"}
"""Messages that are the same in Spanish."""
FOR_COMPUTERS = {"script", "style", "code", "kbd"}
IN_A_FILTER = re.compile(r"""\|(?:default|default_if_none|yesno|join|pluralize):(["'])([^"']*[A-Za-z]{2}[^"']*)\1""")


class Texts(HTMLParser):
    """What people read of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in FOR_PEOPLE and value]
        self._silent += tag in FOR_COMPUTERS

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in FOR_COMPUTERS

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data.replace("Platepost", "").strip())


def untranslated(text: str) -> list[str]:
    """Return what of a template is text for people and is translated by no tag."""
    inside, page, matches = "", "", []
    for token in Lexer(text).tokenize():
        if token.token_type is TokenType.TEXT:
            page += "" if inside else token.contents
        elif token.token_type is TokenType.VAR:
            matches += [words for _, words in IN_A_FILTER.findall(token.contents)]
        elif token.token_type is TokenType.BLOCK:
            word = token.contents.split()[0]
            if word in {"blocktranslate", "comment"}:
                inside = word
            elif word == f"end{inside}":
                inside = ""
    texts = Texts()
    texts.feed(page)
    texts.close()
    return matches + [words for words in texts.found if re.search(r"[A-Za-z]{2}", words)]


def messages_of(page: Path) -> set[str]:
    """Return what gettext collects from a template."""
    source = templatize(page.read_text(encoding="utf-8"), origin=page.name)
    matches = re.findall(r"""\bgettext\(u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\)""", source)
    return {ast.literal_eval(each) for each in matches}


def test_the_console_speaks_spanish() -> None:
    of_pages = (messages_of(page) for page in DEPARTMENT.glob("alerts/templates/alerts/console/*.html"))
    with override("es"):
        lacking = {each for messages in of_pages for each in messages if gettext(each) == each}
        spoken = {key: str(each) for key, each in CONSOLE_WORDS.items()}
    lacking |= {str(each) for key, each in CONSOLE_WORDS.items() if spoken[key] == str(each)}
    assert lacking - THE_SAME == set()
    for key, each in CONSOLE_WORDS.items():
        named = re.findall(r"{\w+}", str(each))
        assert sorted(re.findall(r"{\w+}", spoken[key])) == sorted(named), key


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DEPARTMENT)))
def test_every_text_of_a_page_can_be_translated(page: Path) -> None:
    assert untranslated(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("<p>{% translate 'None' %}</p>", []),
        ("<p>{% blocktranslate %}For {{ n }} of <b>them</b>{% endblocktranslate %}</p>", []),
        ("<code>platepost</code> · <b class='bad'>{{ name }}</b>", []),
        ("{% comment %}of the house{% endcomment %}", []),
        ("<p>None</p>", ["None"]),
        ('<td data-label="Name">{{ name|default:_("none") }}</td>', ["Name"]),
        ('<td class="a b" hidden>{{ name|default:"none" }}</td>', ["none"]),
        ("{% if a %} (late){% endif %}", ["(late)"]),
    ],
)
def test_what_cannot_be_translated_is_found(text: str, names: list[str]) -> None:
    assert untranslated(text) == names


def test_dates_are_shown_as_americans_write_them() -> None:
    """By the filters of `department/web/moments.py`; the console alone has 24 hours, as dispatchers have."""
    other = re.compile(r"""\|date:["'](?:Y-m-d|M j, Y)[ ,"'](?!H")""")
    pages = [page for page in PAGES if page.parent.name != "console"]
    assert [page.name for page in pages if other.search(page.read_text("utf-8"))] == []


def test_moments_are_local_and_nothing_where_there_is_none() -> None:
    with timezone.override("America/Los_Angeles"):
        at = datetime(2026, 12, 1, 13, 47, 9, tzinfo=UTC)
        assert (day(at), minute(at)) == ("Dec 1, 2026", "Dec 1, 2026, 5:47 AM PST")
        assert second(at) == "Dec 1, 2026, 5:47:09 AM PST"
        assert day(date(2026, 12, 1)) == "Dec 1, 2026"
        assert day(None) == ""
