"""The receipts that come after a post has ended: as its next start would, take them, and make no record.

A post that ends waits for a broker's acknowledgment of its last record, not for the custodians' receipts. Whether they
release everything shows only when the post connects again. Here its outbox, its uplink and its custody service do so,
without the rest: a whole post would make new records by starting.
"""

import logging
import time
from threading import Event

from platepost.common.signals import sleep
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.config import Configuration
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.custody.service import CustodyService
from platepost.device.logbook import Logbook
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.device.uplink.settings import UplinkTiming
from platepost.device.uplink.uplink import Uplink
from platepost.simulator.ground.light_post import LightPost
from platepost.wire.records import Recorder, new_identifier

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
PROBE_SECONDS = 1.0
_CHECK_SECONDS = 0.02


def take_late_receipts(configuration: Configuration, *, timeout: float = TIMEOUT_SECONDS) -> int:
    """Connect as a post that has ended until its outbox is empty; return how many records are left in it.

    Args:
        configuration: the post's; no one else has its outbox open.
        timeout: seconds after which what is left counts as left.

    Raises:
        OutboxError: the outbox cannot be opened.

    """
    with Outbox.of(configuration.outbox) as outbox:
        uplink = _uplink(configuration, outbox)
        with uplink:
            deadline = time.monotonic() + timeout
            while (left := outbox.unreleased()) and time.monotonic() < deadline:
                sleep(_CHECK_SECONDS)
    if left:
        log.warning("%s: %d records are not released", configuration.post.name, left)
    return left


def _uplink(configuration: Configuration, outbox: Outbox) -> Uplink:
    """Return the post's uplink, which brings receipts to its custody service."""
    folder, source = configuration.outbox.path.parent, configuration.post.source
    timekeeper, settings = Timekeeper(), configuration.records
    recorder = Recorder.of(settings, outbox, source, now=timekeeper.now)
    records = RetryingRecorder(recorder, stop=Event())
    logbook = Logbook(outbox, records, timekeeper, run=new_identifier(), settings=settings)
    uplink = Uplink(
        configuration.uplink,
        outbox,
        client_id=source.post,
        timing=UplinkTiming(first_resend_seconds=PROBE_SECONDS, max_resend_seconds=PROBE_SECONDS),
    )
    uplink.will = LightPost(recorder, place=configuration.post.place).will
    trust = TrustedKeys.of(source.agency, configuration.hotlist.issuer_key, None, configuration.custody.given)
    CustodyService(configuration.custody, trust.custodians, logbook, uplink, folder=folder)
    return uplink
