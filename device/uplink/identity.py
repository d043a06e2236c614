"""The post's certificate and key on disk: loaded for every connection, and watched for renewal."""

import logging
import ssl
import time
from datetime import datetime

from platepost.device.uplink.settings import UplinkSettings
from platepost.wire.tls import IdentityError, tls_context

log = logging.getLogger(__name__)


class Identity:
    """Makes TLS contexts of the files as they are now, and tells when they have been replaced."""

    def __init__(self, settings: UplinkSettings, *, check_seconds: float) -> None:
        self._settings = settings
        self._check_seconds = check_seconds
        self._loaded: object = None
        self._check_at = 0.0

    def context(self, *, earliest: datetime | None = None) -> ssl.SSLContext:
        """Make the context for one connection; `earliest` as in `tls_context`.

        Raises:
            IdentityError: a file is missing, unreadable, or key and certificate do not belong together.

        """
        self._loaded = self._stamp()
        self._check_at = time.monotonic() + self._check_seconds
        return tls_context(self._settings, earliest=earliest)

    def renewed(self) -> bool:
        """Tell whether the files are others than those last loaded, and can be used."""
        if time.monotonic() < self._check_at:
            return False
        self._check_at = time.monotonic() + self._check_seconds
        stamp = self._stamp()
        if stamp is None or stamp == self._loaded:
            return False
        try:
            tls_context(self._settings)
        except IdentityError as error:
            # The certificate may be there before its key is.
            log.info("a renewed certificate cannot be used yet: %s", error)
            return False
        return True

    def _stamp(self) -> object:
        files = (self._settings.ca, self._settings.certificate, self._settings.private_key)
        try:
            states = [file.stat() for file in files]
        except OSError:
            return None
        return tuple((state.st_ino, state.st_mtime_ns, state.st_size) for state in states)
