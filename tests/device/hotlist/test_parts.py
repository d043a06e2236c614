import random
from pathlib import Path

import pytest

from device.hotlist.errors import BadSignature, Malformed, UnsupportedFormat
from device.hotlist.parts import PART_OVERHEAD, Assembly, Index, is_index, read_index, split_parts
from tests.device.hotlist.department import Department

PACKAGE = random.Random(1).randbytes(5000)


def taken(index: bytes, parts: list[bytes], directory: Path | None = None) -> Assembly:
    assembly = Assembly(read_index(index), directory=directory)
    for part in parts:
        assembly.take(part)
    return assembly


@pytest.mark.parametrize("part_bytes", [1024, 1250, 5000, 8000])
def test_parts_in_any_order_and_number_make_up_the_package(part_bytes: int, tmp_path: Path) -> None:
    index, messages = split_parts(PACKAGE, part_bytes=part_bytes)
    parts = list(messages)
    assert len(parts) == read_index(index).parts
    assert max(map(len, parts)) <= part_bytes + PART_OVERHEAD
    shuffled = [*parts, *parts]
    random.Random(2).shuffle(shuffled)
    assembly = taken(index, shuffled, tmp_path)
    assert not assembly.missing
    assert bytes(assembly.package()) == PACKAGE
    assert not list(tmp_path.iterdir()), "what is put together has no name on disk"


def test_parts_of_another_package_and_what_is_none_are_left_alone() -> None:
    index, messages = split_parts(PACKAGE, part_bytes=2000)
    first, second, third = messages
    _, others = split_parts(PACKAGE[::-1], part_bytes=2000)
    assembly = Assembly(read_index(index))
    strange = [*others, b"", b"PPPART1\n", first[:-1], first + b"x", b"X" + first[1:], third[:PART_OVERHEAD]]
    assert not any(assembly.take(part) for part in strange)
    assert assembly.missing == {0, 1, 2}
    assert [assembly.take(part) for part in (second, second)] == [True, False]
    assert assembly.missing == {0, 2}


def test_a_part_changed_on_the_way_is_found_out() -> None:
    index, messages = split_parts(PACKAGE, part_bytes=2000)
    parts = list(messages)
    parts[1] = parts[1][:-1] + bytes([parts[1][-1] ^ 1])
    with pytest.raises(BadSignature):
        taken(index, parts).package()


def test_an_index_is_told_from_a_package_and_checked(department: Department) -> None:
    index, _ = split_parts(PACKAGE)
    assert is_index(index)
    assert not is_index(department.package())
    with pytest.raises(Malformed):
        read_index(b'{"format": "platepost-parts/1"}')
    with pytest.raises(UnsupportedFormat):
        read_index(index[:-1] + b', "more": 1}')
    with pytest.raises(Malformed, match="parts"):
        read_index(Index(digest="0" * 64, length=1 << 30, part_bytes=1024).model_dump_json().encode())
    with pytest.raises(ValueError, match="part_bytes"):
        split_parts(PACKAGE, part_bytes=100)
    with pytest.raises(ValueError, match="length"):
        split_parts(b"")


def test_a_package_put_together_from_parts_is_installed(department: Department, tmp_path: Path) -> None:
    index, messages = split_parts(department.package(), part_bytes=1024)
    store = department.store(tmp_path)
    store.install(taken(index, list(messages)).package(), at=department.built)
    assert department.store(tmp_path).load() is not None
