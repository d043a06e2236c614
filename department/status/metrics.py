"""What Prometheus scrapes of a department: figures of posts, archive service, console, and backups.

No plate, person or covert record is in it: a label is a post, a fault, a broker, a disk, or a step of the nightly work.
Posts open no port: what is here of them came over the broker and was kept.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TypeVar

from django.conf import settings
from django.db import Error
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from platepost.common.errors import PlatepostError
from platepost.department.alerts.alerts import OPEN, unanswered
from platepost.department.alerts.liveness import ListeningState, listening_state
from platepost.department.custody.bucket import open_bucket
from platepost.department.database.queries import rows
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.published import PAGE
from platepost.department.lists.posts import post_reports
from platepost.department.status.nightly import read_report
from platepost.department.status.status import custody_status

_HEALTH = """
SELECT DISTINCT ON (post) post, queue_depth, coalesce(unreleased_seconds, 0) FROM custody_health
WHERE covert_group IS NULL AND class = 'log' AND retained_from > %s - interval '15 minutes' ORDER BY post, at DESC
"""
_HITS = f"SELECT count(*) FROM alerts_alert WHERE {OPEN} AND covert_group IS NULL"  # noqa: S608 - our own text
_DELAY = """
SELECT coalesce(extract(epoch FROM max(arrived_at - captured_at)), 0) FROM alerts_alert
WHERE arrived_at > %s - interval '15 minutes' AND covert_group IS NULL
"""
_SENT = "SELECT destination, extract(epoch FROM at), error FROM ledger_sent WHERE destination <> %s"


_Place = TypeVar("_Place", bound=tuple[str, ...])
"""Values of the labels of a series."""


class DepartmentCollector(Collector):
    """Reads a department's figures at each scrape. Django works on its folder, as the role for metrics.

    Args:
        folder: the department's.

    """

    def __init__(self, folder: DepartmentFolder) -> None:
        self._folder = folder
        self._bucket = open_bucket(folder)
        self._one = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the posts."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all figures; while the database does not answer, those that need none of it."""
        now = datetime.now(UTC)
        yield _gauge("platepost_build_info", "The version that runs.", {(version("platepost"),): 1}, "version")
        yield from self._nightly()
        with self._one:
            try:
                figures = [*self._archive(now), *self._posts(now), *self._console(now), *self._checkpoints()]
                answers = True
            except (Error, PlatepostError, OSError):
                figures, answers = [], False
        yield _one("platepost_database_up", "Whether the database answers.", answers)
        yield from figures

    def _archive(self, now: datetime) -> Iterator[Metric]:
        status = custody_status(self._folder.disks, receipts=self._folder.receipts, bucket=self._bucket, at=now)
        yield _one("platepost_ingest_up", "Whether the archive service runs.", bool(status.keepers))
        yield _one("platepost_database_bytes", "Size of the database.", status.database_bytes)
        yield _one("platepost_pictures_up", "Whether the store of pictures answers.", status.pictures is None)
        lost = len(status.receipted_not_held)
        yield _one("platepost_receipted_not_held", "Ranges of records that were receipted and are not there.", lost)
        for name in ("free", "size"):
            values = {(disk,): usage[name] for disk, usage in status.disks.items()}
            yield _gauge(f"platepost_disk_{name}_bytes", f"Bytes of the disk of each folder: {name}.", values, "disk")
        if status.backup_made is not None:
            made = status.backup_made.timestamp()
            yield _one("platepost_backup_last_timestamp_seconds", "When the newest backup was made.", made)
        missing = {(post.post,): post.missing for post in status.posts}
        yield _gauge("platepost_post_missing_records", "Numbers of its chains that did not arrive.", missing, "post")
        odd = {(post.post, verdict): count for post in status.posts for verdict, count in post.odd.items()}
        yield _gauge("platepost_post_odd_records", "Records that are not genuine.", odd, "post", "verdict")

    def _posts(self, now: datetime) -> Iterator[Metric]:
        state = listening_state(now)
        yield from _liveness(state)
        reports = post_reports(now)
        states = {(report.post, report.state): 1 for report in reports}
        yield _gauge("platepost_post_state", "The state that each post reported last.", states, "post", "state")
        faults = {(report.post, fault): 1 for report in reports for fault in report.faults}
        yield _gauge("platepost_post_fault", "The faults that each post reported last.", faults, "post", "fault")
        ages = {(report.post,): report.list_age.total_seconds() for report in reports if report.list_age is not None}
        yield _gauge("platepost_post_hotlist_age_seconds", "Age of the hot list on each post.", ages, "post")
        behind = {(report.post,): report.is_behind for report in reports}
        yield _gauge("platepost_post_hotlist_behind", "Whether another post has a newer list.", behind, "post")
        health = rows(_HEALTH, [now])
        queued = {(post,): depth for post, depth, _ in health}
        yield _gauge("platepost_post_queued_records", "Records waiting on the post for the broker.", queued, "post")
        unkept = {(post,): seconds for post, _, seconds in health}
        yield _gauge("platepost_post_oldest_unkept_seconds", "Age of its oldest record not receipted.", unkept, "post")

    def _console(self, now: datetime) -> Iterator[Metric]:
        ((waiting,),) = rows(_HITS)
        overdue, oldest = unanswered(now)
        ((delay,),) = rows(_DELAY, [now])
        yield _one("platepost_hits_open", "Hits that are not closed or rejected.", waiting)
        yield _one("platepost_hits_overdue", "Hits that no one took within the policy's time.", overdue)
        age = (now - oldest).total_seconds() if oldest else 0
        yield _one("platepost_hits_oldest_overdue_seconds", "Age of the oldest of them.", age)
        yield _one("platepost_hit_delay_seconds", "Longest from capture to arrival of hits in 15 minutes.", delay)

    def _checkpoints(self) -> Iterator[Metric]:
        sent = rows(_SENT, [PAGE])
        at = {(destination,): moment for destination, moment, _ in sent if moment is not None}
        what = "When a checkpoint was last delivered to each destination."
        yield _gauge("platepost_checkpoint_delivered_timestamp_seconds", what, at, "destination")
        failing = {(destination,): bool(error) for destination, _, error in sent}
        what = "Whether the last checkpoint was not delivered."
        yield _gauge("platepost_checkpoint_failing", what, failing, "destination")

    def _nightly(self) -> Iterator[Metric]:
        report = read_report(self._folder.nightly)
        if report is None:
            return
        yield _one("platepost_nightly_last_timestamp_seconds", "When nightly work ended last.", report.at.timestamp())
        failed = {(step,): why is not None for step, why in report.steps.items()}
        yield _gauge("platepost_nightly_step_failed", "Whether a step of it failed.", failed, "step")
        ends = {(name,): end.timestamp() for name, end in report.certificates.items()}
        what = "When each certificate of the department ends."
        yield _gauge("platepost_certificate_expiry_timestamp_seconds", what, ends, "certificate")
        if report.restore is not None:
            tested = report.restore.at.timestamp()
            yield _one("platepost_restore_test_last_timestamp_seconds", "When a restore was last tested.", tested)
            what = "Whether everything in the backup was there and proved."
            yield _one("platepost_restore_test_intact", what, report.restore.intact)


def exposition(collector: Collector) -> bytes:
    """Return what a scrape gets, in the text format of Prometheus 0.0.4."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def readiness() -> str | None:
    """Return why hits cannot reach the console now; None if nothing is known to keep them from it."""
    try:
        state = listening_state()
    except Error:
        return "the database does not answer"
    return " ".join(state.lost) if state.nothing else None


def _liveness(state: ListeningState) -> Iterator[Metric]:
    silent = {(post.post,): post.silent for post in state.posts}
    yield _gauge("platepost_post_silent", "Whether a post has missed two of its reports.", silent, "post")
    late = {(post.post,): post.test_late for post in state.posts}
    yield _gauge("platepost_post_test_hit_late", "Whether its synthetic hit did not arrive in time.", late, "post")
    backed_up = {(post.post,): post.kept_at.timestamp() for post in state.posts if post.kept_at}
    what = "When its last genuine record was stored."
    yield _gauge("platepost_post_last_record_timestamp_seconds", what, backed_up, "post")
    connected = {(name,): name not in state.away for name in settings.BROKERS}
    yield _gauge("platepost_broker_up", "Whether the archive service is connected to a broker.", connected, "broker")


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=float(value))


def _gauge(name: str, what: str, values: Mapping[_Place, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(name, what, labels=labels)
    for place, value in values.items():
        family.add_metric(place, float(value))
    return family
