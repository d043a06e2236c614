import random
from pathlib import Path

import pytest

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import HotListRefused, RefusalReason
from platepost.wire.hotlist.errors import BadSignature, Malformed, UnsupportedFormat
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.parts import PART_OVERHEAD, Assembly, is_index, read_index, split_parts
from tests.device.hotlist.department import Department


@pytest.fixture(scope="module")
def package(department: Department) -> bytes:
    return department.package([HotListRow(f"T{number:05d}", "local", 5) for number in range(400)])


@pytest.fixture(scope="module")
def manifest(department: Department, package: bytes) -> Manifest:
    return department.manifest(package)


@pytest.mark.parametrize("part_bytes", [1024, 1250, 1 << 20])
def test_parts_in_any_order_and_number_make_up_the_package(
    package: bytes, manifest: Manifest, part_bytes: int, tmp_path: Path
) -> None:
    index, messages = split_parts(package, part_bytes=part_bytes)
    parts = list(messages)
    assert max(map(len, parts)) <= part_bytes + PART_OVERHEAD
    shuffled = [*parts, *parts]
    random.Random(2).shuffle(shuffled)
    assembly = Assembly(read_index(index), manifest, directory=tmp_path)
    assert len(assembly.missing) == len(parts)
    for part in shuffled:
        assembly.take(part)
    assert not assembly.missing
    assert bytes(assembly.package()) == package
    assert not list(tmp_path.iterdir()), "what is put together has no name on disk"


def test_parts_of_another_package_and_what_is_none_are_left_alone(
    department: Department, package: bytes, manifest: Manifest
) -> None:
    index, messages = split_parts(package, part_bytes=1024)
    first, second, *_, last = messages
    _, others = split_parts(department.package(), part_bytes=1024)
    assembly = Assembly(read_index(index), manifest)
    due = set(assembly.missing)
    strange = [*others, b"", b"PPPART1\n", first[:-1], first + b"x", b"X" + first[1:], last[:PART_OVERHEAD]]
    assert not any(assembly.take(part) for part in strange)
    assert assembly.missing == due
    assert [assembly.take(part) for part in (second, second)] == [True, False]
    assert assembly.missing == due - {1}


def test_a_part_changed_on_the_way_is_found_out(department: Department, package: bytes, tmp_path: Path) -> None:
    index, messages = split_parts(package, part_bytes=1024)
    store = department.store(tmp_path)
    assembly = Assembly(read_index(index), store.examine(read_index(index).line, at=department.built))
    for part in messages:
        assembly.take(part[:-1] + bytes([part[-1] ^ 1]))
    with pytest.raises(BadSignature):
        store.install(assembly.package(), at=department.built)


def test_an_index_is_told_from_a_package_and_checked(package: bytes, manifest: Manifest) -> None:
    index, _ = split_parts(package)
    assert is_index(index)
    assert not is_index(package)
    with pytest.raises(Malformed):
        read_index(b'{"format": "platepost-parts/1"}')
    with pytest.raises(UnsupportedFormat):
        read_index(index[:-1] + b', "more": 1}')
    huge = manifest.model_copy(update={"length": 1 << 30})
    with pytest.raises(Malformed, match="parts"):
        Assembly(read_index(split_parts(package, part_bytes=1024)[0]), huge)
    with pytest.raises(ValueError, match="part_bytes"):
        split_parts(package, part_bytes=100)
    with pytest.raises(HotListRefused):
        split_parts(package[:-1])


def test_a_package_put_together_from_parts_is_installed_and_not_asked_for_again(
    department: Department, package: bytes, tmp_path: Path
) -> None:
    index, messages = split_parts(package, part_bytes=1024)
    store = department.store(tmp_path)
    assembly = Assembly(read_index(index), store.examine(read_index(index).line, at=department.built))
    for part in messages:
        assembly.take(part)
    store.install(assembly.package(), at=department.built)
    assert department.store(tmp_path).load() is not None
    with pytest.raises(HotListRefused) as refused:
        store.examine(read_index(index).line, at=department.built)
    assert refused.value.reason is RefusalReason.REPEATED
