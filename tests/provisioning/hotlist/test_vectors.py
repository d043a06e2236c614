import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.wire.hotlist import HotList
from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.keys import PlateKey, normalize
from platepost.wire.hotlist.layout import decode
from platepost.wire.hotlist.package import Opened, open_package
from platepost.wire.hotlist.parts import Assembly, read_index
from tests.provisioning.hotlist import epoch_vectors, hostile, vectors
from tests.provisioning.hotlist.vectors import FOLDER

AT = datetime(2026, 6, 1, tzinfo=UTC)
KINDS = ("complete", "delta")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "vectors.json").read_text("utf-8"))
    return found


def opened(described: dict[str, Any], kind: str) -> Opened:
    issuer, post = (ECKey.import_key(described["keys"][name]) for name in ("issuer", "post"))
    return open_package((FOLDER / f"{kind}.package").read_bytes(), issuer_key=issuer, unseal_key=post)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reader_finds_in_a_package_what_the_vectors_say(described: dict[str, Any], kind: str) -> None:
    package = opened(described, kind)
    assert package.manifest.model_dump(mode="json", exclude_none=True) == described[kind]["manifest"]
    header, columns = decode(package.body)
    assert header.model_dump(mode="json", exclude_none=True) == described[kind]["header"]
    assert {name: hashlib.sha256(column).hexdigest() for name, column in columns.items()} == {
        name: section["sha256"] for name, section in described[kind]["sections"].items()
    }
    for name, section in described[kind]["sections"].items():
        assert section.get("numbers", columns[name].tolist()) == columns[name].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_builder_makes_of_the_rows_the_very_body_of_the_vectors(described: dict[str, Any], kind: str) -> None:
    body = vectors.complete_body() if kind == "complete" else vectors.changed_body()
    assert bytes(opened(described, kind).body) == body


def test_the_rows_are_those_that_the_vectors_are_made_of(described: dict[str, Any]) -> None:
    assert described["complete"]["rows"] == vectors.rows_in_json(vectors.ROWS)
    assert described["delta"]["additions"] == vectors.rows_in_json(vectors.ADDED)
    assert described["delta"]["removals"] == vectors.rows_in_json(vectors.REMOVED)


def test_every_plate_has_the_digests_that_the_vectors_say(described: dict[str, Any]) -> None:
    plate_hash = PlateHash(bytes.fromhex(described["hash_key"]))
    assert len(described["plates"]) == 6
    for plate, values in described["plates"].items():
        assert plate_hash.digest(PlateKey(values["key"])).hex() == values["digest"]
        assert plate_hash.text_fingerprint(normalize(plate)) == values["text_fingerprint"]


def test_the_parts_make_up_the_complete_list(described: dict[str, Any], tmp_path: Path) -> None:
    index, *parts = described["parts"]["files"]
    read = read_index((FOLDER / index).read_bytes())
    assert read.part_bytes == described["parts"]["part_bytes"]
    assembly = Assembly(read, opened(described, "complete").manifest, directory=tmp_path)
    assert all(assembly.take((FOLDER / name).read_bytes()) for name in parts)
    assert not assembly.missing
    assert bytes(assembly.package()) == (FOLDER / "complete.package").read_bytes()


def test_what_a_post_makes_of_the_vectors(described: dict[str, Any]) -> None:
    complete = HotList(opened(described, "complete"))
    changed = HotList(opened(described, "delta"), base=complete)

    def matched(hotlist: HotList, read: str, at: datetime = AT) -> list[tuple[str, int]]:
        return [(match.kind.value, match.priority) for match in hotlist.match(read, at=at)]

    assert matched(complete, "7abc-123") == [("exact", 2), ("exact", 5)]
    assert matched(changed, "7abc-123") == [("exact", 1), ("exact", 2)]
    assert matched(complete, "80DE456") == [("look_alike", 3)]
    assert matched(complete, "80DE456", at=datetime(2026, 7, 1, tzinfo=UTC)) == []
    assert matched(complete, "6XYZ999") == matched(changed, "6XYZ999") == [("partial", 1)]
    assert (matched(complete, "1291164"), matched(changed, "1291164")) == ([("exact", 5)], [])
    assert (matched(complete, "9NEW111"), matched(changed, "9NEW111")) == ([], [("exact", 2)])


def test_new_vectors_differ_in_keys_nonces_and_signatures_only(described: dict[str, Any], tmp_path: Path) -> None:
    vectors.write(tmp_path)
    anew = json.loads((tmp_path / "vectors.json").read_text("utf-8"))
    for kind in KINDS:
        assert anew[kind]["header"] == described[kind]["header"]
        assert anew[kind]["sections"] == described[kind]["sections"]
        same = described[kind]["manifest"].keys() - {"digest", "length", "base"}
        assert {name: anew[kind]["manifest"][name] for name in same} == {
            name: described[kind]["manifest"][name] for name in same
        }
    hostile.write(tmp_path)
    epoch_vectors.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in FOLDER.iterdir())
