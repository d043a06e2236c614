"""The mapped body: what is on the disk while a list is in force, and that it says the same as one in memory."""

from dataclasses import replace
from pathlib import Path

import pytest

from device.hotlist import HotList
from device.hotlist.body import MappedBody, Veil
from device.hotlist.errors import Malformed
from device.hotlist.layout import decode
from device.hotlist.package import load_key, unseal, verify_package
from provisioning.hotlist import HotListRow
from tests.device.hotlist.department import Department

ROWS = [HotListRow(f"T{number:05d}", "local", 5, "CA", None, f"CASE-{number}") for number in range(500)]


class Kept(MappedBody):
    """One whose pages can be looked at afterwards."""

    last: "Kept"

    def __init__(self, length: int, directory: Path) -> None:
        super().__init__(length, directory)
        Kept.last = self


def test_the_file_has_no_name_no_key_and_no_reference_in_clear(
    department: Department, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.hotlist.package.MappedBody", Kept)
    manifest, sealed = verify_package(department.package(ROWS), load_key(department.issuer_key, private=False))
    opened = unseal(manifest, sealed, load_key(department.unseal_key, private=True), directory=tmp_path)
    assert not list(tmp_path.iterdir())
    assert opened.head is not None
    in_memory = unseal(manifest, sealed, load_key(department.unseal_key, private=True))
    on_disk, whole = bytes(Kept.last.view), bytes(in_memory.body)
    assert len(opened.head) + len(on_disk) == len(whole)
    assert b"CASE-" in whole
    assert b"CASE-" not in on_disk
    assert b"hash_key" in whole
    assert b"hash_key" not in on_disk
    key = bytes.fromhex(whole[whole.index(b'"hash_key":"') + 12 :][:64].decode())
    assert key not in on_disk
    mapped, held = HotList(opened), HotList(in_memory)
    for row in ROWS[::50]:
        (match,) = mapped.match(row.plate, at=department.built)
        assert match == held.match(row.plate, at=department.built)[0]
        assert match.reference == row.reference
    Kept.last.release()
    assert mapped.match(ROWS[7].plate, at=department.built), "what was let go of comes back from the file"


@pytest.mark.parametrize("pieces", [1, 7, 4096])
def test_a_body_comes_in_pieces_of_any_size(department: Department, tmp_path: Path, pieces: int) -> None:
    manifest, sealed = verify_package(department.package(ROWS), load_key(department.issuer_key, private=False))
    whole = bytes(unseal(manifest, sealed, load_key(department.unseal_key, private=True)).body)
    body = MappedBody(len(whole), tmp_path)
    for start in range(0, len(whole), pieces):
        body.write(whole[start : start + pieces])
    assert body.written == len(whole)
    assert body.veil is not None
    heap = decode(memoryview(whole))[0].sections["reference_heap"]
    columns = bytes(body.view)
    unveiled = body.veil.apply(0, columns[heap.offset : heap.offset + heap.count])
    assert body.head + columns[: heap.offset] + unveiled + columns[heap.offset + heap.count :] == whole


def test_what_is_no_body_is_found_out_before_anything_is_mapped(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="begin"):
        MappedBody(100, tmp_path).write(b"PPHOTL9\n" + bytes(92))
    body = MappedBody(100, tmp_path)
    body.write(b"PPHO")
    with pytest.raises(Malformed, match="header"):
        _ = body.view


def test_the_veil_is_the_same_at_any_place() -> None:
    veil = Veil(bytes(32))
    whole = veil.apply(0, bytes(200))
    assert whole != bytes(200)
    for start in (0, 1, 15, 16, 17, 100):
        assert veil.apply(start, bytes(50)) == whole[start : start + 50]
        assert veil.apply(start, whole[start:]) == bytes(200 - start)


def test_pages_are_let_go_of_again_and_again(
    department: Department, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.hotlist.listing.RELEASE_EVERY", 10)
    manifest, sealed = verify_package(department.package(ROWS), load_key(department.issuer_key, private=False))
    opened = unseal(manifest, sealed, load_key(department.unseal_key, private=True), directory=tmp_path)
    released: list[int] = []
    hotlist = HotList(replace(opened, release=lambda: released.append(1)))
    for row in ROWS[:30]:
        assert hotlist.match(row.plate, at=department.built)
    assert len(released) == 1 + 3
