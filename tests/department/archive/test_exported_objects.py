"""What leaves a department has the pictures of its bucket with it, or does not leave; what comes in has new objects."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from platepost.department.archive.evidence_package import unpack
from platepost.department.archive.portability import export_department, import_department, open_manifest
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.errors import PictureStoreError
from platepost.department.database.roles import COMMAND
from platepost.wire.contract.examples import JPEG
from platepost.wire.records import Keyring
from tests.department.archive.test_evidence import Make, agree, ids, make
from tests.department.archive.test_portability import KEY, connected, content, entry, other, signed
from tests.department.custody.conftest import Open, clock, database, ended, keys, opened, rows
from tests.department.custody.posts import GROUP, SIGNER, Post, deliveries
from tests.department.roles import as_role
from tests.s3_store import Bucket, S3Store

__all__ = ["clock", "database", "ended", "ids", "keys", "make", "opened", "other", "rows"]


@pytest.fixture
def pictures(bucket: Bucket) -> Iterator[Bucket]:
    """Have pictures lie in a bucket."""
    with override_settings(PICTURE_BUCKET=bucket):
        yield bucket


def test_evidence_has_the_pictures_of_the_bucket_or_there_is_none(
    pictures: Bucket, make: Make, away: PictureBucket, tmp_path: Path
) -> None:
    package = make(1, 2, 30)
    assert agree(tmp_path, [package]) == [True]
    files = unpack(package)
    assert {body for name, body in files.items() if name.startswith("pictures/")} == {JPEG}
    fields = [json.loads(line)["data"]["pictures"] for line in files["records/post-1.jsonl"].splitlines()]
    assert [b64decode(each["data"]) for taken in fields for each in taken] == [JPEG] * 3
    with override_settings(PICTURE_BUCKET=away), pytest.raises(PictureStoreError, match="does not answer"):
        make(1)


@pytest.fixture
def filled_bucket(pictures: Bucket, opened: Open) -> Bucket:
    """Keep 13 records, of which one has no picture."""
    post, store = Post(), opened()
    store.keep(deliveries(*(post.read() for _ in range(10)), post.hit(), post.hit(GROUP), post.read(pictures=False)))
    store.close()
    return pictures


@pytest.fixture
def second(s3_store: S3Store) -> Bucket:
    """Make another bucket."""
    return Bucket(s3_store)


def test_everything_goes_out_and_into_another_bucket(
    other: str, database: str, filled_bucket: Bucket, second: Bucket, tmp_path: Path
) -> None:
    created = connected(database)
    with created.owner, closing(created.keeper), as_role(COMMAND):
        matches = export_department(created, tmp_path / "all", {}, opened=entry, on_progress=lambda *_: None)
    signed(tmp_path / "all", matches)
    there = connected(other, second)
    with there.owner, closing(there.keeper):
        manifest = open_manifest(tmp_path / "all", [KEY])
        import_department(there, tmp_path / "all", manifest, now=datetime.now(UTC), on_progress=lambda *_: None)
        fields: dict[str, Any] = {"keys": lambda _post: Keyring.from_pem(SIGNER.public_pem), "receipts": None}
        state = tmp_path / "verified.json"
        check = CustodyVerification(there.keeper.connection, state=state, bucket=second, **fields)
        report = check.run(whole=True)
    assert (report.intact, report.records) == (True, 13), report.problems
    assert [*second.objects.values()] == [JPEG] * 12
    assert second.objects.keys().isdisjoint(filled_bucket.objects), "no name is used twice"
    assert len(filled_bucket.objects) == 12, "what is left of the former department"
    before, after = (
        [row | {"object": None} for row in map(json.loads, content(where)["custody_picture"])]
        for where in (database, other)
    )
    assert sorted(map(str, after)) == sorted(map(str, before))
