from datetime import UTC, datetime, timedelta

import pytest

from device.hotlist.freshness import Freshness, freshness
from tests.rigs import hotlist_settings

BUILT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "state"),
    [
        (0, Freshness.CURRENT),
        (13, Freshness.CURRENT),
        (13.01, Freshness.WARNING),
        (24, Freshness.WARNING),
        (24.01, Freshness.STALE),
        (-0.05, Freshness.CURRENT),
        (-1, Freshness.WARNING),
    ],
)
def test_a_list_warns_then_is_stale(hours: float, state: Freshness) -> None:
    assert freshness(BUILT, hotlist_settings(), at=BUILT + timedelta(hours=hours)) is state


def test_no_list_is_a_state_of_its_own() -> None:
    assert freshness(None, hotlist_settings(), at=BUILT) is Freshness.NONE


def test_limits_are_the_departments() -> None:
    settings = hotlist_settings(warning_hours=1, stale_hours=2)
    assert freshness(BUILT, settings, at=BUILT + timedelta(hours=1.5)) is Freshness.WARNING
    assert freshness(BUILT, settings, at=BUILT + timedelta(hours=2.5)) is Freshness.STALE


def test_a_list_its_issuer_no_longer_stands_by_is_stale() -> None:
    expires = BUILT + timedelta(hours=2)
    assert freshness(BUILT, hotlist_settings(), at=expires, expires=expires) is Freshness.STALE
