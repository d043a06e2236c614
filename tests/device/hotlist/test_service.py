"""What a post says of its list without a broker."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from device.faults.fault import notices
from device.hotlist import Rules
from device.hotlist.service import HotListService, list_state
from device.hotlist.settings import HotListSettings
from device.records import HotListState


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
    section = HotListSettings(
        directory=Path("lists"),
        issuer_key=Path("issuer.pem"),
        unseal_key=Path("key.pem"),
        look_alike_pairs=("B8",),
        look_alike_budget=2,
        near_alternatives=4,
        near_confidence=0.2,
    )
    lists = HotListService(mocker.Mock(), section, mocker.Mock(), rate_limited=mocker.Mock(), timekeeper=mocker.Mock())
    assert lists.rules == Rules(pairs=("B8",), look_alike_budget=2, near_budget=4, near_confidence=0.2)
    state = list_state(None, section, at=datetime.now(UTC))
    assert (state.state, state.near_alternatives) == ("none", 4)
    changed = section.model_copy(update={"near_alternatives": 0})
    lists.adjust(mocker.Mock(table=lambda _kind: changed))
    assert lists.rules.near_budget == 0


def test_no_clock_in_the_past_makes_a_list_young_or_has_ended_entries_alarm(mocker: MockerFixture) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    timekeeper = mocker.Mock(now=lambda: noon)
    lists = HotListService(
        mocker.Mock(), mocker.Mock(), mocker.Mock(), rate_limited=mocker.Mock(), timekeeper=timekeeper
    )
    assert lists.moment(datetime(1970, 1, 1, tzinfo=UTC)) == noon
    assert lists.moment(noon + timedelta(seconds=1)) == noon + timedelta(seconds=1)
