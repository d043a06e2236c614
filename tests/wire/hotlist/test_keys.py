import pytest
from hypothesis import given
from hypothesis import strategies as st

from platepost.wire.hotlist.keys import fold, look_alike_indexes, normalize, other_spellings, plate_key


@pytest.mark.parametrize(
    ("read", "text", "key"),
    [
        ("7abc-123", "7ABC123", "7ABC123"),
        (" 8O DE 456 ", "8ODE456", "80DE456"),
        ("IOIO", "IOIO", "1010"),
        ("７ＡＢＣ１２３", "7ABC123", "7ABC123"),  # noqa: RUF001 - full-width on purpose
        ("LUV♥CA", "LUVCA", "LUVCA"),
        ("1291164", "1291164", "1291164"),
        ("♥", "", ""),
        ("7a?c 123", "7AC123", "7A?C123"),  # what a camera could not see stays
    ],
)
def test_the_read_its_text_and_its_key_are_three_things(read: str, text: str, key: str) -> None:
    assert normalize(read) == text
    assert plate_key(read) == key


@given(st.text(max_size=12))
def test_normalizing_twice_changes_nothing(read: str) -> None:
    text = normalize(read)
    assert normalize(text) == text
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    assert plate_key(plate_key(read)) == plate_key(read)


@given(st.text("O0I1A7", min_size=1, max_size=7))
def test_other_spellings_are_all_of_the_same_key_and_no_more(read: str) -> None:
    text = normalize(read)
    spellings = dict(other_spellings(text))
    assert len(spellings) == 2 ** len(look_alike_indexes(text)) - 1
    for spelling, differs in spellings.items():
        assert fold(spelling) == fold(text)
        assert tuple(index for index in range(len(text)) if spelling[index] != text[index]) == differs


def test_other_spellings_start_with_the_fewest_differences_and_are_bounded() -> None:
    counts = [len(differs) for _, differs in other_spellings(normalize("O" * 16), most=50)]
    assert counts == sorted(counts)
    assert len(counts) == 50
