from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.columns import PIECE, RowSource
from platepost.provisioning.hotlist.rows import HotListRow, RowRefusedError, SizeJumpError, SourceError
from platepost.provisioning.hotlist.table import build_table
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotList
from platepost.wire.hotlist.layout import decode
from platepost.wire.hotlist.package import load_key, open_package

BUILT = datetime(2026, 11, 1, 12, tzinfo=UTC)
ISSUER, POST = new_key(), new_key()


def built(rows: list[HotListRow], **facts: Any) -> HotList:
    settings = {"agency": "demo", "issuer": "Demo", "version": 1, "built": BUILT, "post_keys": [public_pem(POST)]}
    package = build_package(rows, signing_key=private_pem(ISSUER), **(settings | facts))
    issuer_key = load_key(public_pem(ISSUER), private=False)
    return HotList(open_package(package, issuer_key=issuer_key, unseal_key=load_key(private_pem(POST), private=True)))


def rows(count: int) -> list[HotListRow]:
    return [HotListRow(f"T{number:05d}", "local", 5, "CA", None, f"R{number}") for number in range(count)]


def columns(listed: list[HotListRow]) -> dict[str, memoryview]:
    pieces = RowSource(listed).columns(bytes(32))
    body, _ = build_table(pieces, patterns=(), hash_key=bytes(32), false_positive_rate=1e-9)
    return decode(memoryview(body))[1]


def test_every_row_of_a_larger_list_is_found_with_what_belongs_to_it() -> None:
    hotlist = built(rows(3000))
    assert hotlist.entries == 3000
    for number in range(0, 3000, 7):
        (match,) = hotlist.match(f"T{number:05d}", at=BUILT)
        assert (match.reference, match.state, match.category) == (f"R{number}", "CA", "local")
    assert not any(hotlist.match(f"U{number:05d}", at=BUILT) for number in range(3000))


def test_rows_that_say_the_same_count_once_and_others_do_not() -> None:
    row = HotListRow("7ABC123", "local", 5)
    other = HotListRow("7ABC123", "local", 5, None, None, "R1")
    assert built([row, row, other]).entries == 2


def test_the_order_of_the_source_does_not_show() -> None:
    listed = [HotListRow(f"T{number:05d}", "local", 5) for number in range(50)]
    forwards, backwards = columns(listed), columns(listed[::-1])
    assert all(forwards[name] == backwards[name] for name in forwards)


def test_columns_nobody_needs_are_absent_and_indexes_are_narrow() -> None:
    plain = columns([HotListRow("7ABC123", "local", 5)])
    assert set(plain) == {"filter", "fingerprints", "texts", "details"}
    assert plain["details"].format == "B"
    many = [HotListRow(f"T{n:05d}", f"category_{n}", 5, None, BUILT, "R") for n in range(300)]
    assert columns(many)["details"].format == "H"
    assert "expires" in columns(many)


def test_a_reference_that_occurs_twice_is_stored_once() -> None:
    listed = [HotListRow(f"T{number:05d}", "local", 5, None, None, "CASE") for number in range(9)]
    assert bytes(columns(listed)["reference_heap"]) == b"\x04CASE"


def test_the_list_holds_for_a_week_unless_it_says_otherwise() -> None:
    assert built(rows(1)).manifest.expires == BUILT + timedelta(days=7)
    assert built(rows(1), expires=BUILT + timedelta(hours=1)).manifest.expires == BUILT + timedelta(hours=1)


def test_a_size_jump_needs_a_reason() -> None:
    previous = built(rows(100)).manifest
    assert built(rows(130), version=2, previous=previous).entries == 130
    with pytest.raises(SizeJumpError, match="131 entries after 100"):
        built(rows(131), version=2, previous=previous)
    override = built(rows(131), version=2, previous=previous, size_override="merged two sources")
    assert override.manifest.size_override == "merged two sources"


def test_a_version_must_go_up() -> None:
    with pytest.raises(SourceError, match="version 4 is not newer than 4"):
        built(rows(1), version=4, previous=built(rows(1), version=4).manifest)


def test_a_list_is_for_somebody() -> None:
    with pytest.raises(SourceError, match="at least one post"):
        built(rows(1), post_keys=[])


@pytest.mark.parametrize("row", [HotListRow("♥", "local", 5), HotListRow("7ABC123", "local", 5, None, None, "R" * 121)])
def test_a_row_that_was_not_cleaned_is_refused(row: HotListRow) -> None:
    with pytest.raises(RowRefusedError):
        built([row])


def test_rows_that_say_the_same_count_once_however_far_apart_they_stand() -> None:
    twice = HotListRow("7ABC123", "local", 5, "CA", None, "CASE")
    other = HotListRow("7ABC123", "local", 5, "CA", None, "CASE 2")
    between = rows(2 * PIECE)
    found = built([twice, *between, other, twice]).match("7ABC123", at=BUILT)
    assert sorted(match.reference or "" for match in found) == ["CASE", "CASE 2"]


def test_details_and_references_of_every_piece_stay_with_their_rows() -> None:
    listed = [
        HotListRow(f"T{n:05d}", f"category_{n % 7}", 1 + n % 9, None, None, f"R{n % 11}") for n in range(3 * PIECE)
    ]
    listed.reverse()
    hotlist = built(listed)
    for n in range(0, 3 * PIECE, 97):
        (match,) = hotlist.match(f"T{n:05d}", at=BUILT)
        assert (match.category, match.priority, match.reference) == (f"category_{n % 7}", 1 + n % 9, f"R{n % 11}")
