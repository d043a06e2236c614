"""Text from outside does not act on a terminal, and hides nothing."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from platepost.common.text import printable, shown
from platepost.wire.records.base import Line

LINE: TypeAdapter[str] = TypeAdapter(Annotated[str, Line])
HOSTILE = ["\x1b[2J", "a\nb", "a\x00b", "\u202e382WDK7", "\u2066x\u2069", "a\u2028b", "\x9b31m", "\ufeffa", "\u200fa"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_acts_on_a_terminal_is_shown_and_not_done(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) > len(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_has_nothing_that_acts_or_hides(text: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(text)


@pytest.mark.parametrize("text", ["", "Main St. & 4th", "Calle Ñuñoa", "東京", "a'b\"c"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == LINE.validate_python(text) == text


def test_a_rich_console_takes_no_order_from_it() -> None:
    assert shown("[red]\x1b[31m") == r"\[red]\x1b[31m"
