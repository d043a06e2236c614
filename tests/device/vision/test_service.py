"""Vision as a part of a post; the pipeline is a mock."""

from types import SimpleNamespace

from pytest_mock import MockerFixture

from platepost.device.vision.pipeline import VisionService
from platepost.device.vision.settings import PassageSettings, VisionSettings


def test_the_observer_receives_each_frame_and_its_result(mocker: MockerFixture) -> None:
    pipeline, observer = mocker.MagicMock(), mocker.MagicMock()
    vision = VisionService(mocker.MagicMock(), pipeline, observer=observer)
    assert vision.evaluate("a frame") is pipeline.update.return_value  # type: ignore[arg-type]
    pipeline.update.assert_called_once_with("a frame")
    observer.assert_called_once_with("a frame", pipeline.update.return_value, pipeline.passages)


def test_another_configuration_is_applied_with_the_networks_loaded_by_now(mocker: MockerFixture) -> None:
    pipeline, models = mocker.MagicMock(), mocker.MagicMock(recognizer=None)
    tables = {
        VisionSettings: VisionSettings(minimum_confidence=0.5),
        PassageSettings: PassageSettings(lost_after_seconds=2.5),
    }
    vision = VisionService(models, pipeline, observer=mocker.MagicMock())
    vision.adjust(SimpleNamespace(digest="ab" * 32, table=tables.__getitem__))  # type: ignore[arg-type]
    assert pipeline.recognizer is None
    pipeline.adjust.assert_called_once_with(tables[VisionSettings], tables[PassageSettings])
