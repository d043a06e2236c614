"""When a post says how it is; what it says is `vitals`' and the records' own."""

from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device.errors import ConfigurationError, OutboxError
from device.health.announcer import Bulletins


@pytest.fixture
def parts(mocker: MockerFixture) -> dict[str, Any]:
    names = ("books", "changeover", "pipeline", "lists", "lookout", "uplink", "backlog", "faults", "vitals")
    made = {name: mocker.Mock() for name in names}
    made["changeover"].configuration.records = SimpleNamespace(health_seconds=60)
    return made


def bulletins(parts: dict[str, Any]) -> Bulletins:
    more = {name: part for name, part in parts.items() if name not in {"vitals", "books"}}
    return Bulletins(parts["vitals"], parts["books"], **more)


def test_health_is_due_at_once_and_then_as_often_as_configured(parts: dict[str, Any]) -> None:
    told = bulletins(parts)
    assert [told.health_due(now) for now in (100.0, 100.0, 159.9, 160.0, 160.1)] == [True, False, False, True, False]
    parts["changeover"].configuration.records = SimpleNamespace(health_seconds=1)
    assert [told.health_due(now) for now in (219.9, 220.0, 221.0)] == [False, True, True]


def test_health_waits_for_an_outbox_that_cannot_tell_what_waits(parts: dict[str, Any]) -> None:
    parts["backlog"].side_effect = OutboxError("disk I/O error")
    bulletins(parts).send_health()
    parts["uplink"].send_now.assert_not_called()


def test_a_status_is_due_when_either_faults_or_list_are_new(parts: dict[str, Any]) -> None:
    told = bulletins(parts)
    for faults, hotlist in ((False, False), (False, True), (True, False)):
        parts["vitals"].changed.return_value, parts["vitals"].noticed.return_value = faults, hotlist
        assert told.changed(set()) == (faults or hotlist)
    assert parts["vitals"].noticed.call_count == 3, "the list is taken note of even when the faults are news"


def test_a_birth_waits_neither_for_the_disk_nor_for_a_certificate_that_is_being_replaced(
    parts: dict[str, Any], mocker: MockerFixture
) -> None:
    mocker.patch("device.health.announcer.certificate_expires", side_effect=ConfigurationError("no certificate"))
    parts["books"].recorder.record.side_effect = OutboxError("the disk is full")
    with pytest.raises(OutboxError):
        bulletins(parts).birth()
    parts["vitals"].renewed.assert_not_called()
    parts["books"].records.record.assert_not_called()
