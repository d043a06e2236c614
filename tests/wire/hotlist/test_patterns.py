from datetime import UTC, datetime
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platepost.wire.hotlist.keys import fold, normalize, normalize_read
from platepost.wire.hotlist.layout import PatternEntry
from platepost.wire.hotlist.patterns import Patterns

END = 1_800_000_000
BEFORE = END - 1


def entry(pattern: str, characters: int | None = None) -> PatternEntry:
    # Made without the bounds of a package, so that what is compared is seen in little.
    return PatternEntry.model_construct(
        pattern=pattern,
        characters=characters,
        category="felony_vehicle",
        priority=1,
        case="C-1",
        author="Sample",
        expires=datetime.fromtimestamp(END, UTC),
    )


def fits(pattern: str, read: str, *, characters: int | None = None, moment: int = BEFORE) -> bool:
    return bool(list(Patterns([entry(pattern, characters)]).match(normalize(read), moment)))


@pytest.mark.parametrize(
    ("pattern", "read", "expected"),
    [
        ("7AB?123", "7ABC123", True),
        ("7AB?123", "7AB123", False),
        ("7AB*", "7AB", True),
        ("7AB*", "7ABC123", True),
        ("7AB*", "X7ABC1", False),
        ("*123", "7ABC123", True),
        ("7*C*3", "7ABC123", True),
        ("7A??1*", "7ABC123", True),
        ("7A**3", "7ABC123", True),
        ("7AB", "7ABC", False),
    ],
)
def test_a_question_mark_is_one_character_and_a_star_any_number(pattern: str, read: str, *, expected: bool) -> None:
    assert fits(pattern, read) is expected


@given(st.text("AO0I1?*", min_size=1, max_size=8), st.text("AO0I1B", min_size=1, max_size=8))
def test_patterns_agree_with_the_shell_over_keys(pattern: str, read: str) -> None:
    text = normalize(read)
    assert fits(pattern, read) is fnmatchcase(fold(text), pattern.replace("O", "0").replace("I", "1"))


def test_the_number_of_characters_must_agree_where_it_is_given() -> None:
    assert fits("7AB*", "7ABC123", characters=7)
    assert not fits("7AB*", "7ABC12", characters=7)


def test_a_pattern_ends_when_it_says() -> None:
    assert fits("7AB*", "7ABC123", moment=END - 1)
    assert not fits("7AB*", "7ABC123", moment=END)


@pytest.mark.parametrize(
    ("pattern", "read", "known"),
    [("7AB?123", "7A?C123", (0, 1, 4, 5, 6)), ("*C123", "7A??123", (4, 5, 6)), ("7AB*", "7A?C123", None)],
)
def test_a_hidden_character_fits_any_if_enough_others_agree(
    pattern: str, read: str, known: tuple[int, ...] | None
) -> None:
    found = list(Patterns([entry(pattern)]).match(normalize_read(read), BEFORE))
    assert [one.known for one in found] == ([] if known is None else [known])


@pytest.mark.parametrize(
    ("pattern", "read", "differs"),
    [
        ("7OB*", "70BC123", (1,)),
        ("7OB*", "7OBC123", ()),
        ("*O1", "7ABC0I", (4, 5)),
        ("7?O*", "7OO", ()),
        ("7?O*", "7O0", (2,)),
    ],
)
def test_a_look_alike_of_a_known_character_is_said(pattern: str, read: str, differs: tuple[int, ...]) -> None:
    (found,) = Patterns([entry(pattern)]).match(normalize(read), BEFORE)
    assert found.differs == differs
