from array import array

import pytest

from platepost.wire.hotlist.errors import Malformed
from platepost.wire.hotlist.fingerprints import FingerprintTable
from platepost.wire.hotlist.layout import Detail

DETAILS = [Detail(category="local", priority=5), Detail(category="stolen_vehicle", priority=2, state="CA")]
HEAP = b"\x02R1\x03ABC"


def column(kind: str, *values: int) -> memoryview:
    return memoryview(array(kind, values))


def columns(**changed: memoryview) -> dict[str, memoryview]:
    return {
        "fingerprints": column("Q", 3, 9, 9, 2**64 - 1),
        "texts": column("I", 1, 2, 3, 4),
        "details": column("B", 0, 1, 0, 1),
        "expires": column("I", 0, 100, 0, 0),
        "references": column("I", 0, 1, 4, 0),
        "reference_heap": memoryview(HEAP),
        **changed,
    }


def test_every_entry_of_a_fingerprint_is_found_and_no_other() -> None:
    table = FingerprintTable(columns(), DETAILS)
    assert len(table) == 4
    assert [entry.reference for entry in table.entries(9)] == ["R1", "ABC"]
    assert [entry.detail.category for entry in table.entries(9)] == ["stolen_vehicle", "local"]
    assert [entry.text_fingerprint for entry in table.entries(2**64 - 1)] == [4]
    for absent in (0, 4, 10, 2**64 - 2):
        assert not list(table.entries(absent))


def test_an_entry_counts_until_it_expires_and_not_after() -> None:
    first, second = FingerprintTable(columns(), DETAILS).entries(9)
    assert first.in_force(99)
    assert not first.in_force(100)
    assert second.in_force(2**31)


def test_columns_that_are_absent_mean_no_expiry_and_no_reference() -> None:
    kept = {name: data for name, data in columns().items() if name in {"fingerprints", "texts", "details"}}
    (entry,) = FingerprintTable(kept, DETAILS).entries(3)
    assert entry.expires == 0
    assert entry.reference is None


def test_a_table_of_nothing_finds_nothing() -> None:
    empty = {"fingerprints": column("Q"), "texts": column("I"), "details": column("B")}
    assert not list(FingerprintTable(empty, []).entries(0))


@pytest.mark.parametrize(
    "changed",
    [
        {"fingerprints": column("Q", 9, 3, 9, 9)},
        {"fingerprints": column("I", 3, 9, 9, 9)},
        {"texts": column("I", 1, 2, 3)},
        {"expires": column("I", 1)},
        {"details": column("B", 0, 1, 0, 2)},
        {"references": column("I", 0, 1, 4, 8)},
    ],
)
def test_columns_that_do_not_belong_together_are_malformed(changed: dict[str, memoryview]) -> None:
    with pytest.raises(Malformed):
        FingerprintTable(columns(**changed), DETAILS)


@pytest.mark.parametrize("missing", ["fingerprints", "texts", "details"])
def test_a_missing_column_is_malformed(missing: str) -> None:
    kept = {name: data for name, data in columns().items() if name != missing}
    with pytest.raises(Malformed, match=missing):
        FingerprintTable(kept, DETAILS)


@pytest.mark.parametrize(
    "heap",
    [
        b"\x06R1\x03ABC",
        b"\x02R1\x04ABC",
        b"\x02R1\x03A\x1bC",
        b"\x02R1\x03A\x00C",
        b"\x02\xff1\x03ABC",
        b"\x00\x02R1",
        b"\x79" + b"A" * 121,
    ],
)
def test_a_heap_that_is_not_one_plain_reference_after_another_is_malformed(heap: bytes) -> None:
    with pytest.raises(Malformed):
        FingerprintTable(columns(references=column("I", 0, 1, 0, 0), reference_heap=memoryview(heap)), DETAILS)


def test_a_reference_begins_where_the_one_before_it_ends() -> None:
    with pytest.raises(Malformed, match="no reference"):
        FingerprintTable(columns(references=column("I", 5, 0, 0, 0)), DETAILS)


@pytest.mark.parametrize("broken", [0, 4095, 4096, 9999])
def test_each_of_many_references_is_looked_at(broken: int) -> None:
    texts = [b"Gr\xc3\xb6\xc3\x9fe %08d" % number for number in range(10_000)]
    starts = [1 + number * 17 for number in range(10_000)]
    table = {
        "fingerprints": column("Q", *range(10_000)),
        "texts": column("I", *range(10_000)),
        "details": column("B", *bytes(10_000)),
        "references": column("I", *starts),
    }

    def heap() -> memoryview:
        return memoryview(b"".join(bytes([len(text)]) + text for text in texts))

    (entry,) = FingerprintTable(table | {"reference_heap": heap()}, DETAILS).entries(broken)
    assert entry.reference == f"Größe {broken:08d}"
    texts[broken] = texts[broken][:-1] + b"\x1b"
    with pytest.raises(Malformed, match="invisible"):
        FingerprintTable(table | {"reference_heap": heap()}, DETAILS)


def test_plates_are_counted_by_their_fingerprints() -> None:
    assert FingerprintTable(columns(), DETAILS).plates == 3
