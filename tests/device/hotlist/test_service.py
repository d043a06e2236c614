"""What a post says of its list without a broker."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_mock import MockerFixture

from device.faults.fault import notices
from device.hotlist.service import HotListService, freshness, list_state
from device.records import HotListState
from tests.device.hotlist.department import Department
from tests.rigs import hotlist_settings


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (HotListState(state="current", version=1), []),
        (HotListState(state="warning", version=1), ["hotlist_warning"]),
        (HotListState(state="none", near_alternatives=3), ["near_matching"]),
    ],
)
def test_an_ageing_list_and_near_matching_are_said_in_every_status(state: HotListState, names: list[str]) -> None:
    assert [notice.name for notice in notices(state)] == names


def test_what_the_configuration_says_of_look_ups_is_what_the_list_goes_by(mocker: MockerFixture) -> None:
    settings = hotlist_settings(near_alternatives=4)
    service = HotListService(
        mocker.Mock(), settings, mocker.Mock(), rate_limited=mocker.Mock(), timekeeper=mocker.Mock()
    )
    assert service.settings == settings
    state = list_state(None, settings, at=datetime.now(UTC))
    assert (state.state, state.near_alternatives) == ("none", 4)
    changed = settings.model_copy(update={"near_alternatives": 0})
    service.adjust(mocker.Mock(table=lambda _kind: changed))
    assert service.settings.near_alternatives == 0


def test_lists_are_judged_by_the_best_known_present(mocker: MockerFixture) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    timekeeper = mocker.Mock(now=lambda: noon)
    service = HotListService(
        mocker.Mock(), mocker.Mock(), mocker.Mock(), rate_limited=mocker.Mock(), timekeeper=timekeeper
    )
    assert service.moment() == noon


@pytest.mark.parametrize(
    ("hours", "state"),
    [
        (0, "current"),
        (13, "current"),
        (13.01, "warning"),
        (24, "warning"),
        (24.01, "stale"),
        (-0.05, "current"),
        (-1, "warning"),
    ],
)
def test_a_list_warns_then_is_stale(department: Department, hours: float, state: str) -> None:
    manifest = department.manifest(department.package())
    assert freshness(manifest, hotlist_settings(), at=manifest.built + timedelta(hours=hours)) == state


def test_limits_are_the_departments(department: Department) -> None:
    manifest, settings = department.manifest(department.package()), hotlist_settings(warning_hours=1, stale_hours=2)
    assert freshness(manifest, settings, at=manifest.built + timedelta(hours=1.5)) == "warning"
    assert freshness(manifest, settings, at=manifest.built + timedelta(hours=2.5)) == "stale"


def test_a_list_its_issuer_no_longer_stands_by_is_stale(department: Department) -> None:
    expires = department.built + timedelta(hours=2)
    manifest = department.manifest(department.package(expires=expires))
    assert freshness(manifest, hotlist_settings(), at=expires) == "stale"
