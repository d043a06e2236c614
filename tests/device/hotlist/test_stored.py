"""The stored body: what is on the disk while a list is in force, and what becomes of it when the disk fails."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from device.hotlist import HotList, HotListStore, HotListUnreadable, Refusal
from device.hotlist import pages as module
from device.hotlist.body import Veil
from device.hotlist.errors import Malformed, Older, WrongBase
from device.hotlist.layout import decode
from device.hotlist.manifest import Manifest
from device.hotlist.package import Storage, load_key, unseal, verify_package
from device.hotlist.stored import AGAIN_SECONDS, StoredBody
from provisioning.hotlist import HotListRow
from tests.device.hotlist.department import Department

ROWS = [HotListRow(f"T{number:05d}", "local", 5, "CA", None, f"CASE-{number}") for number in range(1500)]
LISTED, ABSENT = ROWS[700].plate, "7XYZ789"


@pytest.fixture(autouse=True)
def _nothing_held_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_PAGES", 0)


def verified(department: Department) -> tuple[Manifest, memoryview]:
    return verify_package(department.package(ROWS), load_key(department.issuer_key, private=False))


def not_asked() -> memoryview:
    raise AssertionError("nothing was the matter with the file")


def file_of(hotlist: HotList) -> int:
    """Return the descriptor of the file in which most of a list lies."""
    assert hotlist.listing.stored is not None
    assert hotlist.listing.stored._file is not None
    return hotlist.listing.stored._file.pages._descriptor


def damage(hotlist: HotList) -> None:
    """Have the disk no longer give the file, as with a bad sector: what was mapped of it would be a SIGBUS."""
    os.ftruncate(file_of(hotlist), 0)


def damage_packages(folder: Path, *versions: int) -> None:
    for version in versions:
        (path,) = folder.glob(f"*{version}.package")
        path.write_bytes(path.read_bytes()[:-100] + bytes(100))


def test_the_file_has_no_name_no_key_and_no_reference_in_clear(department: Department, tmp_path: Path) -> None:
    manifest, sealed = verified(department)
    key = load_key(department.unseal_key, private=True)
    opened = unseal(manifest, sealed, key, storage=Storage(tmp_path, not_asked))
    in_memory = unseal(manifest, sealed, key)
    stored, held = HotList(opened), HotList(in_memory)
    assert not list(tmp_path.iterdir())
    on_disk, whole = os.pread(file_of(stored), 1 << 24, 0), bytes(in_memory.body)
    assert len(on_disk) > len(ROWS) * 20
    assert b"CASE-" in whole
    assert b"CASE-" not in on_disk
    assert b"hash_key" in whole
    assert b"hash_key" not in on_disk
    assert bytes.fromhex(whole[whole.index(b'"hash_key":"') + 12 :][:64].decode()) not in on_disk
    assert list(stored.listing.table) == list(held.listing.table)
    for row in ROWS[::50]:
        (match,) = stored.match(row.plate, at=department.built)
        assert match == held.match(row.plate, at=department.built)[0]
        assert match.reference == row.reference


@pytest.mark.parametrize("pieces", [7, 4096])
def test_a_body_comes_in_pieces_of_any_size(department: Department, tmp_path: Path, pieces: int) -> None:
    manifest, sealed = verified(department)
    whole = bytes(unseal(manifest, sealed, load_key(department.unseal_key, private=True)).body)
    body = StoredBody(len(whole), tmp_path, again=not_asked)
    for start in range(0, len(whole), pieces):
        body.write(whole[start : start + pieces])
    body.end()
    assert body.written == len(whole)
    header, columns = body.columns()
    same, in_memory = decode(memoryview(whole))
    assert header == same
    assert {name: list(column) for name, column in columns.items()} == {
        name: list(column) for name, column in in_memory.items()
    }


def test_what_is_no_body_is_found_out_before_anything_is_stored(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="begin"):
        StoredBody(100, tmp_path / "no", again=not_asked).write(b"PPHOTL9\n" + bytes(92))
    body = StoredBody(100, tmp_path / "no", again=not_asked)
    body.write(b"PPHO")
    body.end()
    with pytest.raises(Malformed, match="header"):
        body.columns()
    assert not (tmp_path / "no").exists()


def test_the_veil_is_the_same_at_any_place() -> None:
    veil = Veil(bytes(32))
    whole = veil.apply(0, bytes(200))
    assert whole != bytes(200)
    for start in (0, 1, 15, 16, 17, 100):
        assert veil.apply(start, bytes(50)) == whole[start : start + 50]
        assert veil.apply(start, whole[start:]) == bytes(200 - start)


# --- a disk that no longer gives it


@pytest.fixture
def store(department: Department, tmp_path: Path) -> HotListStore:
    """Return a post's store with two versions of a list, the second in force."""
    made = department.store(tmp_path)
    for version in (1, 2):
        made.install(department.package(ROWS, version=version), at=department.built)
    return made


def current(store: HotListStore) -> HotList:
    assert store.current is not None
    return store.current


def _die_or_answer(department: Department, folder: Path) -> None:
    store = department.store(folder)
    store.load()
    hotlist = current(store)
    for link in Path("/proc/self/fd").iterdir():
        place = os.path.realpath(link)
        if place.startswith(str(folder)) and "(deleted)" in place:  # what pytest has open is none of ours
            os.ftruncate(int(link.name), 0)
    raise SystemExit(0 if hotlist.match(LISTED, at=department.built) and store.disk_failed else 1)


def test_a_list_in_force_that_the_disk_does_not_give_ends_no_process(
    department: Department, store: HotListStore, tmp_path: Path
) -> None:
    """In a process of its own: whatever of the file is mapped ends it with SIGBUS."""
    del store
    child = multiprocessing.get_context("fork").Process(target=_die_or_answer, args=(department, tmp_path))
    child.start()
    child.join()
    assert child.exitcode == 0


def test_a_list_that_the_disk_does_not_give_goes_on_from_its_package_in_memory(
    department: Department, store: HotListStore
) -> None:
    hotlist = current(store)
    before = hotlist.match(LISTED, at=department.built)
    assert not store.disk_failed
    damage(hotlist)
    assert hotlist.match(LISTED, at=department.built) == before
    assert before[0].reference == "CASE-700"
    assert store.disk_failed
    assert not hotlist.damaged
    assert store.fall_back() == ()
    assert current(store) is hotlist


def test_a_delta_comes_to_a_list_that_the_disk_does_not_give(department: Department, tmp_path: Path) -> None:
    store, complete = department.store(tmp_path), department.package(ROWS)
    damage(store.install(complete, at=department.built))
    store.install(department.delta(complete, remove=[ROWS[700]]), at=department.built)
    assert not current(store).match(LISTED, at=department.built)
    assert current(store).match(ROWS[3].plate, at=department.built)


def test_a_list_that_is_nowhere_to_be_read_gives_way_to_the_one_before(
    department: Department, store: HotListStore, tmp_path: Path
) -> None:
    hotlist = current(store)
    damage(hotlist)
    damage_packages(tmp_path, 2)
    with pytest.raises(HotListUnreadable):
        hotlist.match(LISTED, at=department.built)
    assert hotlist.match(ABSENT, at=department.built) == (), "what is not listed is known without the disk"
    assert [refusal.reason for refusal in store.fall_back()] == [Refusal.BAD_SIGNATURE]
    assert current(store).version == 1
    assert current(store).match(LISTED, at=department.built)
    assert store.install(department.package(ROWS, version=2), at=department.built).version == 2


def test_without_one_before_it_stays_and_may_come_again(
    department: Department, store: HotListStore, tmp_path: Path
) -> None:
    hotlist, retained = current(store), department.package(ROWS, version=2)
    damage(hotlist)
    damage_packages(tmp_path, 1, 2)
    with pytest.raises(HotListUnreadable):
        hotlist.match(LISTED, at=department.built)
    assert len(store.fall_back()) == 2
    assert current(store) is hotlist
    with pytest.raises(Older):
        store.install(department.package(ROWS, version=1), at=department.built)
    store.install(retained, at=department.built)
    assert current(store).match(LISTED, at=department.built)


@pytest.mark.parametrize("delta_first", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_a_complete_list_that_comes_again_takes_no_delta_out_of_force(
    department: Department, tmp_path: Path, *, delta_first: bool, kept: bool
) -> None:
    came = [HotListRow(f"N{number:05d}", "local", 5) for number in range(600)]
    store, complete = department.store(tmp_path), department.package(ROWS)
    delta = department.delta(complete, add=came, size_override="it grew")
    for package in (complete, delta):
        store.install(package, at=department.built)
    damage(current(store))
    damage_packages(tmp_path, 1)
    with pytest.raises(HotListUnreadable):
        current(store).match(LISTED, at=department.built)
    if not kept:
        next(tmp_path.glob("*2.delta")).unlink()
    if delta_first:
        with pytest.raises(WrongBase, match="again"):  # for which it is sent for once more, after the list
            store.install(delta, at=department.built)
    fresh = store.install(complete, at=department.built)
    assert fresh.version == (2 if kept else 1)
    if not kept:
        store.install(delta, at=department.built)
    assert not current(store).damaged
    for listed in (LISTED, came[7].plate):
        assert current(store).match(listed, at=department.built)
    again = department.store(tmp_path).load()
    assert again is not None
    assert again.version == 2


def test_a_damaged_list_is_in_force_all_the_while_that_another_is_looked_for(
    department: Department, store: HotListStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hotlist = current(store)
    damage(hotlist)
    damage_packages(tmp_path, 1, 2)
    with pytest.raises(HotListUnreadable):
        hotlist.match(LISTED, at=department.built)
    put: list[tuple[str, object]] = []

    def put_down(self: HotListStore, name: str, value: object) -> None:
        put.append((name, value))
        object.__setattr__(self, name, value)

    monkeypatch.setattr(HotListStore, "__setattr__", put_down)
    store.fall_back()
    assert ("_current", None) not in put, "whoever looks at that moment would take hits back"
    assert current(store) is hotlist


def test_a_list_for_which_there_is_no_memory_cannot_be_read(
    department: Department, store: HotListStore, mocker: MockerFixture
) -> None:
    damage(current(store))
    mocker.patch("device.hotlist.package.MemoryBody", side_effect=OSError(errno.ENOMEM, "Cannot allocate memory"))
    with pytest.raises(HotListUnreadable):
        current(store).match(LISTED, at=department.built)


def test_packages_that_cannot_be_read_are_not_read_with_every_frame(
    department: Department, store: HotListStore, tmp_path: Path, mocker: MockerFixture
) -> None:
    clock = mocker.Mock(return_value=5.0)
    for name in ("stored", "store"):
        mocker.patch(f"device.hotlist.{name}.monotonic", clock)
    damage(current(store))
    damage_packages(tmp_path, 1, 2)
    read = mocker.spy(store, "_verified")
    for seconds, times in ((5.0, 3), (5.0 + AGAIN_SECONDS, 6)):
        clock.return_value = seconds
        for _ in range(15):
            with pytest.raises(HotListUnreadable):
                current(store).match(LISTED, at=department.built)
            store.fall_back()
        assert read.call_count == times, "the package of the list, then both in search of another list"


def test_a_package_that_can_be_read_again_heals_it(
    department: Department, store: HotListStore, tmp_path: Path, mocker: MockerFixture
) -> None:
    clock = mocker.patch("device.hotlist.stored.monotonic", return_value=5.0)
    hotlist, (path,) = current(store), tmp_path.glob("*2.package")
    damage(hotlist)
    path.rename(tmp_path / "away")
    with pytest.raises(HotListUnreadable):
        hotlist.match(LISTED, at=department.built)
    assert hotlist.damaged
    (tmp_path / "away").rename(path)
    clock.return_value += AGAIN_SECONDS
    assert hotlist.match(LISTED, at=department.built)
    assert not hotlist.damaged


def test_a_list_that_is_replaced_takes_its_file_with_it(
    department: Department, store: HotListStore, tmp_path: Path
) -> None:
    for version in range(3, 9):
        store.install(department.package(ROWS, version=version), at=department.built)
    files = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    assert len([file for file in files if file.startswith(str(tmp_path))]) == 1
