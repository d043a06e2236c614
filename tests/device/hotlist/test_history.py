"""The folders of hot lists that posts of former versions left behind are taken over."""

import shutil
from pathlib import Path

import pytest

from platepost.wire.hotlist import HotListStore, RefusalReason
from tests.device.hotlist.department import Department

HISTORY = Path(__file__).parent / "history"
FOLDERS = sorted(path.name for path in HISTORY.iterdir() if (path / "post.pem").exists())


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of a post's folder, with what a kill could leave of a file that had no name yet."""
    copy = shutil.copytree(HISTORY / request.param, tmp_path / "lists")
    (copy / "hotlist-z3k_1qx7.part").write_bytes(bytes(4096))
    return copy


def store_of(folder: Path) -> HotListStore:
    keys = {"issuer_key": (folder / "issuer.pem").read_bytes(), "unseal_key": (folder / "post.pem").read_bytes()}
    return HotListStore(folder, agency="demo", **keys)


def found(store: HotListStore, *plates: str) -> list[str]:
    assert store.current is not None
    return [match.category for plate in plates for match in store.current.match(plate, at=Department.built)]


def test_the_list_and_its_deltas_are_in_force_and_nothing_else_is_left(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.glob("hotlist-*") if path.suffix != ".part"}
    store = store_of(folder)
    loaded = store.load()
    assert loaded is not None
    assert ([link.version for link in loaded.chain], store.damaged) == ([1, 2, 3], ())
    assert found(store, "8ODE456", "80DE456") == ["stolen_plate"] * 2
    assert found(store, "5NEW001", "7COV001") == ["felony_vehicle"] * 2
    assert not found(store, "7ABC123", "6XYZ123", "7OWN001"), "gone with the deltas, and the department's own"
    assert loaded.match("5NEW001", at=Department.built)[0].reference == "NEWS-1"
    assert {path.name: path.read_bytes() for path in folder.glob("hotlist-*")} == before


def test_a_damaged_package_gives_way_to_the_one_before(folder: Path) -> None:
    (newest,) = folder.glob("*3.delta")
    newest.write_bytes(newest.read_bytes()[:-1] + b"\x00")
    store = store_of(folder)
    loaded = store.load()
    assert loaded is not None
    assert (loaded.version, store.damaged) == (2, (RefusalReason.BAD_SIGNATURE,))
    assert found(store, "7ABC123") == ["stolen_vehicle"]
