"""What pages show of a picture in a bucket; where it cannot be had: the record, and why; never an error of theirs."""

import hashlib
import re
from uuid import UUID

import psycopg
import pytest
from django.http import HttpResponse
from django.test import Client, override_settings

from platepost.department.alerts.console_feed import ConsoleFeed
from platepost.department.custody.bucket import PictureBucket
from platepost.department.database.roles import WEB
from platepost.department.status.status import custody_status
from tests.department.alerts.conftest import Dispatch, dispatch
from tests.department.alerts.test_console_feed import ear, feed, poll
from tests.department.roles import as_role
from tests.department.search.conftest import AT, Stock, keep_record, stock, superuser
from tests.department.search.test_search import PATCH, PLATE, WHY, links, operator, searched
from tests.s3_store import Bucket

__all__ = ["dispatch", "feed", "operator", "stock", "superuser"]


@pytest.mark.parametrize(
    "expected",
    [("away", 503, "does not answer"), ("bucket", 404, "missing or damaged"), (None, 503, "does not answer")],
)
def test_a_read_is_shown_without_its_picture_and_with_the_reason(
    request: pytest.FixtureRequest,
    stock: Stock,
    superuser: psycopg.Connection,
    operator: Client,
    expected: tuple[str | None, int, str],
) -> None:
    where, status, says = expected
    stock([{"plate": PLATE}])
    add_object(superuser)
    with override_settings(PICTURE_BUCKET=request.getfixturevalue(where) if where else None):
        answer = picture_of_read(operator)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "image/svg+xml")
    assert says in answer.content.decode()


def test_a_read_is_shown_with_its_picture_from_the_bucket(
    stock: Stock, superuser: psycopg.Connection, operator: Client, bucket: Bucket
) -> None:
    stock([{"plate": PLATE}])
    bucket.put({add_object(superuser): PATCH})()
    with override_settings(PICTURE_BUCKET=bucket):
        answer = picture_of_read(operator)
    assert (answer.content, answer.headers["Content-Type"]) == (PATCH, "image/png")


def add_object(superuser: psycopg.Connection) -> UUID:
    """Have a read's picture lie in a bucket; return its object's name."""
    keep_record(superuser, 1)
    ((name,),) = superuser.execute(
        "INSERT INTO custody_picture (record_id, class, retained_from, kind, media_type, width, height, sha256, object)"
        " VALUES (1, 'no_hit', %s, 'patch', 'image/png', 9, 9, %s, gen_random_uuid()) RETURNING object",
        [AT, hashlib.sha256(PATCH).digest()],
    )
    return UUID(str(name))


def picture_of_read(operator: Client) -> HttpResponse:
    """Open a read; return what is shown as its picture."""
    (where,) = links(searched(operator, {**WHY, "plate": PLATE}), "read")
    read = operator.get(where).content.decode()
    assert PLATE in read
    (address,) = re.findall('src="(/search/picture/[^"]*)"', read)
    return operator.get(address)


def test_a_hit_is_shown_without_its_picture_and_with_the_reason(
    dispatch: Dispatch, feed: ConsoleFeed, bucket: Bucket, away: PictureBucket
) -> None:
    one = ear(feed, "a.rivera")
    poll(feed)
    record = dispatch.alert().record_id
    dispatch.act("UPDATE custody_picture SET object = gen_random_uuid(), body = NULL WHERE record_id = %s", record)
    with override_settings(PICTURE_BUCKET=away):
        poll(feed)
    ((_, _), (kind, fields), _) = one.received
    assert (kind, fields["record"], fields["plate"], fields["pictures"]) == ("hit", record, "7ABC123", {})
    assert "can't be shown: the store that has it does not answer." in fields["compare"]


def test_status_says_that_the_store_does_not_answer(dispatch: Dispatch, bucket: Bucket, away: PictureBucket) -> None:
    with as_role(WEB):
        assert custody_status({}).pictures is None
        assert custody_status({}, bucket=bucket).pictures is None
        assert "does not answer" in str(custody_status({}, bucket=away).wire()["pictures"])
