from datetime import UTC, datetime, timedelta

import pytest

from device.hotlist.freshness import Freshness, FreshnessLimits, age, freshness

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
    assert freshness(BUILT, at=BUILT + timedelta(hours=hours)) is state


def test_no_list_is_a_state_of_its_own() -> None:
    assert freshness(None) is Freshness.NONE


def test_limits_are_the_departments() -> None:
    limits = FreshnessLimits(timedelta(hours=1), timedelta(hours=2))
    assert freshness(BUILT, at=BUILT + timedelta(hours=1.5), limits=limits) is Freshness.WARNING
    assert freshness(BUILT, at=BUILT + timedelta(hours=2.5), limits=limits) is Freshness.STALE


def test_a_list_its_issuer_no_longer_stands_by_is_stale() -> None:
    expires = BUILT + timedelta(hours=2)
    assert freshness(BUILT, at=expires, expires=expires) is Freshness.STALE


def test_limits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        FreshnessLimits(timedelta(hours=2), timedelta(hours=1))


def test_age_is_never_negative() -> None:
    assert age(BUILT, at=BUILT + timedelta(hours=3)) == timedelta(hours=3)
    assert age(BUILT, at=BUILT - timedelta(hours=3)) == timedelta(0)
