"""Vision as a part of a post: takes each frame through the networks and passages, and follows the configuration."""

from collections.abc import Callable, Sequence

from platepost.device.frame import Frame
from platepost.device.part import Part, Tables
from platepost.device.vision.model_loader import ModelLoader
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import FrameResult, Pipeline
from platepost.device.vision.settings import PassageSettings, VisionSettings

FrameObserver = Callable[[Frame, FrameResult, Sequence[Passage]], None]
"""Receives each evaluated frame, its result, and the open passages; it must be quick and keep nothing."""


class VisionService(Part):
    """Evaluates frames.

    Args:
        models: the networks, which may come while the post runs.
        pipeline: from a frame to passages.
        observer: receives what comes of each frame.

    """

    def __init__(self, models: ModelLoader, pipeline: Pipeline, *, observer: FrameObserver) -> None:
        self._models = models
        self.pipeline = pipeline
        self._observer = observer

    def evaluate(self, frame: Frame) -> FrameResult:
        """Take the next frame through the pipeline."""
        result = self.pipeline.update(frame)
        self._observer(frame, result, self.pipeline.passages)
        return result

    def adjust(self, tables: Tables) -> None:
        """Evaluate with other limits and with the networks loaded by now."""
        self.pipeline.recognizer = self._models.recognizer
        self.pipeline.adjust(tables.table(VisionSettings), tables.table(PassageSettings))
