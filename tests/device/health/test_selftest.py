"""What a running post says of itself to an operator who asks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device.clock.kernel import clock_quality
from device.health.selftest import check_up
from device.outbox import Backlog
from device.records.contract.examples import LIST


@pytest.mark.parametrize(("acknowledged", "told"), [(0, "nothing acknowledged yet"), (3, "records acknowledged")])
def test_the_uplinks_point_does_not_say_how_much_was_acknowledged(
    acknowledged: int, told: str, mocker: MockerFixture
) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    uplink: Any = mocker.Mock(
        broker="broker:8883", connected=True, acknowledged=acknowledged, refusals=(), refused_subscriptions=()
    )
    findings = check_up(
        now=now,
        capture=None,
        hotlist=LIST,
        clock=clock_quality(),
        certificate_expires=now + timedelta(days=700),
        backlog=lambda: Backlog(0, 0, 0, 0, None, 0, 0),
        uplink=uplink,
        disk_free=None,
    )
    (finding,) = [finding for finding in findings if finding.point == "uplink"]
    assert (finding.good, finding.said) == (True, f"broker:8883, {told}, 0 topics refused")
