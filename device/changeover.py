"""The configuration that a running post goes by, and going over to another without a restart."""

import logging
from collections.abc import Callable

from device.config import Configuration
from device.health.status import Vitals, versions_of
from device.hotlist.service import HotListService
from device.reporting.reporter import Reporter
from device.vision.model_loader import ModelLoader
from device.vision.pipeline import Pipeline

log = logging.getLogger(__name__)


class ChangeOver:
    """Has every part whose figures may change from afar go by the configuration in force.

    Args:
        configuration: what the parts were made with.
        finish: tells what was seen so far.
        networks: may come while the post runs.
        pipeline, reporter, lists, vitals: the parts.

    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        finish: Callable[[], None],
        networks: ModelLoader,
        pipeline: Pipeline,
        reporter: Reporter,
        lists: HotListService,
        vitals: Vitals,
    ) -> None:
        self.configuration = configuration
        """The one in force."""
        self._finish = finish
        self._networks = networks
        self._pipeline = pipeline
        self._reporter = reporter
        self._lists = lists
        self._vitals = vitals

    def take_networks(self) -> None:
        """Go by networks whose files have been put right, if it is time to look. Raises as `go_by` does."""
        if self._networks.try_again():
            self.go_by(self.configuration)

    def go_by(self, configuration: Configuration) -> None:
        """Go by another configuration from the next frame on; what was seen so far is told first.

        Raises:
            OutboxError: that cannot be stored, and the post is stopping.

        """
        self._finish()
        self.configuration = configuration
        versions = versions_of(configuration.digest, self._networks.recogniser)
        self._pipeline.recogniser = self._networks.recogniser
        self._pipeline.adjust(configuration.vision, configuration.passages)
        self._reporter.adjust(configuration.records, versions)
        self._lists.adjust(configuration.hotlist)
        self._vitals.adjust(versions)
        log.warning("another configuration is in force: %s", versions.configuration)
