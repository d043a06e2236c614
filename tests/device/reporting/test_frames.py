"""What comes of a frame, and of the department's own vehicles; vision and the reporter are made up."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import call

import pytest
from pytest_mock import MockerFixture

from platepost.device.reporting.frames import SAFE_SECONDS, FrameReporter
from platepost.device.reporting.surge import Surge
from platepost.device.vision.model_loader import versions_of
from platepost.device.vision.pipeline import FrameResult
from platepost.device.vision.settings import PassageSettings, VisionSettings
from platepost.wire.faults import Fault
from platepost.wire.records.settings import RecordSettings


@pytest.fixture
def asked(mocker: MockerFixture) -> Any:  # noqa: ANN401 - a mock of everything around
    """All that is asked of what is around, in order."""
    made = mocker.MagicMock()
    made.reporter.safe = 0
    made.reporter.surge.take_begun.return_value = ()
    made.reporter.surge.present = False
    return made


@pytest.fixture
def frames(asked: Any) -> FrameReporter:  # noqa: ANN401
    return FrameReporter(
        asked.camera, asked.models, asked.pipeline, asked.reporter, audit=asked.audit, onlooker=asked.onlooker
    )


def test_vehicles_of_the_department_s_own_are_accounted_for_hourly_and_at_the_end(
    frames: FrameReporter,
    asked: Any,  # noqa: ANN401
) -> None:
    frames.tick(0.0)
    for now, safe in ((60.0, 3), (SAFE_SECONDS, 5), (SAFE_SECONDS + 60.0, 7)):
        asked.reporter.safe = safe
        frames.tick(now)
    assert asked.audit.say.call_args_list == [call("safelist_applied", details={"passages": 5})]
    frames.stop()
    frames.stop()
    assert asked.audit.say.call_args_list[1:] == [call("safelist_applied", details={"passages": 2})]


def test_an_hour_without_such_vehicles_is_no_event(frames: FrameReporter, asked: Any) -> None:  # noqa: ANN401
    for now in range(5):
        frames.tick(now * SAFE_SECONDS)
    frames.stop()
    asked.audit.say.assert_not_called()


def test_what_a_frame_brings_is_shown_and_reported_and_what_is_taken_back_first(
    frames: FrameReporter,
    asked: Any,  # noqa: ANN401
) -> None:
    sighting: Any = SimpleNamespace(plate=SimpleNamespace(box=(1, 2, 3, 4)))
    look: Any = FrameResult((sighting,), early=("early",), ended=("ended",), doubted=("doubted",))  # type: ignore[arg-type]
    asked.pipeline.look.return_value = look
    asked.pipeline.finish.return_value = ("the last",)
    frames.see("a frame")  # type: ignore[arg-type]
    frames.finish()
    assert asked.mock_calls == [
        call.pipeline.look("a frame"),
        call.camera.meter("a frame", [(1, 2, 3, 4)]),
        call.onlooker("a frame", look, asked.pipeline.passages),
        call.reporter.doubted("doubted"),
        call.reporter.early("early"),
        call.reporter.ended("ended"),
        call.pipeline.finish(),
        call.reporter.ended("the last"),
    ]


def test_what_is_open_is_looked_up_again_once_when_another_list_is_in_force(
    frames: FrameReporter,
    asked: Any,  # noqa: ANN401
) -> None:
    asked.pipeline.look.return_value = FrameResult((), (), ())
    for current in (asked.reporter.hotlist.current, "another list", "another list", None):
        asked.reporter.hotlist.current = current
        frames.see("a frame")  # type: ignore[arg-type]
    assert asked.reporter.list_changed.call_args_list == 2 * [call(asked.pipeline.passages)]
    assert asked.pipeline.another_list.call_count == 2


def test_another_configuration_is_gone_by_with_the_networks_of_now(
    frames: FrameReporter,
    asked: Any,  # noqa: ANN401
) -> None:
    asked.models.recognizer = None
    told = {
        VisionSettings: VisionSettings(minimum_confidence=0.5),
        PassageSettings: PassageSettings(gone_seconds=2.5),
        RecordSettings: RecordSettings(signing_key="key.pem", read_overview=True),
    }
    frames.adjust(SimpleNamespace(digest="ab" * 32, table=told.__getitem__))  # type: ignore[arg-type]
    assert asked.pipeline.recognizer is None
    asked.pipeline.adjust.assert_called_once_with(told[VisionSettings], told[PassageSettings])
    asked.reporter.adjust.assert_called_once_with(told[RecordSettings], versions_of("ab" * 32, None))


def test_a_surge_of_hits_is_a_fault_and_audited_once(frames: FrameReporter, asked: Any) -> None:  # noqa: ANN401
    assert frames.faults() == ()
    asked.reporter.surge.take_begun.side_effect = [(Surge("local", 11, 0.5),), ()]
    asked.reporter.surge.present = True
    frames.tick(0.0)
    frames.tick(1.0)
    asked.audit.say.assert_called_once_with("hits_held", object="local", details={"plates": 11, "usual": 0.5})
    assert frames.faults() == (Fault.HITS_SURGING,)
