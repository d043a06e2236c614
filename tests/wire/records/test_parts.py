import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from platepost.wire.contract.examples import LIST, example_sight, example_status, identifiers
from platepost.wire.records import ClockQuality, Picture, Read, Status


def test_a_picture_knows_its_digest() -> None:
    picture = Picture.of("patch", b"jpeg", width=2, height=1)
    assert picture.sha256 == hashlib.sha256(b"jpeg").hexdigest()
    assert picture.size == 4
    assert picture.data == base64.b64encode(b"jpeg").decode()


@pytest.mark.parametrize(
    "data", ["anBlZw", "!!!!", base64.b64encode(b"jpeh").decode(), base64.b64encode(b"jpegs").decode()]
)
def test_a_picture_that_does_not_match_is_refused(data: str) -> None:
    values = Picture.of("patch", b"jpeg", width=2, height=1).wire()
    with pytest.raises(ValidationError):
        Picture.model_validate(values | {"data": data})


def test_times_are_utc_with_milliseconds() -> None:
    moment = datetime(2026, 7, 1, 12, 0, 0, 987654, timezone(timedelta(hours=-7)))
    status = example_status("online", next(identifiers())).model_copy(update={"since": moment})
    assert status.wire()["since"] == "2026-07-01T19:00:00.987Z"
    checked = Status.model_validate(status.model_dump())
    assert checked.since == datetime(2026, 7, 1, 19, 0, 0, 987000, UTC)


def test_a_time_without_zone_is_refused() -> None:
    values = example_status("online", next(identifiers())).model_dump()
    with pytest.raises(ValidationError):
        Status.model_validate(values | {"since": datetime(2026, 7, 1)})  # noqa: DTZ001


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError):
        ClockQuality.model_validate({"source": "kernel", "synchronised": True, "surprise": 1})


def test_a_degraded_post_says_why_and_an_online_one_has_no_faults() -> None:
    boot = next(identifiers())
    with pytest.raises(ValidationError, match="states why"):
        example_status("degraded", boot)
    values = example_status("online", boot).model_dump()
    with pytest.raises(ValidationError, match="no faults"):
        Status.model_validate(values | {"reasons": [{"name": "x", "message": "x"}]})


def test_a_record_cannot_be_changed() -> None:
    read = Read.model_validate(
        example_sight(next(identifiers())) | {"hotlist": LIST.model_dump() | {"result": "no_match"}}
    )
    with pytest.raises(ValidationError):
        read.plate_read = "OTHER"  # type: ignore[misc]
