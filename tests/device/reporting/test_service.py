"""What is reported of a frame, and of the department's own vehicles; the reporter is a mock."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import call

import pytest
from pytest_mock import MockerFixture

from platepost.device.reporting.service import SAFE_SECONDS, ReportingService
from platepost.device.reporting.surge import Surge
from platepost.device.vision.model_loader import versions_of
from platepost.device.vision.pipeline import FrameResult
from platepost.wire.faults import Fault
from platepost.wire.records.settings import RecordSettings


@pytest.fixture
def asked(mocker: MockerFixture) -> Any:
    """All that is asked of what is around, in order."""
    made = mocker.MagicMock()
    made.reporter.safe = 0
    made.reporter.surge.take_begun.return_value = ()
    made.reporter.surge.present = False
    return made


@pytest.fixture
def reporting(asked: Any) -> ReportingService:
    return ReportingService(asked.reporter, asked.models, audit=asked.audit)


def test_vehicles_of_the_department_s_own_are_accounted_for_hourly_and_at_the_end(
    reporting: ReportingService,
    asked: Any,
) -> None:
    reporting.poll(0.0)
    for now, safe in ((60.0, 3), (SAFE_SECONDS, 5), (SAFE_SECONDS + 60.0, 7)):
        asked.reporter.safe = safe
        reporting.poll(now)
    assert asked.audit.record.call_args_list == [call("safelist_applied", details={"passages": 5})]
    reporting.stop()
    reporting.stop()
    assert asked.audit.record.call_args_list[1:] == [call("safelist_applied", details={"passages": 2})]


def test_an_hour_without_such_vehicles_is_no_event(reporting: ReportingService, asked: Any) -> None:
    for now in range(5):
        reporting.poll(now * SAFE_SECONDS)
    reporting.stop()
    asked.audit.record.assert_not_called()


def test_withdrawals_are_reported_before_everything_else(reporting: ReportingService, asked: Any) -> None:
    result: Any = FrameResult((), early=("early",), ended=("ended",), retractions=("retraction",))  # type: ignore[arg-type]
    reporting.report(result)
    reporting.report_ended(("the last",))  # type: ignore[arg-type]
    assert asked.mock_calls == [
        call.reporter.retract("retraction"),
        call.reporter.early("early"),
        call.reporter.ended("ended"),
        call.reporter.ended("the last"),
    ]


def test_another_list_is_noticed_once(reporting: ReportingService, asked: Any) -> None:
    changed = []
    for current in (asked.reporter.hotlist.current, "another list", "another list", None):
        asked.reporter.hotlist.current = current
        changed.append(reporting.list_changed())
    assert changed == [False, True, False, True]


def test_records_follow_the_configuration_and_name_the_present_networks(
    reporting: ReportingService,
    asked: Any,
) -> None:
    asked.models.recognizer = None
    settings = RecordSettings(signing_key="key.pem", read_overview=True)
    reporting.adjust(SimpleNamespace(digest="ab" * 32, table={RecordSettings: settings}.__getitem__))  # type: ignore[arg-type]
    asked.reporter.adjust.assert_called_once_with(settings, versions_of("ab" * 32, None))


def test_a_surge_of_hits_is_a_fault_and_audited_once(reporting: ReportingService, asked: Any) -> None:
    assert reporting.faults() == ()
    asked.reporter.surge.take_begun.side_effect = [(Surge("local", 11, 0.5),), ()]
    asked.reporter.surge.present = True
    reporting.poll(0.0)
    reporting.poll(1.0)
    asked.audit.record.assert_called_once_with("hits_held", object="local", details={"plates": 11, "usual": 0.5})
    assert reporting.faults() == (Fault.HITS_SURGING,)
