import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.wire.hotlist import HotListRefused, HotListStore
from platepost.wire.hotlist.errors import Repeated, WrongKey
from platepost.wire.hotlist.package import open_package
from tests.provisioning.hotlist import epoch_vectors, vectors

AT = datetime(2026, 6, 1, tzinfo=UTC)
FOLDER = vectors.FOLDER / epoch_vectors.NAME
KEYS: dict[str, Any] = json.loads((vectors.FOLDER / "vectors.json").read_text("utf-8"))["keys"]
DESCRIBED: dict[str, Any] = json.loads((FOLDER / "vectors.json").read_text("utf-8"))
COMPLETE, DELTA, MESSAGE = ((FOLDER / name).read_bytes() for name in ("complete.package", "delta.package", "post.keys"))
ISSUER = ECKey.import_key(KEYS["issuer"])


def store_of(folder: Path, key: ECKey | None = None) -> HotListStore:
    post = key or ECKey.import_key(KEYS["post"])
    issuer = ISSUER.as_pem(private=False)
    return HotListStore(folder, agency="vectors", issuer_key=issuer, unseal_key=post)


def exact(store: HotListStore, plate: str) -> list[int]:
    assert store.current is not None
    return [match.priority for match in store.current.match(plate, at=AT)]


def test_a_post_with_the_keys_takes_list_and_delta_and_has_them_after_a_restart(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    assert store.install_keys(MESSAGE).number == epoch_vectors.NUMBER
    store.install(COMPLETE, at=AT)
    assert (exact(store, "1291164"), exact(store, "9NEW111")) == ([5], [])
    store.install(DELTA, at=AT)
    for one in (store, store_of(tmp_path)):
        one.load()
        assert (exact(one, "1291164"), exact(one, "9NEW111"), exact(one, "7ABC123")) == ([], [2], [1, 2])
    with pytest.raises(Repeated):
        store.install_keys(MESSAGE)


def test_a_post_without_the_keys_opens_neither(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    for package in (COMPLETE, DELTA):
        with pytest.raises(HotListRefused):
            store.install(package, at=AT)
    with pytest.raises(WrongKey):
        store.install(COMPLETE, at=AT)
    with pytest.raises(WrongKey):
        store_of(tmp_path, ECKey.generate_key("P-256")).install_keys(MESSAGE)
    assert not list(tmp_path.iterdir())


def test_the_department_opens_them_with_its_own_key() -> None:
    own = ECKey.import_key(DESCRIBED["department"])
    for package, body in ((COMPLETE, vectors.complete_body()), (DELTA, vectors.changed_body())):
        assert bytes(open_package(package, issuer_key=ISSUER, unseal_key=own).body) == body


@pytest.mark.parametrize("one", DESCRIBED["hostile"], ids=lambda one: one["file"])
def test_a_post_refuses_each_hostile_vector_by_its_name(one: dict[str, str], tmp_path: Path) -> None:
    store, content = store_of(tmp_path), (FOLDER / "hostile" / one["file"]).read_bytes()
    store.install_keys(MESSAGE)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(HotListRefused) as refused:
        store.install_keys(content) if one["file"].endswith(".keys") else store.install(content, at=AT)
    assert refused.value.reason == one["reason"], str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_the_hostile_vectors_are_those_that_are_described_and_made(tmp_path: Path) -> None:
    assert sorted(path.name for path in (FOLDER / "hostile").iterdir()) == sorted(
        one["file"] for one in DESCRIBED["hostile"]
    )
    (tmp_path / "vectors.json").write_text((vectors.FOLDER / "vectors.json").read_text("utf-8"), encoding="utf-8")
    epoch_vectors.write(tmp_path)
    anew = json.loads((tmp_path / epoch_vectors.NAME / "vectors.json").read_text("utf-8"))
    assert anew["hostile"] == DESCRIBED["hostile"]
