"""A purge deletes the objects of the pictures that it lets go, and of no others."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import override_settings

from platepost.department.archive.purge import Certifier, approve_purge, approved_plans, carry_out, plan_purge
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.errors import PictureStoreError
from platepost.department.custody.store import CustodyStore
from platepost.department.database.roles import PURGER, WEB
from tests.department.archive.conftest import CONSENT, Vault
from tests.department.archive.test_purge import hold, ids
from tests.department.custody.conftest import Rows
from tests.department.roles import as_role
from tests.s3_store import Bucket


@pytest.fixture
def pictures(bucket: Bucket) -> Iterator[Bucket]:
    """Have pictures lie in a bucket."""
    with override_settings(PICTURE_BUCKET=bucket):
        yield bucket


def named(rows: Rows) -> set[UUID]:
    return {name for (name,) in rows("SELECT object FROM custody_picture")}


def test_objects_go_with_their_pictures_and_those_of_held_ones_stay(
    store: CustodyStore, vault: Vault, pictures: Bucket
) -> None:
    rows, purge, verify = vault
    assert named(rows) == {*pictures.objects}
    assert len(pictures.objects) == 45
    (held,) = ids(rows, "id IN (SELECT record_id FROM custody_read WHERE plate_fold = '7ABC105')")
    hold(records=[held])
    fetched = rows("SELECT object FROM custody_picture WHERE record_id = %s", held)
    purge(classes=["no_hit"])
    assert named(rows) == {*pictures.objects}
    assert len(pictures.objects) == 10
    assert verify().problems == ()
    purge()
    assert [(name,) for name in pictures.objects] == fetched
    assert verify().problems == ()
    assert rows("SELECT count(*) FROM custody_unnamed_object") == [(0,)]


def test_nothing_is_certified_before_the_objects_are_gone(
    store: CustodyStore, rows: Rows, certifier: Certifier, pictures: Bucket, away: PictureBucket
) -> None:
    with as_role(WEB):
        plan = plan_purge("a.rivera", CONSENT).plan
        approve_purge("b.lee", plan)
    with as_role(PURGER):
        with override_settings(PICTURE_BUCKET=away), pytest.raises(PictureStoreError):
            carry_out(plan, certifier)
        assert (rows("SELECT count(*) FROM custody_certificate"), len(pictures.objects)) == ([(0,)], 45)
        assert [*approved_plans()] == [plan], "the next night goes on"
        carry_out(plan, certifier)
    assert (rows("SELECT count(*) FROM custody_certificate"), pictures.objects) == ([(2,)], {})
