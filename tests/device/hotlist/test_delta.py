"""Deltas: what they change at once, what they are bound to, and that nothing else changes."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import HotList, HotListRefused, HotListStore, RefusalReason, overlay
from platepost.wire.hotlist import hotlist as hotlist_module
from platepost.wire.hotlist.errors import Older, WrongBase
from platepost.wire.hotlist.package import load_key, open_package
from tests.device.hotlist.department import Department, delta_body

RECOVERED, STOLEN, SOLD = Department.rows
NEW = HotListRow("5NEW001", "felony_vehicle", 1, "NV", None, "NEWS-1")


@pytest.fixture(scope="module")
def complete(department: Department) -> bytes:
    return department.package(version=1)


@pytest.fixture
def store(department: Department, tmp_path: Path, complete: bytes) -> HotListStore:
    made = department.store(tmp_path)
    made.install(complete, at=department.built)
    return made


def found(hotlist: HotList | None, *plates: str) -> list[bool]:
    assert hotlist is not None
    return [bool(hotlist.match(plate, at=hotlist.built)) for plate in plates]


def refusal(store: HotListStore, department: Department, package: bytes) -> RefusalReason:
    with pytest.raises(HotListRefused) as refused:
        store.install(package, at=department.built)
    return refused.value.reason


def opened(department: Department, package: bytes) -> HotList:
    keys = load_key(department.issuer_key, private=False), load_key(department.unseal_key, private=True)
    return HotList(open_package(package, issuer_key=keys[0], unseal_key=keys[1]))


def test_a_recovered_car_stops_alarming_and_a_new_one_starts(
    department: Department, store: HotListStore, complete: bytes
) -> None:
    before = store.current
    delta = department.delta(complete, add=[NEW], remove=[RECOVERED], patterns=[department.pattern("6XY*")])
    after = store.install(delta, at=department.built)
    assert found(after, "7ABC123", "5NEW001", "8ODE456", "1291164", "6XYZ123") == [False, True, True, True, True]
    assert found(before, "7ABC123", "5NEW001") == [True, False], "who still looks into the old list sees the old list"
    (match,) = after.match("5new 001", at=after.built)
    assert (match.category, match.priority, match.state, match.reference) == ("felony_vehicle", 1, "NV", "NEWS-1")
    assert (after.version, after.entries, after.patterns, match.list_version) == (2, 3, 1, 2)
    assert after.digest == department.manifest(delta).digest


def test_one_of_two_entries_of_a_plate_goes_and_the_other_alarms_on(department: Department, tmp_path: Path) -> None:
    both = [HotListRow("5TWO222", "stolen_vehicle", 2, "CA"), HotListRow("5TWO222", "felony_vehicle", 1, "CA")]
    complete = department.package(both)
    store = department.store(tmp_path)
    store.install(complete, at=department.built)
    left = store.install(department.delta(complete, remove=both[:1]), at=department.built)
    assert [match.category for match in left.match("5TWO222", at=left.built)] == ["felony_vehicle"]


def test_a_delta_to_the_delta_in_force_goes_further(
    department: Department, store: HotListStore, complete: bytes
) -> None:
    first = department.delta(complete, add=[NEW])
    store.install(first, at=department.built)
    second = department.delta(complete, base=first, version=3, remove=[NEW, STOLEN])
    after = store.install(second, at=department.built)
    assert found(after, "5NEW001", "8ODE456", "7ABC123") == [False, False, True]
    third = department.delta(complete, base=second, version=4, add=[STOLEN])
    assert found(store.install(third, at=department.built), "8ODE456") == [True]


def test_a_delta_to_the_complete_list_replaces_the_deltas_before_it(
    department: Department, store: HotListStore, complete: bytes
) -> None:
    store.install(department.delta(complete, add=[NEW]), at=department.built)
    after = store.install(department.delta(complete, version=5, remove=[SOLD]), at=department.built)
    assert found(after, "5NEW001", "1291164", "7ABC123") == [False, False, True]
    assert [manifest.version for manifest in after.chain] == [1, 5]


def test_a_delta_to_any_other_list_is_refused_by_name(
    department: Department, store: HotListStore, complete: bytes, tmp_path: Path
) -> None:
    other = department.package(version=1)
    ahead = department.package(version=7)
    first = department.delta(complete, add=[NEW])
    second = department.delta(complete, base=first, version=3, remove=[NEW])
    for delta in (
        department.delta(other, add=[NEW]),
        department.delta(ahead, version=8, add=[NEW]),
        second,
    ):
        assert refusal(store, department, delta) is RefusalReason.WRONG_BASE
        assert found(store.current, "7ABC123", "5NEW001") == [True, False]
    empty = department.store(tmp_path / "empty")
    assert refusal(empty, department, first) is RefusalReason.WRONG_BASE
    store.install(first, at=department.built)
    assert refusal(store, department, first) is RefusalReason.REPEATED
    assert refusal(store, department, department.delta(complete, remove=[SOLD])) is RefusalReason.OLDER


@pytest.mark.parametrize("change", ["absent", "present", "counted", "keyed"])
def test_a_delta_that_does_not_fit_its_base_is_malformed(
    department: Department, store: HotListStore, complete: bytes, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if change == "keyed":
        monkeypatch.setattr(
            "tests.device.hotlist.department.delta_body",
            lambda *parts: delta_body(*parts, hash_key="00" * 32),
        )
    delta = {
        "absent": lambda: department.delta(complete, remove=[NEW]),
        "present": lambda: department.delta(complete, add=[SOLD]),
        "counted": lambda: department.delta(complete, add=[NEW], entries=3),
        "keyed": lambda: department.delta(complete, add=[NEW]),
    }[change]()
    assert refusal(store, department, delta) is RefusalReason.MALFORMED
    assert store.current is not None
    assert store.current.version == 1


def test_deltas_are_held_against_the_size_and_the_key_as_lists_are(
    department: Department, store: HotListStore, complete: bytes
) -> None:
    many = [HotListRow(f"T{number:05d}", "local", 5) for number in range(40)]
    assert refusal(store, department, department.delta(complete, add=many)) is RefusalReason.SIZE_JUMP
    assert refusal(store, department, department.delta(complete, remove=Department.rows)) is RefusalReason.SIZE_JUMP
    assert (
        refusal(store, department, department.delta(complete, add=[NEW], agency="other"))
        is RefusalReason.FOREIGN_AGENCY
    )
    taken = store.install(department.delta(complete, add=many, size_override="a new source"), at=department.built)
    assert taken.entries == 43


def test_an_empty_delta_says_that_the_list_is_still_good(
    department: Department, store: HotListStore, complete: bytes
) -> None:
    later = department.built + timedelta(hours=12)
    after = store.install(department.delta(complete, built=later), at=later)
    assert (after.built, after.entries) == (later, 3)


def test_the_chain_is_bounded_in_links_and_in_rows(
    department: Department, store: HotListStore, complete: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotlist_module, "LONGEST_CHAIN", 2)
    monkeypatch.setattr(overlay, "MOST_ROWS", 3)
    rows = [HotListRow(f"T{number:05d}", "local", 5) for number in range(4)]
    assert refusal(store, department, department.delta(complete, add=rows)) is RefusalReason.CHAIN_TOO_LONG
    links = [complete]
    for version in (2, 3, 4):
        links.append(department.delta(complete, base=links[-1], version=version, add=rows[version - 2 : version - 1]))
    store.install(links[1], at=department.built)
    store.install(links[2], at=department.built)
    assert refusal(store, department, links[3]) is RefusalReason.CHAIN_TOO_LONG
    assert store.install(department.delta(complete, version=5, add=rows[:3]), at=department.built).version == 5


def test_a_restart_comes_back_to_the_same_list(
    department: Department, store: HotListStore, complete: bytes, tmp_path: Path
) -> None:
    first = department.delta(complete, add=[NEW])
    store.install(first, at=department.built)
    store.install(department.delta(complete, base=first, version=3, remove=[RECOVERED]), at=department.built)
    again = department.store(tmp_path)
    loaded = again.load()
    assert found(loaded, "7ABC123", "5NEW001") == [False, True]
    assert not again.damaged
    assert loaded is not None
    assert [manifest.version for manifest in loaded.chain] == [1, 2, 3]


def test_the_disk_keeps_what_the_list_and_the_one_before_stand_on(
    department: Department, store: HotListStore, complete: bytes, tmp_path: Path
) -> None:
    first = department.delta(complete, add=[NEW])
    store.install(first, at=department.built)
    store.install(department.delta(complete, base=first, version=3, remove=[SOLD]), at=department.built)
    store.install(department.delta(complete, version=4, remove=[SOLD]), at=department.built)
    names = [f"hotlist-{version:016d}" for version in (1, 2, 3, 4)]
    assert [path.stem for path in sorted(tmp_path.iterdir())] == names
    fresh = department.package(version=5)
    store.install(fresh, at=department.built)
    assert [path.stem for path in sorted(tmp_path.iterdir())] == [names[0], names[3], "hotlist-0000000000000005"]
    store.install(department.delta(fresh, version=6, add=[NEW]), at=department.built)
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".package", ".delta"]


def test_a_damaged_delta_leaves_the_list_before_it(
    department: Department, store: HotListStore, complete: bytes, tmp_path: Path
) -> None:
    store.install(department.delta(complete, remove=[RECOVERED]), at=department.built)
    (delta,) = tmp_path.glob("*.delta")
    delta.write_bytes(delta.read_bytes()[:-1])
    again = department.store(tmp_path)
    assert found(again.load(), "7ABC123") == [True]
    assert again.damaged == (RefusalReason.TRUNCATED,)
    next(tmp_path.glob("*.package")).unlink()
    assert again.load() is None
    assert again.install(complete, at=department.built).version == 1


def test_a_delta_whose_base_is_gone_from_the_disk_is_not_loaded(
    department: Department, store: HotListStore, complete: bytes, tmp_path: Path
) -> None:
    store.install(department.delta(complete, remove=[RECOVERED]), at=department.built)
    next(tmp_path.glob("*.package")).unlink()
    again = department.store(tmp_path)
    assert again.load() is None
    assert again.damaged == (RefusalReason.WRONG_BASE,)


PLATES = st.text("ABO0I1", min_size=3, max_size=5)
STEPS = st.lists(st.tuples(st.sets(PLATES, max_size=4), st.sets(PLATES, max_size=4), st.booleans()), max_size=5)


def listed(plates: Sequence[str]) -> list[HotListRow]:
    return [HotListRow(plate, "local", 5) for plate in plates]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_plate_is_missed_and_none_alarms_that_went_for_any_list_and_any_order_of_deltas(
    department: Department, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Deltas arrive in any order, again and again, until the newest is in force: then it says exactly its plates."""
    first, strangers = data.draw(st.sets(PLATES, max_size=8)), data.draw(st.sets(PLATES, max_size=8))
    complete = department.package(listed(sorted(first)))
    packages, contents = [complete], [first]
    for version, (add, remove, cumulative) in enumerate(data.draw(STEPS), start=2):
        base, before = (complete, first) if cumulative else (packages[-1], contents[-1])
        after = (before | add) - remove
        packages.append(
            department.delta(
                complete,
                base=base,
                version=version,
                add=listed(sorted(after - before)),
                remove=listed(sorted(before - after)),
                size_override="any",
            )
        )
        contents.append(after)
    directory = tmp_path_factory.mktemp("store")
    store = department.store(directory)
    arrivals = [*data.draw(st.permutations(packages * 2)), *packages]
    keys = {plate.replace("O", "0").replace("I", "1") for content in contents for plate in content} | strangers
    for package in arrivals:
        with suppress(Older, WrongBase):
            store.install(package, at=department.built)
        _says_exactly(store.current, contents, keys, department.built)
    assert store.current is not None
    assert store.current.version == len(packages)
    _says_exactly(department.store(directory).load(), contents[-1:], keys, department.built)


def _says_exactly(hotlist: HotList | None, contents: list[set[str]], plates: set[str], at: datetime) -> None:
    if hotlist is None:
        return
    content = contents[min(hotlist.version, len(contents)) - 1]
    covered = {plate.replace("O", "0").replace("I", "1") for plate in content}
    for plate in plates | content:
        matched = {match.plate_matched for match in hotlist.match(plate, at=at)}
        assert matched == {one for one in content if _key(one) == _key(plate)}
        assert bool(matched) is (_key(plate) in covered)


def _key(plate: str) -> str:
    return plate.replace("O", "0").replace("I", "1")
