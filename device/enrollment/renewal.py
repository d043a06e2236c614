"""The post renews its own certificate: alone, when a third of its lifetime is left, and when an operator asks.

The key stays, so that one file changes and there is never a certificate without its key. The uplink sees the new file
within seconds and connects again with it.
"""

import logging
import random
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography import x509

from platepost.common.errors import OutboxError, PlatepostError
from platepost.common.files import replace_durably
from platepost.device.audit.log import AuditLog
from platepost.device.control.commands import Done
from platepost.device.enrollment.keyfiles import read_key_file
from platepost.device.enrollment.settings import EnrollmentSettings
from platepost.device.enrollment.unit import check_certificate
from platepost.device.part import Part
from platepost.device.uplink.settings import UplinkSettings
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import EstClient
from platepost.wire.enrollment.request import make_renewal

log = logging.getLogger(__name__)

AHEAD = 1 / 3
"""Share of the lifetime that is left when the post begins to ask."""
CHECK_SECONDS = 3600.0
"""How often the post looks whether it is time, and asks again after a failure; give or take a quarter."""


class Renewal(Part):
    """Keeps the certificate of one post from ending.

    Args:
        client: asks the office that renews it.
        uplink: where the certificate, its key and the fleet's authorities are; the certificate is replaced.
        name: the post.
        audit: the audit trail.
        now: the time.
        earliest: for a clock that no one vouches for, the earliest time that it can be.

    """

    def __init__(
        self,
        client: EstClient,
        uplink: UplinkSettings,
        *,
        name: str,
        audit: AuditLog,
        now: Callable[[], datetime],
        earliest: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._client = client
        self._name = name
        self._ca = uplink.ca
        self._certificate = uplink.certificate
        self._key = uplink.private_key
        self._audit = audit
        self._now, self._earliest = now, earliest
        self._one_at_a_time = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)

    @classmethod
    def of(
        cls,
        settings: EnrollmentSettings | None,
        uplink: UplinkSettings,
        *,
        name: str,
        audit: AuditLog,
        now: Callable[[], datetime],
        earliest: Callable[[], datetime | None] = lambda: None,
    ) -> "Renewal | None":
        """Return the renewal that a configuration asks for, None where a technician brings certificates."""
        if settings is None:
            return None
        return cls(EstClient(settings.office), uplink, name=name, audit=audit, now=now, earliest=earliest)

    def is_due(self) -> bool:
        """Tell whether a third of the certificate's lifetime or less is left.

        Raises:
            EnrollmentError: the certificate cannot be read.

        """
        leaf = self._leaf()
        lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
        return leaf.not_valid_after_utc - self._now() <= lifetime * AHEAD

    def renew(self) -> datetime:
        """Ask for the next certificate, replace the present one, and return when it ends.

        Raises:
            EnrollmentError: the office refuses, does not answer, or answers with what is not this post's; or the disk
                does not take it, and what was there is there still.
            HeldKeyError: the TPM does not sign.

        """
        with self._one_at_a_time:
            ca = self._read(self._ca)
            request = make_renewal(self._name, read_key_file(self._key))
            chain = self._client.renew(
                request, ca=ca, certificate=self._certificate, key=self._key, earliest=self._earliest()
            )
            # The office is the fleet's, and has just made it. The clock may be behind, as where no one vouches for it
            # and time is held at the end of the certificate before.
            at = max(self._now(), x509.load_pem_x509_certificate(chain).not_valid_before_utc)
            leaf = check_certificate(chain, ca=ca, name=self._name, at=at)
            if leaf.public_key() != self._leaf().public_key():
                raise EnrollmentError("the certificate received is for another key", reason="answer")
            try:
                replace_durably(self._certificate, chain)
            except OSError as error:
                raise EnrollmentError(f"{self._certificate}: {error.strerror or error}", reason="disk") from error
        log.info("the certificate was renewed until %s", leaf.not_valid_after_utc)
        return leaf.not_valid_after_utc

    def order(self) -> Done:
        """Renew now, because an operator asks; the command's own audit record says who."""
        ends = self.renew()
        return Done(details={"certificate_expires": ends.isoformat(timespec="seconds")})

    def renew_if_due(self) -> bool:
        """Renew if it is time, and audit what came of it; tell whether there is another certificate now."""
        try:
            if not self.is_due():
                return False
            ends = self.renew()
        except PlatepostError as error:
            reason = error.reason if isinstance(error, EnrollmentError) else "identity"
            log.warning("the certificate was not renewed: %s", error)
            self._say("failure", reason=reason, message=str(error)[:300])
            return False
        except Exception:  # who reads the audit trail is told of it, too
            log.exception("the certificate was not renewed")
            self._say("failure", reason="failed", message="an unforeseen fault; the post's log has details")
            return False
        self._say("success", certificate_expires=ends.isoformat(timespec="seconds"))
        return True

    def start(self) -> None:
        """Look again and again, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way has the network's own patience."""
        self._stop.set()

    def _run(self) -> None:
        # A fleet that was switched on together does not ask together.
        pause = random.uniform(0, CHECK_SECONDS / 60)
        while not self._stop.wait(pause):
            try:
                self.renew_if_due()
            except Exception:  # an unforeseen fault must not end the renewal for good
                log.exception("the renewal failed")
            pause = random.uniform(0.75, 1.25) * CHECK_SECONDS

    def _say(self, outcome: str, *, reason: str | None = None, **details: str) -> None:
        try:
            self._audit.record(
                "certificate_renewed",
                source="renewal",
                outcome="success" if outcome == "success" else "failure",
                reason=reason,
                object=str(self._client)[:200],
                details=dict(details),
            )
        except OutboxError as error:
            log.warning("the renewal is not in the audit trail: %s", error)

    def _leaf(self) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(self._read(self._certificate))
        except ValueError as error:
            raise EnrollmentError(f"{self._certificate}: not a certificate", reason="identity") from error

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise EnrollmentError(f"{path}: {error.strerror}", reason="identity") from error
