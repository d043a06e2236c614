"""A post that missed lists follows in the newest one's manifest how their sizes moved."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from platepost.provisioning.hotlist.build import sizes_after
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import HotListRefused, HotListStore, RefusalReason
from platepost.wire.hotlist.manifest import LONGEST_HISTORY, LONGEST_LINE, read_unverified
from platepost.wire.hotlist.package import split
from tests.device.hotlist import junk
from tests.device.hotlist.department import Department
from tests.wire.hotlist.test_package import resigned

VECTORS = Path(__file__).parents[3] / "docs" / "hotlist-vectors"


@pytest.fixture
def store(department: Department, tmp_path: Path) -> HotListStore:
    return department.store(tmp_path)


def rows(count: int) -> list[HotListRow]:
    return [HotListRow(f"T{number:05d}", "local", 5) for number in range(count)]


def built(department: Department, sizes: Sequence[int], reasons: dict[int, str] | None = None) -> list[bytes]:
    """Build a department's complete lists of some sizes, versions from 1, each after the one before, whatever its size.

    `reasons` are by version.
    """
    packages: list[bytes] = []
    for version, count in enumerate(sizes, start=1):
        previous = department.manifest(packages[-1]) if packages else None
        facts = {"previous": previous, "size_jump": 1e9, "size_override": (reasons or {}).get(version)}
        packages.append(department.package(rows(count), version=version, **facts))
    return packages


def outcome(store: HotListStore, department: Department, package: bytes) -> RefusalReason | None:
    try:
        store.install(package, at=department.built)
    except HotListRefused as refused:
        return refused.reason
    return None


def test_a_post_that_was_away_on_the_day_of_the_reason_takes_the_lists_after_it(
    department: Department, tmp_path: Path
) -> None:
    packages = built(department, (100, 150, 153, 154), {2: "the county's list came too"})
    for later in (3, 4):
        store = department.store(tmp_path / str(later))
        store.install(packages[0], at=department.built)
        assert outcome(store, department, packages[later - 1]) is None


def test_a_post_takes_a_list_that_grew_slowly_while_it_was_away(department: Department, store: HotListStore) -> None:
    packages = built(department, (100, 120, 145, 180, 230))
    store.install(packages[0], at=department.built)
    assert outcome(store, department, packages[-1]) is None


def test_a_jump_without_a_reason_stays_refused_in_the_lists_that_stand_on_it(
    department: Department, store: HotListStore
) -> None:
    packages = built(department, (100, 150, 153, 160, 20, 104, 150), {7: "it was right after all"})
    store.install(packages[0], at=department.built)
    jumped = [outcome(store, department, package) for package in packages[1:5]]
    assert jumped == [RefusalReason.SIZE_JUMP] * 4
    for package in packages[5:]:  # of the size that the post knows, and with a reason
        assert outcome(store, department, package) is None


def test_a_jump_before_or_after_a_reason_is_not_excused_by_it(department: Department, tmp_path: Path) -> None:
    for number, sizes in enumerate([(100, 150, 200), (100, 40, 140)]):
        store = department.store(tmp_path / str(number))
        packages = built(department, sizes, {2: "the county's list came too"})
        store.install(packages[0], at=department.built)
        assert outcome(store, department, packages[2]) is RefusalReason.SIZE_JUMP


def test_only_what_came_after_the_posts_own_list_counts(department: Department, store: HotListStore) -> None:
    packages = built(department, (20, 100, 125, 150))
    store.install(packages[1], at=department.built)
    assert outcome(store, department, packages[3]) is None


def test_where_the_history_begins_later_its_first_size_is_held_against_the_posts_own(
    department: Department, store: HotListStore
) -> None:
    store.install(department.package(rows(100)), at=department.built)
    begun = [{"version": version, "entries": count, "explained": False} for version, count in ((2, 125), (9, 150))]
    late = department.package(rows(150), version=10)
    assert outcome(store, department, resigned(department, late, sizes=begun[1:])) is RefusalReason.SIZE_JUMP
    assert outcome(store, department, resigned(department, late, sizes=begun)) is None


def test_a_post_that_missed_a_delta_with_a_reason_takes_the_next_one_and_the_next_complete_list(
    department: Department, tmp_path: Path
) -> None:
    complete = department.package(rows(100))
    many = [HotListRow(f"U{number:05d}", "local", 5) for number in range(60)]
    history = sizes_after(department.manifest(complete))
    with_reason = department.delta(complete, add=many[:50], size_override="a county joined", sizes=history)
    delta = department.delta(complete, add=many, version=3, sizes=sizes_after(department.manifest(with_reason)))
    next_complete = department.package(rows(162), version=4, previous=department.manifest(delta))
    for number, package in enumerate((delta, next_complete)):
        store = department.store(tmp_path / str(number))
        store.install(complete, at=department.built)
        assert outcome(store, department, package) is None
    silent = department.delta(complete, add=many, version=3)
    store = department.store(tmp_path / "silent")
    store.install(complete, at=department.built)
    assert outcome(store, department, silent) is RefusalReason.SIZE_JUMP


def test_a_list_without_a_history_is_judged_as_ever(department: Department, store: HotListStore) -> None:
    store.install(department.package(rows(100)), at=department.built)
    assert outcome(store, department, department.package(rows(150), version=2)) is RefusalReason.SIZE_JUMP
    assert outcome(store, department, department.package(rows(130), version=2)) is None


@pytest.mark.parametrize("name", ["complete.package", "delta.package"])
def test_what_was_built_before_there_was_a_history_reads_and_writes_as_it_did(name: str) -> None:
    line, _ = split((VECTORS / name).read_bytes())
    manifest = read_unverified(line)
    assert manifest.sizes is None
    assert manifest.model_dump_json(exclude_none=True).encode() == junk.unpadded(line.split(b".")[1])


def test_the_longest_history_fits_into_the_manifests_line(department: Department) -> None:
    top = 2**53 - 1
    versions = range(top - LONGEST_HISTORY, top)
    history = [{"version": version, "entries": top, "explained": False} for version in versions]
    facts: dict[str, object] = {"version": top, "issuer": "\U0001f694" * 120, "agency": "\U0001f694" * 64}
    facts["size_override"] = "\U0001f694" * 500
    line, _ = split(resigned(department, department.package(), sizes=history, **facts))
    manifest = read_unverified(line)
    assert manifest.sizes is not None
    assert len(manifest.sizes) == LONGEST_HISTORY
    assert len(line) < LONGEST_LINE / 4


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ([], RefusalReason.MALFORMED),
        ({}, RefusalReason.MALFORMED),
        ([1], RefusalReason.MALFORMED),
        ([{"version": 1, "entries": 100}], RefusalReason.MALFORMED),
        ([{"version": 0, "entries": 100, "explained": True}], RefusalReason.MALFORMED),
        ([{"version": 1, "entries": -1, "explained": True}], RefusalReason.MALFORMED),
        ([{"version": 1, "entries": 2**53, "explained": True}], RefusalReason.MALFORMED),
        ([{"version": 9, "entries": 100, "explained": True}], RefusalReason.MALFORMED),
        ([{"version": one, "entries": 100, "explained": True} for one in (2, 1)], RefusalReason.MALFORMED),
        ([{"version": 1, "entries": 100, "explained": True, "why": "x"}], RefusalReason.UNSUPPORTED_FORMAT),
        ([{"version": one, "entries": 1, "explained": True} for one in range(1, 32)], RefusalReason.MALFORMED),
    ],
)
def test_a_history_that_cannot_be_is_refused_by_name(
    department: Department, store: HotListStore, sizes: object, reason: RefusalReason
) -> None:
    version = 9 if not isinstance(sizes, list) or len(sizes) < 9 else 99
    package = resigned(department, department.package(version=version), sizes=sizes)
    assert outcome(store, department, package) is reason


def test_mutated_histories_are_taken_or_refused_by_name(department: Department, tmp_path: Path) -> None:
    first, *_, last = built(department, (100, 120, 145, 160), {3: "a county joined"})
    manifest = department.manifest(last)
    assert manifest.sizes is not None
    facts = [one.model_dump() for one in manifest.sizes]
    store = department.store(tmp_path)
    outcomes = set()
    for number in range(600):
        if store.current is None or store.current.version > 1:
            for path in tmp_path.iterdir():
                path.unlink()
            store.load()
            store.install(first, at=department.built)
        draw = random.Random(number)
        mutated = junk.twisted({"sizes": facts}, draw)
        outcomes.add(outcome(store, department, resigned(department, last, **mutated)))
    assert outcomes >= {None, RefusalReason.SIZE_JUMP, RefusalReason.MALFORMED, RefusalReason.UNSUPPORTED_FORMAT}
