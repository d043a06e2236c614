import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.wire.hotlist import HotListRefused, HotListStore
from tests.provisioning.hotlist.hostile import NAME, hostile
from tests.provisioning.hotlist.vectors import FOLDER

AT = datetime(2026, 6, 1, tzinfo=UTC)
KEYS: dict[str, Any] = json.loads((FOLDER / "vectors.json").read_text("utf-8"))["keys"]
DESCRIBED: list[dict[str, str]] = json.loads((FOLDER / NAME / "hostile.json").read_text("utf-8"))


def refusal(package: bytes, folder: Path) -> HotListRefused:
    issuer, post = (ECKey.import_key(KEYS[name]) for name in ("issuer", "post"))
    store = HotListStore(
        folder,
        agency="vectors",
        issuer_key=issuer.as_pem(private=False),
        unseal_key=post.as_pem(private=True),
    )
    with pytest.raises(HotListRefused) as refused:
        store.install(package, at=AT)
    assert store.current is None
    assert not list(folder.glob("hotlist-*"))
    return refused.value


@pytest.mark.parametrize("one", DESCRIBED, ids=lambda one: one["file"].removesuffix(".package"))
def test_a_post_refuses_each_hostile_vector_by_its_name(one: dict[str, str], tmp_path: Path) -> None:
    assert refusal((FOLDER / NAME / one["file"]).read_bytes(), tmp_path).reason == one["reason"]


def test_the_hostile_vectors_are_those_that_are_described_and_made() -> None:
    files = {path.name for path in (FOLDER / NAME).glob("*.package")}
    assert files == {one["file"] for one in DESCRIBED}
    issuer, post = (ECKey.import_key(KEYS[name]) for name in ("issuer", "post"))
    made = hostile((FOLDER / "complete.package").read_bytes(), issuer, post)
    assert [(f"{one.name}.package", one.reason, one.wrong) for one in made] == [
        (one["file"], one["reason"], one["wrong"]) for one in DESCRIBED
    ]
