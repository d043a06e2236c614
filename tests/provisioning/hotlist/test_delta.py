from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.changes import Changes, Removal, from_exports, from_news
from platepost.provisioning.hotlist.columns import RowSource
from platepost.provisioning.hotlist.delta import build_delta
from platepost.provisioning.hotlist.held import Held, open_held
from platepost.provisioning.hotlist.rows import HotListRow, SizeJumpError, SourceError
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotList, HotListStore
from platepost.wire.hotlist.errors import WrongBase
from platepost.wire.hotlist.keys import normalize
from platepost.wire.hotlist.layout import MOST_PATTERNS, PatternEntry
from platepost.wire.hotlist.match import Query
from platepost.wire.hotlist.package import load_key, open_package

BUILT = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOW = int(BUILT.timestamp())
ISSUER, POST, OWN = new_key(), new_key(), new_key()
SIGNING = load_key(private_pem(ISSUER), private=True)
ROWS = (
    HotListRow("7ABC123", "stolen_vehicle", 2, "CA", None, "NCIC-1"),
    HotListRow("7ABC123", "local", 5, "CA", None, "CASE 7"),
    HotListRow("8ODE456", "stolen_plate", 3, "CA", BUILT + timedelta(hours=6)),
    HotListRow("1291164", "local", 5),
    HotListRow("SAFE1", "safe", 9, None, None, None, None, True),
)


def complete(rows: tuple[HotListRow, ...] = ROWS, version: int = 1, **facts: Any) -> bytes:
    settings = {"agency": "demo", "issuer": "Demo", "built": BUILT, "post_keys": [public_pem(POST)]}
    own = {"unseal_key": private_pem(OWN)}
    return build_package(rows, version=version, signing_key=private_pem(ISSUER), **(settings | own | facts))


def held(package: bytes, after: bytes | None = None) -> Held:
    return open_held(package, after, issuer_key=SIGNING, unseal_key=load_key(private_pem(OWN), private=True))


def packed(base: Held, changes: Changes, version: int = 2, **facts: Any) -> bytes:
    keys = {"signing_key": private_pem(ISSUER), "post_keys": [public_pem(POST)], "unseal_key": private_pem(OWN)}
    settings = {"patterns": (), "issuer": "Demo", "built": BUILT + timedelta(hours=1), "size_jump": 0.3}
    return build_delta(base, changes.overlay, version=version, **(keys | settings | facts))


def on_a_post(directory: Path, *packages: bytes) -> HotList:
    store = HotListStore(
        directory, agency="demo", issuer_key=public_pem(ISSUER), unseal_key=private_pem(POST), size_jump=None
    )
    for package in packages:
        store.install(package, at=BUILT)
    assert store.current is not None
    return store.current


def fresh(base: Held, rows: tuple[HotListRow, ...], *, keep_safe: bool = False) -> Changes:
    return from_exports(base, RowSource(rows), at=NOW, keep_safe=keep_safe)


def removal(plate: str, **given: str) -> Removal:
    return Removal(2, normalize(plate), **given)


def test_a_recovered_car_stops_alarming_and_a_stolen_one_starts(tmp_path: Path) -> None:
    package = complete()
    changes, refused = from_news(held(package), RowSource([HotListRow("9NEW111", "local", 5)]), [removal("1291164")])
    assert (changes.came, changes.went, refused) == (1, 1, [])
    hotlist = on_a_post(tmp_path, package, packed(held(package), changes))
    assert hotlist.match("9NEW111", at=BUILT)
    assert not hotlist.match("1291164", at=BUILT)
    assert (hotlist.version, hotlist.entries) == (2, 5)


def test_each_delta_says_all_since_the_complete_list_and_replaces_the_one_before(tmp_path: Path) -> None:
    package = complete()
    base = held(package)
    first, _ = from_news(base, RowSource([HotListRow("9NEW111", "local", 5)]), [removal("1291164")])
    one = packed(base, first)
    after = held(package, one)
    second, _ = from_news(after, RowSource([HotListRow("1291164", "local", 5)]), [removal("9NEW111")])
    assert (second.came, second.went) == (1, 1)
    third, _ = from_news(after, RowSource([HotListRow("9NEW222", "local", 5)]), [])
    two = packed(after, third, version=3)
    for number, chain in enumerate([(package, two), (package, one, two)]):
        hotlist = on_a_post(tmp_path / str(number), *chain)
        assert [bool(hotlist.match(plate, at=BUILT)) for plate in ("9NEW111", "9NEW222", "1291164")] == [1, 1, 0]
    assert not second.overlay.added
    assert not second.overlay.removed


def test_a_removal_takes_only_the_entries_that_it_fits() -> None:
    base = held(complete())
    changes, refused = from_news(base, RowSource([]), [removal("7ABC123", category="local")])
    assert (changes.went, refused) == (1, [])
    changes, refused = from_news(base, RowSource([]), [removal("7abc-123")])
    assert (changes.went, refused) == (2, [])
    for wrong in (
        removal("7ABC124"),
        removal("80DE456"),
        removal("7ABC123", reference="CASE 8"),
        removal("7ABC123", state="NV"),
    ):
        changes, refused = from_news(base, RowSource([]), [wrong])
        assert (changes.went, [row.reason for row in refused]) == (0, ["not on the list"])


def test_an_addition_that_is_listed_already_changes_nothing() -> None:
    package = complete()
    row = HotListRow("9NEW111", "local", 5)
    after = held(package, packed(held(package), from_news(held(package), RowSource([row]), [])[0]))
    changes, _ = from_news(after, RowSource([ROWS[0], row, row]), [])
    assert (changes.came, changes.went, changes.known) == (0, 0, 2)


def test_a_changed_row_goes_and_comes(tmp_path: Path) -> None:
    package = complete()
    moved = ROWS[0]._replace(priority=1)
    changes = fresh(held(package), (moved, *ROWS[1:]))
    assert (changes.came, changes.went) == (1, 1)
    found = on_a_post(tmp_path, package, packed(held(package), changes)).match("7ABC123", at=BUILT)
    assert [match.priority for match in found] == [1, 5]


def test_fresh_exports_that_say_the_same_make_an_empty_delta(tmp_path: Path) -> None:
    package = complete()
    changes = fresh(held(package), ROWS[::-1])
    assert (changes.came, changes.went) == (0, 0)
    hotlist = on_a_post(tmp_path, package, packed(held(package), changes))
    assert (hotlist.entries, hotlist.built) == (len(ROWS), BUILT + timedelta(hours=1))


def test_own_vehicles_stay_where_the_exports_bring_none() -> None:
    base = held(complete())
    assert fresh(base, ROWS[:4], keep_safe=True).went == 0
    assert fresh(base, ROWS[:4], keep_safe=False).went == 1


def test_own_vehicles_stay_as_the_delta_before_left_them(tmp_path: Path) -> None:
    package = complete()
    new = HotListRow("SAFE2", "safe", 9, None, None, None, None, True)
    one = packed(held(package), fresh(held(package), (*ROWS[:4], new)))
    after = held(package, one)
    changes = fresh(after, (*ROWS[1:4], HotListRow("9NEW111", "local", 5)), keep_safe=True)
    assert (changes.came, changes.went) == (1, 1)
    two = packed(after, changes, version=3)
    hotlist = on_a_post(tmp_path, package, one, two)
    assert [hotlist.consult(Query(plate_read=plate), at=BUILT).safe for plate in ("SAFE1", "SAFE2")] == [False, True]
    third = fresh(held(package, two), ROWS[:4], keep_safe=True)
    assert (third.came, third.went) == (1, 1)
    assert [len(rows) for rows in (third.overlay.added, third.overlay.removed)] == [1, 1]


def test_what_has_expired_is_not_removed_one_by_one() -> None:
    base = held(complete())
    later = from_exports(base, RowSource((*ROWS[:2], *ROWS[3:])), at=NOW + 7 * 3600, keep_safe=False)
    assert (later.came, later.went) == (0, 0)


def test_too_many_changes_ask_for_a_complete_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.provisioning.hotlist.changes.MOST_ROWS", 3)
    base = held(complete())
    rows = tuple(HotListRow(f"T{number:05d}", "local", 5) for number in range(13))
    with pytest.raises(SourceError, match="build a complete list"):
        fresh(base, ROWS + rows[:4])
    with pytest.raises(SourceError, match="build a complete list"):
        fresh(base, ROWS + rows)


def test_a_size_jump_needs_a_reason_here_too() -> None:
    base = held(complete())
    changes = fresh(base, ROWS + tuple(HotListRow(f"T{number:05d}", "local", 5) for number in range(11)))
    with pytest.raises(SizeJumpError, match="16 entries after 5"):
        packed(base, changes)
    opened = open_package(
        packed(base, changes, size_override="a county joined"),
        issuer_key=SIGNING,
        unseal_key=load_key(private_pem(OWN), private=True),
    )
    assert opened.manifest.size_override == "a county joined"


def test_more_partial_plates_than_posts_carry_are_refused_in_either() -> None:
    base = held(complete())
    pattern = PatternEntry(
        pattern="7AB*", category="local", priority=5, case="C", author="A", expires=BUILT + timedelta(days=1)
    )
    most = (pattern,) * MOST_PATTERNS
    assert held(complete(patterns=most)).newest.patterns == MOST_PATTERNS
    with pytest.raises(SourceError, match="501 partial plates, posts carry 500"):
        complete(patterns=(*most, pattern))
    with pytest.raises(SourceError, match="501 partial plates, posts carry 500"):
        packed(base, fresh(base, ROWS), patterns=(*most, pattern))


def test_a_version_must_go_up() -> None:
    base = held(complete(version=4))
    with pytest.raises(SourceError, match="not newer"):
        packed(base, fresh(base, ROWS), version=4)


def test_a_list_that_is_not_sealed_to_the_department_is_no_base() -> None:
    with pytest.raises(SourceError, match="not encrypted to the department's own key"):
        held(complete(unseal_key=None))


def test_a_delta_of_another_complete_list_is_no_news() -> None:
    base, other = held(complete()), complete()
    with pytest.raises(WrongBase):
        held(other, packed(base, fresh(base, ROWS)))


def test_no_plate_stands_in_a_delta() -> None:
    base = held(complete())
    package = packed(base, fresh(base, (*ROWS[1:], HotListRow("9NEW111", "local", 5))))
    assert not any(plate in package for plate in (b"9NEW111", b"7ABC123", b"CASE"))
    body = open_package(package, issuer_key=SIGNING, unseal_key=load_key(private_pem(OWN), private=True)).body
    assert not any(plate in bytes(body) for plate in (b"9NEW111", b"7ABC123"))


rows_strategy = st.builds(
    HotListRow,
    st.sampled_from(("ABC123", "ABCI23", "ABC1Z3", "8ODE45", "80DE45")),
    st.sampled_from(("local", "stolen_plate")),
    st.sampled_from((1, 5)),
    st.sampled_from((None, "CA")),
    st.sampled_from((None, BUILT + timedelta(hours=9))),
    st.sampled_from((None, "R1", "R2")),
    *map(st.just, (None, False)),
) | st.sampled_from(
    [
        HotListRow("ABC123", "local", 5, None, None, None, "narcotics"),
        HotListRow("ABC123", "safe", 9, safe=True),
        HotListRow("8ODE45", "local", 5, None, None, None, "narcotics"),
    ]
)


@settings(deadline=None, max_examples=40)
@given(st.lists(rows_strategy, max_size=12), st.lists(rows_strategy, max_size=12))
def test_a_delta_between_any_two_lists_makes_the_second_of_the_first(
    old: list[HotListRow], new: list[HotListRow]
) -> None:
    base = held(complete(tuple(old)))
    changes = fresh(base, tuple(new))
    assert changes.came == len(set(new) - set(old))
    assert changes.went == len(set(old) - set(new))
    package = packed(base, changes, size_override="any")
    made = HotList(
        open_package(package, issuer_key=SIGNING, unseal_key=load_key(private_pem(POST), private=True)),
        base=base.complete,
    )
    whole = held(complete(tuple(new))).complete
    for plate in {row.plate for row in (*old, *new)}:
        found, wanted = ([replace(m, list_version=0) for m in each.match(plate, at=BUILT)] for each in (made, whole))
        assert sorted(found, key=repr) == sorted(wanted, key=repr)
