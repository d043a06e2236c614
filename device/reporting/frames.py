"""From a frame to its records: each frame goes through vision, and what it brings is reported."""

from collections.abc import Callable, Sequence

from platepost.device.audit.log import AuditLog
from platepost.device.camera.base import Camera
from platepost.device.frame import Frame
from platepost.device.part import Interval, Part, Tables
from platepost.device.reporting.reporter import Reporter
from platepost.device.vision.model_loader import ModelLoader, versions_of
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import FrameResult, Pipeline
from platepost.device.vision.settings import PassageSettings, VisionSettings
from platepost.wire.faults import Fault
from platepost.wire.records.settings import RecordSettings

SAFE_SECONDS = 3600.0
"""How often the department's own vehicles are accounted for: seldom, so that the account is no log of their rounds."""

Onlooker = Callable[[Frame, FrameResult, Sequence[Passage]], None]
"""Is shown each frame that was evaluated, what it brought, and the open passages; it must be quick and keep nothing."""


class FrameReporter(Part):
    """Evaluates frames.

    Args:
        camera: is told where plates are, to expose for them.
        models: the networks, which may come while the post runs.
        pipeline: from a frame to passages.
        reporter: from passages to records.
        audit: where the department's own vehicles are accounted for.
        onlooker: is shown what comes of each frame.

    """

    def __init__(
        self,
        camera: Camera,
        models: ModelLoader,
        pipeline: Pipeline,
        reporter: Reporter,
        *,
        audit: AuditLog,
        onlooker: Onlooker,
    ) -> None:
        self._camera = camera
        self._models = models
        self.pipeline = pipeline
        self.reporter = reporter
        self._audit = audit
        self._onlooker = onlooker
        self._list = reporter.hotlist.current
        self._safe = Interval(SAFE_SECONDS)
        self._safe_told = 0

    def see(self, frame: Frame) -> None:
        """Take a frame through vision, and report what it brings."""
        look = self.pipeline.look(frame)
        self._camera.meter(frame, [sighting.plate.box for sighting in look.sightings])
        self._onlooker(frame, look, self.pipeline.passages)
        for doubted in look.doubted:
            self.reporter.doubted(doubted)
        for passage in look.early:
            self.reporter.early(passage)
        for ended in look.ended:
            self.reporter.ended(ended)
        if (present := self.reporter.hotlist.current) is not self._list:
            self._list = present
            self.reporter.list_changed(self.pipeline.passages)
            self.pipeline.another_list()

    def finish(self) -> None:
        """Report what was seen so far: no further frames come, or they are evaluated differently."""
        for ended in self.pipeline.finish():
            self.reporter.ended(ended)

    def tick(self, now: float) -> None:
        """Account for the department's own vehicles once an hour, and for hits that are held when they begin."""
        if self._safe.due(now):
            self._account_for_safe()
        for surge in self.reporter.surge.take_begun():
            self._audit.say("hits_held", object=surge.category, details={"plates": surge.plates, "usual": surge.usual})

    def faults(self) -> tuple[Fault, ...]:
        """Name it if hits are held."""
        return (Fault.HITS_SURGING,) if self.reporter.surge.present else ()

    def adjust(self, tables: Tables) -> None:
        """Evaluate by other figures and with the networks of now; carry other pictures and name other versions."""
        self.pipeline.recognizer = self._models.recognizer
        self.pipeline.adjust(tables.table(VisionSettings), tables.table(PassageSettings))
        self.reporter.adjust(tables.table(RecordSettings), versions_of(tables.digest, self._models.recognizer))

    def stop(self) -> None:
        """Account for the department's own vehicles."""
        self._account_for_safe()

    def _account_for_safe(self) -> None:
        passages = self.reporter.safe - self._safe_told
        if passages:
            self._safe_told = self.reporter.safe
            self._audit.say("safelist_applied", details={"passages": passages})
