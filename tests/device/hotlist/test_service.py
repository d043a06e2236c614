"""What a post says of its list without a broker: the account of safe vehicles, and what a status notices."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device.faults.fault import notices
from device.health.status import Vitals
from device.hotlist import Rules
from device.hotlist import service as module
from device.hotlist.service import HotListService, list_state
from device.hotlist.settings import HotListSettings
from device.records import HotListState, Place, Versions


class Auditing:
    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def say(self, action: str, *, details: dict[str, Any]) -> None:
        self.said.append((action, details))


def test_vehicles_of_the_departments_own_are_accounted_for_hourly_and_at_the_end(mocker: MockerFixture) -> None:
    clock = mocker.patch.object(module, "monotonic", return_value=0.0)
    audit = Auditing()
    lists = HotListService(mocker.Mock(), mocker.Mock(), audit, moderator=mocker.Mock(), timekeeper=mocker.Mock())  # type: ignore[arg-type]
    lists.account_for_safe(3)
    assert audit.said == []
    clock.return_value = 3600.0
    lists.account_for_safe(5)
    lists.account_for_safe(7)
    lists.account_for_safe(7, now=True)
    lists.account_for_safe(7, now=True)
    assert audit.said == [("safelist_applied", {"passages": 5}), ("safelist_applied", {"passages": 2})]


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


def test_a_status_is_due_when_the_list_its_age_or_its_rules_are_others() -> None:
    vitals = Vitals(place=Place(), versions=Versions(software="0", configuration="0"), certificate_expires=None)
    said = [
        vitals.noticed(HotListState(state="current", version=1, age_seconds=1)),
        vitals.noticed(HotListState(state="current", version=1, age_seconds=2)),
        vitals.noticed(HotListState(state="current", version=2)),
        vitals.noticed(HotListState(state="warning", version=2)),
        vitals.noticed(HotListState(state="warning", version=2, near_alternatives=1)),
    ]
    assert said == [True, False, True, True, True]


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
    lists = HotListService(mocker.Mock(), section, mocker.Mock(), moderator=mocker.Mock(), timekeeper=mocker.Mock())
    assert lists.rules == Rules(pairs=("B8",), look_alike_budget=2, near_budget=4, near_confidence=0.2)
    state = list_state(None, section, at=datetime.now(UTC))
    assert (state.state, state.near_alternatives) == ("none", 4)
    lists.adjust(section.model_copy(update={"near_alternatives": 0}))
    assert lists.rules.near_budget == 0


def test_no_clock_in_the_past_makes_a_list_young_or_has_ended_entries_alarm(mocker: MockerFixture) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    timekeeper = mocker.Mock(now=lambda: noon)
    lists = HotListService(mocker.Mock(), mocker.Mock(), mocker.Mock(), moderator=mocker.Mock(), timekeeper=timekeeper)
    assert lists.moment(datetime(1970, 1, 1, tzinfo=UTC)) == noon
    assert lists.moment(noon + timedelta(seconds=1)) == noon + timedelta(seconds=1)
