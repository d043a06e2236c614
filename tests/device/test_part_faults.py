"""Each part names its own faults, and tests itself; what it looks at is made up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import ConfigurationError
from platepost.device.camera.supervisor import BEHIND_SECONDS, DroppedFrames
from platepost.device.health.certificate import CertificateMonitor
from platepost.device.hotlist.service import HotListService
from platepost.device.outbox.outbox import Backlog
from platepost.device.uplink.uplink import Uplink
from platepost.wire.faults import Fault
from platepost.wire.records import HotListState

WELL: dict[str, Any] = {
    "connected": True,
    "broker": "broker:8883",
    "problem": None,
    "refusals": (),
    "refused_subscriptions": (),
    "too_large": 0,
    "acknowledged": 3,
}


@pytest.fixture
def uplink(mocker: MockerFixture) -> Any:
    made = Uplink.__new__(Uplink)
    made._queue_old = False
    mocker.patch.object(made, "backlog", return_value=Backlog(0, 0, 0, 0, None, None, 0, 0))
    made._outbox = mocker.Mock()
    return made


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({}, None),
        ({"problem": "broker_certificate_expired", "connected": False}, Fault.BROKER_CERTIFICATE_EXPIRED),
        ({"refusals": (SimpleNamespace(reason="not_authorized"),)}, Fault.PUBLISH_REFUSED),
        ({"refusals": (SimpleNamespace(reason="no_matching_subscribers"),)}, Fault.NO_SUBSCRIBER),
        ({"too_large": 1}, Fault.RECORD_TOO_LARGE),
        ({"refused_subscriptions": ("list not_authorized",)}, Fault.SUBSCRIPTION_REFUSED),
    ],
)
def test_the_uplink_names_what_the_broker_refuses(
    uplink: Any,
    mocker: MockerFixture,
    said: dict[str, Any],
    fault: Fault | None,
) -> None:
    mocker.patch.object(uplink, "state", return_value=SimpleNamespace(**WELL | said))
    assert uplink.faults() == ({fault} if fault else set())


@pytest.mark.parametrize(("acknowledged", "told"), [(0, "nothing acknowledged yet"), (3, "records acknowledged")])
def test_the_uplink_s_point_does_not_say_how_much_was_acknowledged(
    uplink: Any,
    mocker: MockerFixture,
    acknowledged: int,
    told: str,
) -> None:
    mocker.patch.object(uplink, "state", return_value=SimpleNamespace(**WELL | {"acknowledged": acknowledged}))
    outbox, broker = uplink.findings()
    assert (outbox.point, outbox.good) == ("outbox", True)
    assert (broker.point, broker.good, broker.said) == ("uplink", True, f"broker:8883, {told}, 0 topics refused")


@pytest.mark.parametrize(
    ("state", "fault", "good"),
    [
        ({"state": "none"}, Fault.HOTLIST_MISSING, False),
        ({"state": "stale", "version": 7, "age_seconds": 90_000.0}, Fault.HOTLIST_STALE, False),
        ({"state": "warning", "version": 7, "age_seconds": 50_000.0}, None, True),
        ({"state": "current", "version": 7, "age_seconds": 1.0}, None, True),
    ],
)
def test_the_hot_list_names_that_it_is_missing_or_stale(
    mocker: MockerFixture, state: dict[str, Any], fault: Fault | None, *, good: bool
) -> None:
    service = HotListService.__new__(HotListService)
    mocker.patch.object(service, "state", return_value=HotListState(**state))
    assert service.faults() == ({fault} if fault else set())
    assert [finding.good for finding in service.findings()] == [good]


def test_dropped_frames_count_for_a_minute_and_a_capture_that_was_opened_again_counts_from_the_start() -> None:
    frames = DroppedFrames()
    frames.count(0, 0.0)
    assert not frames.recent
    frames.count(5, 10.0)
    assert frames.recent
    frames.count(2, 10.0 + BEHIND_SECONDS - 1)
    assert frames.recent
    frames.count(2, 10.0 + BEHIND_SECONDS + 1)
    assert not frames.recent
    frames.count(3, 10.0 + BEHIND_SECONDS + 2)
    assert frames.recent


def test_a_certificate_is_read_again_and_named_two_weeks_before_its_end(tmp_path: Path, mocker: MockerFixture) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)

    def good_for(days: int) -> SimpleNamespace:
        return SimpleNamespace(not_valid_before_utc=now, not_valid_after_utc=now + timedelta(days=days))

    shown = mocker.patch("platepost.device.health.certificate.certificate", return_value=good_for(15))
    timekeeper = mocker.Mock(now=lambda: now)
    monitor = CertificateMonitor(tmp_path / "certificate.pem", timekeeper)
    assert monitor.faults() == ()
    shown.return_value = good_for(13)
    monitor.poll(0.0)
    assert monitor.faults() == (Fault.CERTIFICATE_EXPIRING,)
    assert not monitor.findings()[0].good
    timekeeper.heed_certificate.assert_called_once_with(good_for(13))
    shown.side_effect = ConfigurationError("being replaced")
    monitor.poll(10.0)
    assert monitor.expires == now + timedelta(days=13)
