"""Files that are only appended to: what is read of them for an entry, and what a power cut leaves."""

import io
from pathlib import Path

import pytest

from platepost.provisioning.files.append_only import AppendOnlyFile, append_only, lines_of

LONG = b"x" * 10_000


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (b"", None),
        (b"half", None),
        (LONG, None),
        (b"one\n", b"one"),
        (b"one\ntwo\n", b"two"),
        (b"one\ntwo\nhalf", b"two"),
        (LONG + b"\n", LONG),
        (b"one\n" + LONG + b"\n", LONG),
        (LONG + b"\ntwo\n" + LONG, b"two"),
        (b"one\n\n", b""),
        (b"y" * 4091 + b"\ntwo\n", b"two"),
        (b"y" * 4092 + b"\n" + b"z" * 4095 + b"\n", b"z" * 4095),
    ],
)
def test_the_last_whole_line_is_found_and_followed(text: bytes, last: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(text)
    before = lines_of(path)
    with append_only(path) as held:
        assert held.last == last
        held.append(b"next")
    assert lines_of(path) == [*before, b"next"]
    assert path.read_bytes() == text[: text.rfind(b"\n") + 1] + b"next\n"


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        text = super().read(size)
        self.count += len(text)
        return text


def test_of_a_long_file_only_the_end_is_read() -> None:
    file = Counted(b"line\n" * 100_000)
    assert AppendOnlyFile(file).last == b"line"
    assert file.count < 10_000
