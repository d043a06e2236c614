"""How long the post's certificate is good, read again while the post runs: renewal replaces the file."""

from datetime import datetime, timedelta
from pathlib import Path

from platepost.common.errors import ConfigurationError
from platepost.common.secrets.certificate import certificate
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.part import Interval, Part
from platepost.wire.faults import Fault
from platepost.wire.records import Finding

CERTIFICATE_DAYS = 14
"""Days of validity left below which a certificate is a fault, here, in the status, and for `platepost selftest`."""
EXPIRING = timedelta(days=CERTIFICATE_DAYS)
CHECK_SECONDS = 5.0
"""How often the file is read."""


class CertificateMonitor(Part):
    """Reads when the certificate expires.

    Raises:
        ConfigurationError: the file is unreadable or no certificate.

    """

    def __init__(self, path: Path, timekeeper: Timekeeper) -> None:
        self._valid = certificate(path)
        self._path = path
        self._timekeeper = timekeeper
        self._check_due = Interval(CHECK_SECONDS)
        self._left = self.expires - timekeeper.now()

    @property
    def expires(self) -> datetime:
        """When it ends, as far as was read last."""
        return self._valid.not_valid_after_utc

    def read(self) -> None:
        """Read the file; one that is being replaced at this very moment is read the next time. From any thread."""
        try:
            valid = certificate(self._path)
        except ConfigurationError:
            return
        if valid != self._valid:
            self._valid = valid
            self._timekeeper.heed_certificate(valid)

    def poll(self, now: float) -> None:
        """Read the file now and then."""
        if self._check_due.due(now):
            self.read()
            self._left = self.expires - self._timekeeper.now()

    def faults(self) -> tuple[Fault, ...]:
        """Name it if it expires soon."""
        return (Fault.CERTIFICATE_EXPIRING,) if self._left < EXPIRING else ()

    def findings(self) -> tuple[Finding, ...]:
        """Say how many days are left."""
        days = (self.expires - self._timekeeper.now()).days
        text = f"valid for {days} days more"
        return (Finding(point="certificate", good=days >= CERTIFICATE_DAYS, said=text),)
